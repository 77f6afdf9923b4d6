"""The command that calibrates. It imports what it needs when called: help comes at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from flexor.app import JsonFile, app
from flexor.emit import show_calibration

GESTURES = "hand_close,hand_open,wrist_flexion,wrist_extension,radial_deviation,ulnar_deviation"


@app.command()
def calibrate(
    profile: Annotated[Path, typer.Option(help="The wearer's TOML, made where there is none.")],
    source: Annotated[str, typer.Option(help="e.g. myo, or synthetic:armband")] = "synthetic",
    gestures: Annotated[str, typer.Option(help="To be told apart, with commas.")] = GESTURES,
    repetitions: Annotated[int, typer.Option(help="Of holding each gesture.")] = 3,
    ramps: Annotated[int, typer.Option(help="Of raising and lowering each slowly.")] = 1,
    follows: Annotated[int, typer.Option(help="Of following a moving target.")] = 0,
    positions: Annotated[str, typer.Option(help="Of the arm, as hanging,bent,raised.")] = "bent",
    hold: Annotated[float, typer.Option(help="Seconds of each held contraction.")] = 3.0,
    rest: Annotated[float, typer.Option(help="Seconds of rest before each.")] = 2.0,
    artifact: Annotated[
        Path | None, typer.Option(help="With a head to be fitted; else all is from scratch.")
    ] = None,
    keep: Annotated[
        Optional[bool],  # noqa: UP045
        typer.Option(
            "--keep/--discard", help="Without it a terminal is asked.", show_default=False
        ),
    ] = None,
    refuse: Annotated[
        bool,
        typer.Option("--refuse/--decide-all", help="Whether unknown movements move nothing."),
    ] = True,
    trial: Annotated[float, typer.Option(help="Seconds of each gesture to try it; 0: none.")] = 2.5,
    go_on: Annotated[
        Path | None, typer.Option("--continue", help="The recording of one that broke off.")
    ] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Simulated muscles in no time.")] = False,
    user: Annotated[int, typer.Option(help="Which simulated wearer.")] = 0,
    seed: Annotated[int, typer.Option(help="Seed of simulated muscles.")] = 0,
    json_file: JsonFile = None,
) -> None:
    """Learn a wearer's gestures: prompts, a word on each contraction, a fit on this device."""
    from flexor.calibrate import Choices, run_calibrate
    from flexor.calibration_plan import Wanted

    wanted = Wanted(
        tuple(filter(None, gestures.split(","))),
        repetitions,
        ramps,
        follows,
        tuple(filter(None, positions.split(","))),
        ready_s=rest,
        hold_s=hold,
        refuses=refuse,
    )
    asks = sys.stdin.isatty() and keep is None and json_file != "-"
    choices = Choices(artifact, keep, trial, go_on, fast, user, seed)
    report = run_calibrate(source, profile, wanted, choices, input if asks else None)
    show_calibration(report, json_file)
