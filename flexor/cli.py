"""The command line. Every command imports what it needs when it is called: help comes at once."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn, Optional

import typer

from flexor.emit import emit as _emit
from flexor.emit import show_run as _show_run

app = typer.Typer(
    help="Flexor reads muscles and moves machines.",
    add_completion=False,
    pretty_exceptions_enable=False,
)

JsonFile = Annotated[
    Optional[str],  # noqa: UP045 - typer reads this on Python 3.10 too
    typer.Option("--json", metavar="FILE", help="Write the figures as JSON; - is the terminal."),
]
Lsl = Annotated[bool, typer.Option("--lsl", help="Also send all of it to LSL.")]
Seconds = Annotated[Optional[float], typer.Option(help="Stop after this long.")]  # noqa: UP045

EXTRAS = {"bleak": "ble", "pylsl": "lsl", "mne_lsl": "lsl", "can": "can", "edfio": "files"}
EXTRAS |= {name: name for name in ("brainflow", "mindrove")}
"""library -> the extra that brings it; every other one comes with training"""

REFUSED, FAILED, MISSED, BROKEN = 2, 3, 1, 70
"""Exit codes: asked for what cannot be; a device failed meanwhile; a bar was not reached; this
program has a mistake."""


@app.command()
def demo(
    seconds: Annotated[float, typer.Option(help="How long the hand is moved.")] = 20.0,
    json_file: JsonFile = None,
    seed: Annotated[int, typer.Option(help="Seed of the simulated muscles.")] = 0,
    record: Annotated[Optional[Path], typer.Option(help="Also record to this .xdf.")] = None,  # noqa: UP045
    view: Annotated[bool, typer.Option(help="Draw the live view.")] = True,
    hand: Annotated[str, typer.Option(help="simulated, or firmware: the C code")] = "simulated",
) -> None:
    """Move a simulated hand with simulated muscles, live. Needs no hardware and no network."""
    from flexor.run import run_demo

    drawn = view and json_file != "-"
    report = run_demo(seconds=seconds, seed=seed, record=record, view=drawn, hand=hand)
    _show_run(report, json_file)
    raise typer.Exit(0 if report["ok"] else MISSED)


@app.command()
def run(
    source: Annotated[Optional[str], typer.Option(help="e.g. replay:session.xdf")] = None,  # noqa: UP045
    artifact: Annotated[Path | None, typer.Option(help="The .onnx or .tflite.")] = None,
    hand: Annotated[Optional[str], typer.Option(help="e.g. serial:/dev/ttyACM0")] = None,  # noqa: UP045
    profile: Annotated[Optional[Path], typer.Option(help="The wearer's TOML.")] = None,  # noqa: UP045
    arm: Annotated[bool, typer.Option(help="Arm as soon as a second of rest was seen.")] = False,
    record: Annotated[Optional[Path], typer.Option(help="Also record to this .xdf.")] = None,  # noqa: UP045
    lsl: Lsl = False,
    seconds: Seconds = None,
    json_file: JsonFile = None,
    view: Annotated[bool, typer.Option(help="Draw the live view.")] = True,
) -> None:
    """Drive a hand from a source through an artifact, live. Starts disarmed; key a arms."""
    from flexor.run import run_live

    report = run_live(
        profile_path=profile,
        source_word=source,
        artifact_path=artifact,
        hand_word=hand,
        arm=arm,
        record=record,
        lsl=lsl,
        seconds=seconds,
        view=view and json_file != "-",
    )
    _show_run(report, json_file)
    raise typer.Exit(FAILED if report["error"] else 0)


@app.command()
def record(
    out: Annotated[Path, typer.Option(help="The new .xdf.")],
    source: Annotated[str, typer.Option(help="e.g. synthetic:armband")] = "synthetic",
    seconds: Seconds = None,
    prompts: Annotated[
        str, typer.Option(help='What to ask for and how long: "rest:3,hand_close:3".')
    ] = "",
    protocol: Annotated[Path | None, typer.Option(help="A protocol's TOML.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of simulated muscles.")] = 0,
    lsl: Lsl = False,
    json_file: JsonFile = None,
) -> None:
    """Record a source to a crash-safe .xdf, with prompts as markers."""
    from flexor.capture import record_source

    _emit(record_source(out, source, seconds, prompts, seed, protocol, lsl=lsl), json_file)


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A recording of a known kind.")],
    out: Annotated[
        Path | None, typer.Argument(help="The new .edf, .bdf, .csv or .xdf.", show_default=False)
    ] = None,
    rate: Annotated[Optional[float], typer.Option(help="Hz, where IN does not say.")] = None,  # noqa: UP045
    bids: Annotated[Path | None, typer.Option(help="Folder of a BIDS data set to add to.")] = None,
    subject: Annotated[str, typer.Option(help="For --bids.")] = "01",
    session: Annotated[str, typer.Option(help="For --bids.")] = "01",
    task: Annotated[str, typer.Option(help="For --bids.")] = "grips",
    line_hz: Annotated[Optional[float], typer.Option(help="Mains frequency, for --bids.")] = None,  # noqa: UP045
    json_file: JsonFile = None,
) -> None:
    """Write a recording for other programs, or take one of theirs."""
    from flexor.convert import convert as convert_recording

    entities = (subject, session, task)
    report = convert_recording(
        source, out, rate_hz=rate, bids=bids, entities=entities, line_hz=line_hz
    )
    _emit(report, json_file)


@app.command()
def train(
    recipe: Annotated[Path, typer.Argument(help="The experiment's TOML.")],
    data: Annotated[str, typer.Option(help="e.g. myo_armband:data/myo_armband")],
    wearer: Annotated[str, typer.Option(help="User to calibrate on, e.g. evaluation/Male0.")],
    out: Annotated[Path, typer.Option(help="Folder for the artifact and what goes with it.")],
    session: Annotated[str, typer.Option(help="Session to calibrate on.")] = "training0",
    cycles: Annotated[int, typer.Option(help="How many of its cycles.")] = 4,
    general: Annotated[
        str, typer.Option(help="Users to pre-train on: names or beginnings, with commas between.")
    ] = "pretraining/",
    json_file: JsonFile = None,
) -> None:
    """Train on a workstation: many users, then one wearer, then an int8 artifact."""
    from flexor.train import train_wearer

    _emit(train_wearer(recipe, data, wearer, session, cycles, general, out), json_file)


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
def export(
    folder: Annotated[Path, typer.Argument(help="The folder that train made.")],
    out: Annotated[Path, typer.Option(help="The new .onnx or .tflite.")],
    json_file: JsonFile = None,
) -> None:
    """Write a trained network as .onnx or .tflite (that one in the converter's environment)."""
    from flexor.train import export_folder

    _emit(export_folder(folder, out), json_file)


@app.command()
def benchmark(
    data: Annotated[Path, typer.Option(help="Folder of the MyoArmbandDataset.")],
    recipe: Annotated[Path, typer.Option(help="The experiment's TOML.")] = Path(
        "experiments/myo.toml"
    ),
    protocol: Annotated[str, typer.Option(help="within-user")] = "within-user",
    cycles: Annotated[str, typer.Option(help="Calibration cycles, commas between.")] = "4",
    users: Annotated[str, typer.Option(help="Only these, commas between.")] = "",
    out: Annotated[Path, typer.Option(help="Folder for artifacts.")] = Path("runs/benchmark"),
    json_file: JsonFile = None,
) -> None:
    """Measure a recipe by a published protocol, on the artifact that would be deployed."""
    from flexor.train import run_benchmark

    _emit(run_benchmark(protocol, recipe, data, cycles, users, out), json_file)


@app.command()
def bench(
    what: Annotated[str, typer.Argument(help="latency, start or sources")] = "latency",
    artifact: Annotated[Optional[Path], typer.Option(help="The .onnx or .tflite.")] = None,  # noqa: UP045
    repeats: Annotated[int, typer.Option(help="Decisions to measure.")] = 2000,
    json_file: JsonFile = None,
) -> None:
    """Measure this machine: ratios in one run, medians with p99."""
    from flexor.bench import run_bench

    _emit(run_bench(what, artifact, repeats), json_file)


@app.command()
def devices(
    scan: Annotated[bool, typer.Option(help="Also look around: Bluetooth, LSL, network.")] = True,
    json_file: JsonFile = None,
) -> None:
    """What is connected, what it is, what is missing to use it, and what needs no hardware."""
    from flexor.devices import list_devices

    _emit(list_devices(scan=scan), json_file)


@app.command()
def emulate(
    device: Annotated[str, typer.Argument(help="e.g. cyton or cyton:daisy=yes")],
    at: Annotated[str, typer.Option(help="Path or host where it is to be found.")] = "",
    signal: Annotated[str, typer.Option(help="muscles or pattern")] = "muscles",
    lose: Annotated[float, typer.Option(help="Chance that a frame is lost.")] = 0.0,
    duplicate: Annotated[float, typer.Option(help="Chance that a frame comes twice.")] = 0.0,
    reorder: Annotated[float, typer.Option(help="Chance that two frames change places.")] = 0.0,
    corrupt: Annotated[float, typer.Option(help="Chance that a byte is changed.")] = 0.0,
    delay: Annotated[float, typer.Option(help="Longest delay, in seconds.")] = 0.0,
    split: Annotated[bool, typer.Option(help="Cut what is sent anywhere.")] = False,
    seconds: Seconds = None,
    seed: Annotated[int, typer.Option(help="Seed of muscles and trouble.")] = 0,
    json_file: JsonFile = None,
) -> None:
    """Let a device's twin speak the device's bytes: everything can be tried without hardware."""
    from acquisition.emulators.trouble import Trouble
    from flexor.emulate import emulate as serve_twin

    trouble = Trouble(lose, duplicate, reorder, corrupt, delay, split, seed)
    _emit(serve_twin(device, at, signal, trouble, seconds, seed), json_file)


@app.command()
def firmware(
    what: Annotated[str, typer.Argument(help="build, emulate or header")] = "build",
    target: Annotated[str, typer.Option(help="host, lm3s6965evb or mps2-an385")] = "host",
    out: Annotated[Path | None, typer.Option(help="Folder; else the user's cache.")] = None,
    seconds: Seconds = None,
    json_file: JsonFile = None,
) -> None:
    """Build a hand's reference firmware, or let it stand in for a hand."""
    from flexor.firmware import firmware as work

    _emit(work(what, target, out, seconds), json_file)


@app.command()
def doctor(json_file: JsonFile = None) -> None:
    """Check this machine and tell what is missing, with the mend."""
    from flexor.doctor import examine

    report = examine()
    _emit(report, json_file)
    raise typer.Exit(0 if report["ok"] else MISSED)


def main() -> NoReturn:
    """The console script: one clear line and an exit code, never a traceback."""
    from acquisition.stream import FlexorError, Refused

    try:
        sys.exit(app(sys.argv[1:] or ["--help"], standalone_mode=False) or 0)
    except Refused as error:
        _fail(str(error), REFUSED)
    except FlexorError as error:
        _fail(str(error), FAILED)
    except (KeyboardInterrupt, typer.Abort):
        _fail("stopped", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        extra = EXTRAS.get(name, "training")
        where = "" if name in EXTRAS else " on a workstation"
        _fail(
            f"this needs {name}, which is not installed here; install flexor[{extra}]{where}.",
            REFUSED,
        )
    except Exception as error:
        said = getattr(error, "format_message", None)  # what typer says of wrong words
        if said is not None:
            _fail(f"{said().rstrip('.')}. Try flexor --help.", REFUSED)
        if os.environ.get("FLEXOR_TRACE"):
            raise
        _fail(
            f"a mistake of this program ({type(error).__name__}: {error}); please report it. "
            f"FLEXOR_TRACE=1 shows where.",
            BROKEN,
        )


def _fail(sentence: str, code: int) -> NoReturn:
    print(f"flexor: {sentence}", file=sys.stderr)
    sys.exit(code)
