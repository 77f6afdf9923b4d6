"""Benchmarks by name: which protocols there are, which rows each can have, and their table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from acquisition.stream import Refused
from acquisition.tables import refuse_unknown
from flexor.train import progress
from models.settings import read_toml

ARTIFACTS = Path(__file__).parent / "artifacts"
"""What ships."""


@dataclass(frozen=True)
class Wanted:
    """What was asked for."""

    recipe: Path
    data: Path
    cycles: tuple[int, ...]
    models: tuple[str, ...]
    users: tuple[str, ...]
    out: Path
    ray: str = ""
    processes_n: int = 1


def _within_user(wanted: Wanted, step: Any) -> dict[str, Any]:
    """One network, fine-tuned to each user: see training.benchmark."""
    from training.recipe import Recipe

    recipe = read_toml(wanted.recipe, Recipe)
    if 0 in wanted.cycles or wanted.models not in ((), (recipe.network,)):
        raise Refused(
            f'The protocol "within-user" measures the recipe\'s network, "{recipe.network}", after '
            f"1 to 4 cycles; use the protocol myo for other rows."
        )
    from training.benchmark import within_user  # torch, after what can be refused without it
    from training.fan_out import Where

    where, users = Where(wanted.processes_n, wanted.ray), wanted.users or None
    return within_user(recipe, wanted.data, wanted.cycles, wanted.out, users, step, where)


def _myo(wanted: Wanted, step: Any, *, window_samples: int = 52, skewed: bool = False) -> Any:
    """Zero-shot and after calibration: see training.protocol_myo."""
    from training.protocol_myo import MODELS, Case, run_myo

    for model in wanted.models:
        refuse_unknown(model, MODELS, "model")
    case = Case(window_samples, skewed)
    models = wanted.models or tuple(MODELS)
    return run_myo(case, wanted.data, models, wanted.cycles, wanted.out, wanted.users or None, step)


def _families(wanted: Wanted, step: Any) -> dict[str, Any]:
    """Every family of networks on the people of the protocol myo: see training.protocol_raw."""
    from training.protocol_raw import MODELS, Asked, run_families

    for model in wanted.models:
        refuse_unknown(model, dict.fromkeys(MODELS), "model")
    models = wanted.models or MODELS
    asked = Asked(wanted.data, wanted.out / "families", models, wanted.cycles, wanted.users)
    return run_families(asked, step)


def _days(wanted: Wanted, step: Any) -> dict[str, Any]:
    """Other days, places, people and data sets below one folder: see training.days."""
    from flexor.datasets import found_below
    from training.days import run_days
    from training.days_rows import MODELS

    for model in wanted.models:
        refuse_unknown(model, dict.fromkeys(MODELS), "model")
    models = wanted.models or MODELS
    return run_days(found_below(wanted.data), models, wanted.users or None, step)


def _robustness(wanted: Wanted, step: Any) -> dict[str, Any]:
    """Shipped artifacts and the model of the protocol myo under damage: see training.robustness."""
    from flexor.datasets import found_below
    from flexor.robustness import hear
    from training.robustness_myo import MYO, Subjects, myo_subjects
    from training.robustness_rows import run_robustness, shipped

    files = {p.name: p for p in sorted(ARTIFACTS.iterdir()) if p.suffix in (".onnx", ".tflite")}
    asked = wanted.models or (*files, MYO)
    for name in asked:
        refuse_unknown(name, {**files, MYO: None}, "artifact")
    models = {name: shipped(files[name]) for name in asked if name in files}
    root = found_below(wanted.data).get("myo_armband") if MYO in asked else None
    left_out: Subjects = {}
    if root is not None:
        wanted.out.mkdir(parents=True, exist_ok=True)
        people, left_out = myo_subjects(root, wanted.out)
        models |= people
    return run_robustness(models, hear, step, left_out)


def _continuous(wanted: Wanted, step: Any) -> dict[str, Any]:
    """Angles, forces and efforts, from the sets below one folder: see training.continuous."""
    from training.continuous import MODELS, Asked, run

    for model in wanted.models:
        refuse_unknown(model, dict.fromkeys(MODELS), "model")
    models = wanted.models or MODELS
    return run(Asked(wanted.data, wanted.out / "continuous", models, wanted.users), step)


PROTOCOLS: dict[str, Callable[[Wanted, Any], dict[str, Any]]] = {
    "within-user": _within_user,
    "myo": _myo,
    "myo-150ms": partial(_myo, window_samples=30),
    "myo-families": _families,
    "myo-skewed": partial(_myo, skewed=True),
    "days": _days,
    "continuous": _continuous,
    "robustness": _robustness,
}
"""name -> what gives {"rows": [...], ...} for what was asked"""


FANNED_OUT = ("within-user",)
"""Protocols whose trainings are long enough to be done elsewhere."""


def run_benchmark(
    protocol: str,
    recipe: Path,
    data: Path,
    cycles: str,
    models: str,
    users: str,
    out: Path,
    *,
    ray: str = "",
    processes_n: int = 1,
) -> dict[str, Any]:
    """The rows of a protocol, with the command and the commit of the code that gave them. Refuses
    an unknown protocol or model, and cycles that none has.

    ray, processes_n: see training.fan_out.Where.
    """
    refuse_unknown(protocol, PROTOCOLS, "protocol")
    if (ray or processes_n != 1) and protocol not in FANNED_OUT:
        raise Refused(
            f'The protocol "{protocol}" is done on this computer in one process; only '
            f"{', '.join(FANNED_OUT)} fans out."
        )
    try:
        counts = tuple(int(word) for word in cycles.split(","))
    except ValueError:
        counts = ()
    if not counts or not all(0 <= n <= 4 for n in counts):
        raise Refused(f'Cycles are whole numbers from 0 to 4, e.g. "1,4", not "{cycles}".')
    wanted = Wanted(recipe, data, counts, _words(models), _words(users), out, ray, processes_n)
    from training.export import code_commit

    told = {"command": _command(protocol, wanted), "commit": code_commit()}  # before it can change
    with progress("benchmark") as step:
        return told | PROTOCOLS[protocol](wanted, step)


def _command(protocol: str, wanted: Wanted) -> str:
    """The words that ask for the same again."""
    said = {
        "protocol": protocol,
        "data": str(wanted.data),
        "cycles": ",".join(map(str, wanted.cycles)),
        "models": ",".join(wanted.models),
        "users": ",".join(wanted.users),
        "recipe": str(wanted.recipe),
        "out": str(wanted.out),
    }
    return "flexor benchmark " + " ".join(f"--{name} {v}" for name, v in said.items() if v)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in (part.strip() for part in text.split(",")) if word)
