"""The commands of a wearer. Each imports what it needs when called: help comes at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from flexor.app import FAILED, MISSED, JsonFile, Lsl, Seconds, app
from flexor.emit import emit as _emit
from flexor.emit import show_run as _show_run


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
    realtime: Annotated[
        Optional[bool],  # noqa: UP045
        typer.Option(
            "--realtime/--no-realtime",
            help="Run before other programs; a terminal is asked once.",
            show_default=False,
        ),
    ] = None,
    estop_gpio: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(
            "--estop-gpio", metavar="PIN", help="Pin of a closed line that stops at once."
        ),
    ] = None,
    seconds: Seconds = None,
    json_file: JsonFile = None,
    view: Annotated[bool, typer.Option(help="Draw the live view.")] = True,
) -> None:
    """Drive a hand from a source through an artifact, live. Starts disarmed; key a arms."""
    from flexor.profile import read_profile
    from flexor.realtime_ask import wanted
    from flexor.run import run_live

    asks = sys.stdin.isatty() and sys.stdout.isatty() and view and json_file != "-"
    early = wanted(realtime, read_profile(profile).realtime, input if asks else None)
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
        realtime=early,
        estop_gpio=estop_gpio,
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
def watch(
    source: Annotated[str, typer.Option(help="e.g. myo, or synthetic:armband")] = "synthetic",
    line_hz: Annotated[float, typer.Option(help="Mains frequency, for the quality check.")] = 50.0,
    seconds: Seconds = None,
    json_file: JsonFile = None,
    view: Annotated[bool, typer.Option(help="Draw the electrodes.")] = True,
) -> None:
    """Look at the electrodes, here and on the page: no hand, and nothing is decided."""
    from flexor.watch import run_watch

    report = run_watch(source, line_hz, seconds, view=view and json_file != "-")
    _emit(report, json_file)
    raise typer.Exit(FAILED if report["error"] else 0)


@app.command("view")
def look() -> None:
    """Look at the run that is there, and arm or stop it: over SSH, or beside the service."""
    from flexor.view import look_in

    look_in()


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
def sign(
    artifact: Annotated[Path, typer.Argument(help="The .onnx or .tflite.")],
    key: Annotated[Path, typer.Option(help="File of the private key; made where there is none.")],
    json_file: JsonFile = None,
) -> None:
    """Sign an artifact, so that profiles can demand that it comes from you."""
    from flexor.signing import sign_file

    _emit(sign_file(artifact, key), json_file)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def service(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help="install, remove, status, logs or show")] = "status",
    user: Annotated[Optional[str], typer.Option(help="Who runs it.")] = None,  # noqa: UP045
    dry: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what it would write and ask.")
    ] = False,
    json_file: JsonFile = None,
) -> None:
    """Let a run begin at boot, disarmed; what follows are the words of that run."""
    from flexor.service import service as work

    report = work(what, context.args, user, dry=dry)
    if what == "show" and json_file is None:
        print(report["text"], end="")
        return
    _emit(report, json_file)


@app.command()
def dashboard(
    host: Annotated[str, typer.Option(help="Address to serve at; 0.0.0.0 is the network.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(help="Port to serve at.")] = 8420,
    name: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(help="A further name of this device in browsers; repeat it."),
    ] = None,
) -> None:
    """Serve the page: see electrodes, calibrate, drive, test, stop. Pairs browsers on a network."""
    from flexor.dashboard.app import Address, serve
    from flexor.dashboard.keys import state_folder

    serve(Address(host, port, tuple(name or ())), state_folder())
