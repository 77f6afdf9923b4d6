"""The commands of the workstation; what they need is imported when they are called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from flexor.app import JsonFile, app
from flexor.emit import emit as _emit

Ray = Annotated[str, typer.Option(metavar="auto|ADDRESS", help="Fan out over this Ray cluster.")]
Ship = Annotated[
    bool, typer.Option("--ship", help="To be given away: refuse data whose licence forbids that.")
]
Processes = Annotated[int, typer.Option(help="Fan out over so many processes here.")]


@app.command()
def train(
    recipe: Annotated[Path, typer.Argument(help="The experiment's TOML.")],
    data: Annotated[str, typer.Option(help="e.g. myo_armband:data/myo_armband")],
    wearer: Annotated[str, typer.Option(help="Whom to fit, commas between; or all.")],
    out: Annotated[Path, typer.Option(help="Folder for the artifact and what goes with it.")],
    session: Annotated[str, typer.Option(help="Session to calibrate on.")] = "training0",
    cycles: Annotated[int, typer.Option(help="How many of its cycles.")] = 4,
    general: Annotated[
        str, typer.Option(help="Users to pre-train on: names or beginnings, with commas between.")
    ] = "pretraining/",
    seeds: Annotated[str, typer.Option(help="One training each, commas between.")] = "",
    ship: Ship = False,
    ray: Ray = "",
    processes: Processes = 1,
    json_file: JsonFile = None,
) -> None:
    """Train on a workstation: many users, then one wearer, then an int8 artifact."""
    from flexor.train import train_wearers

    said = (recipe, data, wearer, session, cycles, general, out)
    report = train_wearers(*said, ship=ship, seeds=seeds, ray=ray, processes_n=processes)
    _emit(report, json_file)


@app.command()
def datasets(
    word: Annotated[
        str, typer.Argument(metavar="[FOLDER|NAME|NAME:PATH]", help="Where to look, or at what.")
    ] = "",
    json_file: JsonFile = None,
) -> None:
    """Tell which data sets can be read, which are in a folder, or what is in one."""
    from flexor.datasets import tell_datasets

    _emit(tell_datasets(word), json_file)


@app.command()
def evaluate(
    artifact: Annotated[Path, typer.Argument(help="The .onnx or .tflite.")],
    session: Annotated[Path, typer.Option(help="A recording: .xdf, or a MyoArmband session.")],
    settle: Annotated[float, typer.Option(help="Seconds after a prompt that do not count.")] = 0.5,
    json_file: JsonFile = None,
) -> None:
    """Score an artifact on a recording, through the decoder that runs live."""
    from flexor.train import evaluate_session

    _emit(evaluate_session(artifact, session, settle), json_file)


@app.command()
def levels(
    artifact: Annotated[Path, typer.Argument(help="The .onnx or .tflite.")],
    session: Annotated[Path, typer.Option(help="A recording of the wearer, with prompts.")],
    sites: Annotated[str, typer.Option(help="e.g. flexors=emg6,extensors=emg1+emg2")] = "",
    json_file: JsonFile = None,
) -> None:
    """Measure a wearer's comfortable contractions, as numbers for the profile."""
    from flexor.measure import measure

    _emit(measure(artifact, session, sites), json_file)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="The folder that train made.")],
    out: Annotated[Path, typer.Option(help="The new .onnx or .tflite.")],
    ship: Ship = False,
    json_file: JsonFile = None,
) -> None:
    """Write a trained network as .onnx or .tflite (that one in the converter's environment)."""
    from flexor.train import export_folder

    _emit(export_folder(folder, out, ship=ship), json_file)


@app.command()
def benchmark(
    data: Annotated[Path, typer.Option(help="Folder of the data set.")],
    recipe: Annotated[Path, typer.Option(help="The experiment's TOML, for networks.")] = Path(
        "experiments/myo.toml"
    ),
    protocol: Annotated[str, typer.Option(help="within-user, myo, ...")] = "within-user",
    cycles: Annotated[str, typer.Option(help="Calibration cycles, commas between.")] = "4",
    models: Annotated[str, typer.Option(help="Rows, commas between; else all.")] = "",
    users: Annotated[str, typer.Option(help="Only these, commas between.")] = "",
    out: Annotated[Path, typer.Option(help="Folder for artifacts.")] = Path("runs/benchmark"),
    ray: Ray = "",
    processes: Processes = 1,
    json_file: JsonFile = None,
) -> None:
    """Measure models by a published protocol, on the artifacts that would be deployed."""
    from flexor.benchmark import run_benchmark

    words = (protocol, recipe, data, cycles, models, users, out)
    _emit(run_benchmark(*words, ray=ray, processes_n=processes), json_file)


@app.command()
def search(
    recipe: Annotated[Path, typer.Argument(help="The experiment's TOML, with a table [search].")],
    data: Annotated[str, typer.Option(help="e.g. myo_armband:data/myo_armband")],
    study: Annotated[Path, typer.Option(help="File of the study; it is gone on from.")],
    trials: Annotated[int, typer.Option(help="Trials that the study is to have.")] = 20,
    people: Annotated[
        str, typer.Option(help="Who may be looked at: names or beginnings, with commas between.")
    ] = "pretraining/",
    judges: Annotated[str, typer.Option(help="Whom of them to judge by; else a quarter.")] = "",
    session: Annotated[str, typer.Option(help="Session to fit to; else the first.")] = "",
    cycles: Annotated[int, typer.Option(help="How many of its cycles.")] = 1,
    out: Annotated[Optional[Path], typer.Option(help="TOML of the best recipe.")] = None,  # noqa: UP045
    seed: Annotated[int, typer.Option(help="Of the search; the recipe has its own.")] = 0,
    together: Annotated[int, typer.Option(help="Trials that are judged side by side.")] = 4,
    ray: Ray = "",
    processes: Processes = 1,
    json_file: JsonFile = None,
) -> None:
    """Search the fields of a recipe, judged by people of the training alone."""
    from flexor.search import search_recipe

    places = {"seed": seed, "together_n": together, "ray": ray, "processes_n": processes}
    words = (recipe, data, people, judges, session, cycles, study, trials, out)
    _emit(search_recipe(*words, **places), json_file)  # type: ignore[arg-type]
