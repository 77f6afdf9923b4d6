"""What continuous control is measured on: recordings with a truth, as steps of effort and truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from acquisition.simulator.arms import ARMBAND
from acquisition.simulator.pursuit import HAND, WRIST, Pursuit
from acquisition.simulator.simulation import Simulation
from acquisition.stream import Refused, Samples
from preprocessing.course import Course
from preprocessing.stage import Chain, offline
from preprocessing.windows import Windows
from training.datasets import Segment, cut, read_dataset
from training.recipe import WEIGHTS, Fit, Recentring, Recipe, Signal
from training.targets import Targets
from training.windows import deployed_chain, reference

STEP_S = 0.025
STEPS_N = 40
"""1 s of 25 ms each: a stride of gait takes about one second."""
CALIBRATION_SHARE = 0.6
"""Of each recording, its begin: what a wearer who calibrates has given before the rest."""
RANGE_PERCENT = (2, 98)
FOLLOWED_S = 2.5
"""How much signal the start of the re-centring is worth where nothing of the wearer is known."""


@dataclass(frozen=True)
class Field:
    """One kind of continuous control."""

    name: str
    rate_hz: float
    highpass_hz: float
    targets: tuple[str, ...]
    read: Callable[[Path], list[Segment]]
    where: str = ""
    """its folder below the data; empty: the simulator"""
    folds_n: int = 100
    """Groups of users that are left out together; at most one for each user"""
    fit_steps: int = 600
    """of the training of the bodies, on other people"""
    between: bool = False
    """whether parts of a recording are also estimated by the parts around them"""


def recipe_for(field: Field, fit: Fit, width: int, seed: int) -> Recipe:
    """Everything about the network of a field, but the data."""
    step = round(STEP_S * field.rate_hz)
    return Recipe(
        f"continuous-{field.name}",
        fit,
        fit,
        seed=seed,
        network="course",
        width=width,
        features="course",
        targets=field.targets,
        quantization=WEIGHTS,
        signal=Signal(field.highpass_hz, 3, STEPS_N * step, step),
        recentring=Recentring(round(FOLLOWED_S / STEP_S / 10), 10 * step, 1.0, 20.0),
    )


@dataclass(frozen=True, eq=False)
class Take:
    """One recording: its segment with the targets as shares of their range, and what they were."""

    segment: Segment
    spans: tuple[float, ...]
    """(target,) one share, in the unit"""
    units: tuple[str, ...]

    @property
    def task(self) -> str:
        return self.segment.gesture


def takes(field: Field, data: Path) -> list[Take]:
    """The recordings of a field. Angles and forces as shares of each recording's usual range
    (2nd to 98th percentile), bent or pulled positive: sign and zero of the goniometers differ
    between people, and so does strength."""
    return [in_shares(segment) for segment in field.read(data)]


def in_shares(segment: Segment) -> Take:
    """A recording whose targets go from 0 to 1 over their usual range."""
    if segment.targets is None:
        raise ValueError(f"the segment {segment.key} has no targets")  # none of ours
    values = segment.targets.values.astype(np.float64)
    if segment.targets.names == ("knee",) and abs(np.nanmin(values)) > abs(np.nanmax(values)):
        values = -values
    low, high = np.nanpercentile(values, RANGE_PERCENT, axis=0)
    shares = ((values - low) / (high - low)).astype(np.float32)
    units = segment.targets.units
    targets = Targets(shares, segment.targets.names, ("share",) * len(units), segment.spec.rate_hz)
    spans = tuple(float(s) for s in high - low)
    return Take(replace(segment, targets=targets), spans, units)


@dataclass(frozen=True, eq=False)
class Steps:
    """A recording behind a chain, step by step."""

    course: NDArray[np.float32]
    """(step, row): of each step, as preprocessing.course has it"""
    truth: NDArray[np.float32]
    """(step, target) at each step's newest sample; NaN where it is not known"""

    def windows_n(self) -> int:
        return max(0, len(self.course) - STEPS_N + 1)

    def features(self) -> NDArray[np.float32]:
        """(window, feature): what the network takes; window k ends with step k + STEPS_N - 1."""
        view = np.lib.stride_tricks.sliding_window_view(self.course, STEPS_N, axis=0)
        return np.ascontiguousarray(view).reshape(len(view), -1)

    def aims(self) -> NDArray[np.float32]:
        """(window, target) at each window's newest sample."""
        return self.truth[STEPS_N - 1 :]


def centre_of(recipe: Recipe, parts: Sequence[Segment]) -> tuple[tuple[float, ...], ...]:
    """Mean covariance of some segments, for the re-centring."""
    return reference(parts, recipe)


def steps_of(
    recipe: Recipe, segment: Segment, centre: tuple[tuple[float, ...], ...], *, fixed: bool
) -> Steps:
    """A recording as a decoder would see it that starts with its first sample.

    The same stages as the artifact's, with windows of one step: a course has nothing in a step
    that is not in its own samples, so the windows of the artifact are runs of these.
    """
    step = recipe.signal.hop_samples
    whole = deployed_chain(recipe, centre, fixed=fixed)
    kept = [s for s in whole.stages if not isinstance(s, (Windows, Course))]
    last = next(s for s in whole.stages if isinstance(s, Course))
    chain = Chain((*kept, Windows(step, step), replace(last, steps_n=1)))
    course = offline(chain, segment.samples, segment.spec)
    values = np.empty((0, 1), np.float32) if segment.targets is None else segment.targets.values
    return Steps(course, values[step - 1 :: step][: len(course)])


def calibration_of(take: Take) -> Segment:
    """The begin of a recording, from which a wearer is calibrated."""
    return cut(take.segment, 0, int(CALIBRATION_SHARE * len(take.segment.samples)))


def _knee(data: Path) -> list[Segment]:
    segments = read_dataset(f"uci_lower_limb:{data}").whole()
    return [_exchanged(s) if s.user in EXCHANGED else s for s in segments]


EXCHANGED = {"A2"}
"""Whose sitting and standing are published under each other's names: in what is called standing
the knee begins bent by 88 degrees and the extensors work, and in what is called sitting the
flexors do."""


def _exchanged(segment: Segment) -> Segment:
    names = {"sitting": "standing", "standing": "sitting"}
    return replace(segment, gesture=names.get(segment.gesture, segment.gesture))


def _force(data: Path) -> list[Segment]:
    return list(read_dataset(f"hermescb:{data}").whole())


WEARERS_N = 12
PURSUIT_S = 30.0
PAIRS = {"wrist": WRIST, "wrist and hand": HAND}


def _pursuits(_: Path) -> list[Segment]:
    return [pursued(user, name) for user in range(1, WEARERS_N + 1) for name in PAIRS]


def pursued(user: int, pair: str, seconds: float = PURSUIT_S) -> Segment:
    """One virtual wearer who moves two degrees of freedom together."""
    arm = replace(ARMBAND, user=user, seed=2000)
    pursuit = Pursuit(PAIRS[pair], seed=user)
    n = round(seconds * arm.rate_hz)
    samples: Samples = Simulation(arm, pursuit).take(n).samples
    truth = pursuit.followed(arm.manner, np.arange(n) / arm.rate_hz).astype(np.float32)
    targets = Targets(truth, ("first", "second"), ("effort", "effort"), arm.rate_hz)
    return Segment(f"wearer{user}", "session1", 0, pair, samples, arm.spec, targets, 1, pair, 0)


FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        Field("knee", 1000.0, 20.0, ("knee",), _knee, "uci_lower_limb", 8),
        Field("force", 2000.0, 20.0, ("force",), _force, "hermescb_lowerlimb_force", 5, 200, True),
        Field("wrist", 200.0, 2.0, ("first", "second"), _pursuits, "", 3, 400),
    )
}
"""name -> what is read and how; the first column of the table"""


SAME = {"N1", "N2"}
"""Of the knees: two recordings are published under both names. Left out together, for they may be
one person."""


def folds(field: Field, found: Sequence[Take]) -> list[tuple[str, ...]]:
    """Users who are left out together, everybody once, in `field.folds_n` groups."""
    users = list(dict.fromkeys(t.segment.user for t in found))
    users.sort(key=lambda user: (int("".join(c for c in user if c.isdigit()) or 0), user))
    users.sort(key=lambda user: user not in SAME)
    n = min(field.folds_n, len(users))
    if n < 2:
        raise Refused(f"To leave one user out there must be two, and there is {users}.")
    return [tuple(map(str, part)) for part in np.array_split(np.array(users), n)]
