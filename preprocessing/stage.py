"""What a stage is, what a chain is, and how both are written down."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused, Samples, Spec
from acquisition.tables import Table, look_up

Array = NDArray[np.float32]


class Stage(Protocol):
    """A frozen settings object that starts a state and takes steps with it.

    Any chunking of the input gives the same output, to the bit; the contract test over
    STAGES holds every stage to that.
    """

    def start(self, spec: Spec) -> tuple[Any, Spec]:
        """(state, spec after this stage). Refuses a spec that it cannot serve."""
        ...

    def step(self, x: Array, state: Any) -> tuple[Array, Any]:
        """(output, state after). The given state is spent: hold the one that comes back."""
        ...

    def delay_s(self, spec: Spec) -> float:
        """How much older than its newest sample the middle of what an output rests on is."""
        ...


@dataclass(frozen=True)
class Chain:
    """Stages one after the other: a stage."""

    stages: tuple[Stage, ...]

    def start(self, spec: Spec) -> tuple[Any, Spec]:
        states = []
        for stage in self.stages:
            state, spec = stage.start(spec)
            states.append(state)
        return states, spec

    def step(self, x: Array, state: Any) -> tuple[Array, Any]:
        for i, stage in enumerate(self.stages):
            x, state[i] = stage.step(x, state[i])
        return x, state

    def delay_s(self, spec: Spec) -> float:
        total = 0.0
        for stage in self.stages:
            total += stage.delay_s(spec)
            spec = stage.start(spec)[1]
        return total


def offline(stage: Stage, samples: Samples, spec: Spec) -> Array:
    """What the stage makes of a whole recording: one long chunk."""
    return stage.step(samples, stage.start(spec)[0])[0]


STAGES: dict[str, tuple[str, str]] = {
    "bandpass": ("preprocessing.filters", "Bandpass"),
    "highpass": ("preprocessing.filters", "Highpass"),
    "notch": ("preprocessing.filters", "Notch"),
    "pick": ("preprocessing.channels", "Pick"),
    "common_reference": ("preprocessing.channels", "CommonReference"),
    "standardize": ("preprocessing.channels", "Standardize"),
    "ring": ("preprocessing.ring", "Ring"),
    "recentre": ("preprocessing.recentre", "Recentre"),
    "envelope": ("preprocessing.envelope", "Envelope"),
    "windows": ("preprocessing.windows", "Windows"),
    "time_domain": ("preprocessing.features", "TimeDomain"),
    "log_covariance": ("preprocessing.features", "LogCovariance"),
    "band_covariance": ("preprocessing.bands", "BandCovariance"),
    "bands_and_window": ("preprocessing.bands", "BandsAndWindow"),
    "course": ("preprocessing.course", "Course"),
}
"""kind -> (module, class), imported when asked for."""


def from_row(table: Table, value: Mapping[str, Any], what: str) -> Any:
    """The frozen settings object that {"kind": ..., **settings} describes.

    `what` names the table in the refusal of an unknown kind or setting.
    """
    settings = dict(value)
    kind = settings.pop("kind", None)
    cls = look_up(table, str(kind), what)
    known = {f.name for f in dataclasses.fields(cls)}
    unknown = sorted(set(settings) - known)
    if unknown:
        raise Refused(f'The {what} "{kind}" has the settings {sorted(known)}, not {unknown}.')
    missing = sorted(
        f.name
        for f in dataclasses.fields(cls)
        if f.default is dataclasses.MISSING and f.name not in settings
    )
    if missing:
        raise Refused(f'The {what} "{kind}" lacks the settings {missing}.')
    return cls(**{key: _frozen(item) for key, item in settings.items()})


def to_row(table: Table, stage: Any) -> dict[str, Any]:
    """{"kind": ..., **settings}, JSON-ready; `from_row` reads it back."""
    path = (type(stage).__module__, type(stage).__name__)
    kind = next(kind for kind, row in table.items() if row == path)
    return {"kind": kind, **{k: _thawed(v) for k, v in dataclasses.asdict(stage).items()}}


def chain_from_json(rows: Sequence[Mapping[str, Any]]) -> Chain:
    return Chain(tuple(from_row(STAGES, row, "stage") for row in rows))


def chain_to_json(chain: Chain) -> list[dict[str, Any]]:
    return [to_row(STAGES, stage) for stage in chain.stages]


def _frozen(value: Any) -> Any:
    return tuple(_frozen(v) for v in value) if isinstance(value, (list, tuple)) else value


def _thawed(value: Any) -> Any:
    return [_thawed(v) for v in value] if isinstance(value, (list, tuple)) else value
