"""The commands about this machine and what is connected to it; imports are as late."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from flexor.app import MISSED, JsonFile, Seconds, app
from flexor.emit import emit as _emit


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
    exo: Annotated[bool, typer.Option(help="A leg's joints, which take torque.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder; else the user's cache.")] = None,
    seconds: Seconds = None,
    json_file: JsonFile = None,
) -> None:
    """Build a hand's reference firmware, or let it stand in for a hand."""
    from flexor.firmware import firmware as work

    _emit(work(what, target, out, seconds, exo), json_file)


@app.command()
def faults(
    only: Annotated[str, typer.Option(help='Only these, as in "1,7,20" or "1-19".')] = "",
    json_file: JsonFile = None,
) -> None:
    """Inject every fault that a day can bring, end to end, and tell how soon the hand is safe."""
    from flexor.faults import run_faults

    report = run_faults(only)
    _emit(report, json_file)
    raise typer.Exit(0 if report["ok"] else MISSED)


@app.command()
def assess(
    what: Annotated[str, typer.Argument(help="fitts, tac or motion")] = "fitts",
    artifact: Annotated[Optional[Path], typer.Option(help="The .onnx or .tflite.")] = None,  # noqa: UP045
    user: Annotated[Optional[list[int]], typer.Option(help="Simulated wearer; repeat it.")] = None,  # noqa: UP045
    runs: Annotated[int, typer.Option(help="Runs of each wearer.")] = 3,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Each wearer is calibrated first.")
    ] = False,
    live: Annotated[bool, typer.Option("--live", help="You do it, on the run beside it.")] = False,
    simulated: Annotated[
        bool, typer.Option("--simulated", help="With --live: the run's simulated wearer does it.")
    ] = False,
    targets: Annotated[int, typer.Option(help="With --live: of the ring.")] = 8,
    json_file: JsonFile = None,
) -> None:
    """Let a simulated wearer do a test of control, with and without each decision stage."""
    from flexor.assess import run_assessment
    from flexor.exam_view import examine_live

    if live:
        _emit(examine_live(what, targets_n=targets, simulated=simulated), json_file)
        return
    users = tuple(user or (0,))
    _emit(run_assessment(what, artifact, users, runs, calibrate=calibrate), json_file)


@app.command()
def doctor(
    latency: Annotated[
        bool, typer.Option("--latency", help="How evenly the loop runs beside busy programs.")
    ] = False,
    seconds: Annotated[float, typer.Option(help="How long, for --latency.")] = 30.0,
    json_file: JsonFile = None,
) -> None:
    """Check this machine and tell what is missing, with the mend."""
    from flexor.doctor import examine
    from flexor.jitter import measure_jitter

    report = measure_jitter(seconds) if latency else examine()
    _emit(report, json_file)
    raise typer.Exit(0 if report["ok"] else MISSED)
