"""The commands of the workstation: train, evaluate, export, benchmark."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from acquisition.stream import Refused

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


def train_wearers(
    recipe_path: Path,
    data: str,
    wearers: str,
    session: str,
    cycles: int,
    general: str,
    out: Path,
    *,
    ship: bool = False,
    seeds: str = "",
    ray: str = "",
    processes_n: int = 1,
) -> dict[str, Any]:
    """Pre-trains on many users, fits one, leaves artifacts and a model card in `out`.

    wearers, seeds: with commas between; several give rows, and a folder for each below `out`.
    ship: the artifact is to be given away; refuses data that may not train such a one, and leaves
    a NOTICE that names whose data it was.
    """
    from training.catalogue import refuse_unshippable
    from training.experiment import read_experiment

    recipe, _ = read_experiment(recipe_path)
    if ship:
        refuse_unshippable([data.partition(":")[0]])
    try:
        numbers = [int(word) for word in words(seeds)] or [recipe.seed]
    except ValueError:
        raise Refused(f'Seeds are whole numbers, e.g. "0,1,2", not "{seeds}".') from None
    from training.fan_out import Where
    from training.sweep import sweep  # torch, after what can be refused without it

    where, beginnings = Where(processes_n, ray), words(general)
    told = (recipe, data, words(wearers), numbers, session, cycles, beginnings, out)
    with progress("training") as step:
        return sweep(*told, ship=ship, where=where, progress=step)


def words(text: str) -> tuple[str, ...]:
    """What stands between commas."""
    return tuple(word for word in (part.strip() for part in text.split(",")) if word)


def export_folder(folder: Path, out: Path, *, ship: bool = False) -> dict[str, Any]:
    """The network of a training folder in another format.

    ship: it is to be given away; refuses one whose data forbids that, and leaves a NOTICE beside.
    """
    if out.suffix not in {".tflite", ".onnx"}:
        raise Refused(f'"{out}" must end in .onnx or .tflite.')
    text = _notice_of(folder) if ship else ""
    if out.suffix == ".tflite":
        from training.tflite import export_tflite

        report = export_tflite(folder, out)
    else:
        from training.run import export_onnx

        report = export_onnx(folder, out)
    if text:
        out.with_name("NOTICE").write_text(text, encoding="utf-8")
    return report


def _notice_of(folder: Path) -> str:
    from models.artifact import open_artifact
    from training.catalogue import attribution_of

    contract = open_artifact(folder / "artifact.onnx").contract
    return attribution_of(contract.provenance.data.split("+"))


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
