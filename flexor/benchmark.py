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


@dataclass(frozen=True)
class Wanted:
    """What was asked for."""

    recipe: Path
    data: Path
    cycles: tuple[int, ...]
    models: tuple[str, ...]
    users: tuple[str, ...]
    out: Path


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

    return within_user(recipe, wanted.data, wanted.cycles, wanted.out, wanted.users or None, step)


def _myo(wanted: Wanted, step: Any, *, window_samples: int = 52, skewed: bool = False) -> Any:
    """Zero-shot and after calibration: see training.protocol_myo."""
    from training.protocol_myo import MODELS, Case, run_myo

    for model in wanted.models:
        refuse_unknown(model, MODELS, "model")
    case = Case(window_samples, skewed)
    models = wanted.models or tuple(MODELS)
    return run_myo(case, wanted.data, models, wanted.cycles, wanted.out, wanted.users or None, step)


PROTOCOLS: dict[str, Callable[[Wanted, Any], dict[str, Any]]] = {
    "within-user": _within_user,
    "myo": _myo,
    "myo-150ms": partial(_myo, window_samples=30),
    "myo-skewed": partial(_myo, skewed=True),
}
"""name -> what gives {"rows": [...], ...} for what was asked"""


def run_benchmark(
    protocol: str, recipe: Path, data: Path, cycles: str, models: str, users: str, out: Path
) -> dict[str, Any]:
    """The rows of a protocol. Refuses an unknown protocol or model, and cycles that none has."""
    refuse_unknown(protocol, PROTOCOLS, "protocol")
    try:
        counts = tuple(int(word) for word in cycles.split(","))
    except ValueError:
        counts = ()
    if not counts or not all(0 <= n <= 4 for n in counts):
        raise Refused(f'Cycles are whole numbers from 0 to 4, e.g. "1,4", not "{cycles}".')
    wanted = Wanted(recipe, data, counts, _words(models), _words(users), out)
    with progress("benchmark") as step:
        return PROTOCOLS[protocol](wanted, step)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in (part.strip() for part in text.split(",")) if word)
