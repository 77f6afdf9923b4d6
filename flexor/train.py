"""The commands of the workstation: train, evaluate, export, benchmark."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from acquisition.stream import Refused
from models.settings import read_toml

REST = "rest"


def evaluate_session(artifact_path: Path, session_path: Path, settle_s: float) -> dict[str, Any]:
    """The score of an artifact on a recording, decided window by window by the live decoder."""
    from acquisition.imports import load_session
    from models.artifact import open_artifact
    from training.evaluate import evaluate

    artifact = open_artifact(artifact_path)
    result = evaluate(artifact, load_session(session_path), settle_s)
    return {
        "artifact": str(artifact_path),
        "digest": artifact.digest,
        "runtime": artifact.runtime.name,
        "session": str(session_path),
        **asdict(result),
    }


def train_wearer(
    recipe_path: Path,
    data: str,
    wearer: str,
    session: str,
    cycles: int,
    general: str,
    out: Path,
    *,
    ship: bool = False,
) -> dict[str, Any]:
    """Pre-trains on many users, fits one, leaves artifacts and a model card in `out`.

    ship: the artifact is to be given away; refuses data that may not train such a one.
    """
    from training.catalogue import refuse_unshippable
    from training.datasets import fingerprint, read_dataset
    from training.recipe import Recipe
    from training.simulated import digest as digest_of
    from training.splits import Selection, select

    recipe = read_toml(recipe_path, Recipe)
    if ship:
        refuse_unshippable([data.partition(":")[0]])
    from training.run import train_run  # torch, after what can be refused without it

    segments = read_dataset(data)
    name, _, place = data.partition(":")
    digest = digest_of(segments) if name == "synthetic" else fingerprint(Path(place), name)
    beginnings = tuple(filter(None, (word.strip() for word in general.split(","))))
    others = tuple(
        sorted({s.user for s in segments if s.user.startswith(beginnings) and s.user != wearer})
        if beginnings
        else ()
    )
    own = select(segments, Selection((wearer,), (session,), tuple(range(cycles))))
    held_out = [s for s in segments if s.user == wearer and s.session != session]
    with progress("training") as step:
        report = train_run(
            recipe,
            name,
            digest,
            select(segments, Selection(users=others)) if others else (),
            own,
            held_out,
            out,
            REST,
            step,
        )
    return {**report, "left_out": segments.told()}


def export_folder(folder: Path, out: Path) -> dict[str, Any]:
    """The network of a training folder in another format."""
    if out.suffix == ".tflite":
        from training.tflite import export_tflite

        return export_tflite(folder, out)
    if out.suffix == ".onnx":
        from training.run import export_onnx

        return export_onnx(folder, out)
    raise Refused(f'"{out}" must end in .onnx or .tflite.')


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on the terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
