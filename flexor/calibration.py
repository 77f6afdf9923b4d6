"""A guided calibration as a value: what is asked for now, and what came of it so far.

Samples go in, events come out; the time is that of the samples, so that it runs live, from a
recording and in no time alike. Who shows prompts, records and fits listens to the events.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import NamedTuple

import numpy as np

from acquisition.stream import Chunk, Samples, Spec
from flexor.calibration_check import Verdict, check
from flexor.calibration_fit import Report, report
from flexor.calibration_look import Eye, Look, eye_for, look
from flexor.calibration_plan import RETRIES_N, Task, Wanted, target_at, tasks_of

LEAD_IN_S = 3.0
"""Before the first contraction and after a pause: time to find the place."""


class Phase(Enum):
    """What the wearer does."""

    READY = "ready"
    """rests, and reads what comes"""
    HOLD = "hold"
    """makes the gesture"""
    PAUSED = "paused"
    DONE = "done"


class Happened(NamedTuple):
    """Something that changed, and when."""

    clock_s: float
    phase: Phase
    task: Task | None
    take: Take | None = None
    """what has just been judged"""


@dataclass(frozen=True, eq=False)
class Take:
    """One contraction that was made."""

    look: Look
    verdict: Verdict
    samples: Samples
    """(time, channel): the rest before it, and the contraction"""
    ready_n: int

    @property
    def task(self) -> Task:
        return self.look.task


@dataclass
class Guide:
    """Where a calibration is."""

    wanted: Wanted
    spec: Spec
    queue: deque[Task]
    eye: Eye | None = None
    """None until a rest was seen"""
    phase: Phase = Phase.READY
    task: Task | None = None
    at_n: int = 0
    """samples so far, lost ones counted"""
    begin_n: int = 0
    """of the phase"""
    end_n: int = 0
    ready_n: int = 0
    """samples of the rest before the running contraction"""
    held: list[Samples] = field(default_factory=list)
    """of the running rest and contraction"""
    takes: dict[tuple[str, str, int], Take] = field(default_factory=dict)
    """the newest of each contraction, good or not"""
    restarts: int = 0
    """times that a gap in the signal made a contraction begin anew"""
    pausing: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """Rest first."""
        return (self.wanted.rest, *self.wanted.gestures)

    @property
    def looks(self) -> list[Look]:
        """All that is to be learnt from."""
        return [take.look for take in self.takes.values() if _usable(take)]

    @property
    def done_n(self) -> int:
        return len(self.takes)

    @property
    def all_n(self) -> int:
        left = {task.key for task in self.queue} | set(self.takes)
        return len(left | ({self.task.key} if self.task else set()))

    @property
    def left_s(self) -> float:
        """Of the phase."""
        return max(0.0, (self.end_n - self.at_n) / self.spec.rate_hz)

    @property
    def phase_s(self) -> float:
        """How long the phase has lasted."""
        return (self.at_n - self.begin_n) / self.spec.rate_hz

    @property
    def target(self) -> float:
        """0 .. 1, now."""
        if self.phase is not Phase.HOLD or self.task is None:
            return 0.0
        return target_at(self.task, self.phase_s)

    def report(self) -> Report | None:
        """How well the gestures are told apart so far; None before the first contraction."""
        looks = self.looks
        return report(looks, self.labels) if looks else None


def begin(wanted: Wanted, spec: Spec, eye: Eye | None = None) -> Guide:
    """A calibration at its beginning. eye: of an artifact whose head is to be fitted; None: one is
    made for this signal."""
    guide = Guide(wanted, spec, deque(tasks_of(wanted)), eye)
    _ready(guide, LEAD_IN_S)
    return guide


def take(guide: Guide, chunk: Chunk) -> list[Happened]:
    """What the chunk brings. A gap longer than a hop lets the running contraction begin anew, as
    does a sample that is no number."""
    return list(_take(guide, chunk))


def pause(guide: Guide) -> None:
    """At the end of the running contraction; at once where none is running."""
    if guide.phase is Phase.READY:
        _pause(guide)
    elif guide.phase is Phase.HOLD:
        guide.pausing = True


def go_on(guide: Guide) -> None:
    """After a pause."""
    guide.pausing = False
    if guide.phase is Phase.PAUSED:
        _ready(guide, LEAD_IN_S)


def again(guide: Guide, gesture: str) -> bool:
    """Lets the weakest point of a gesture be made again: its bad contractions, else its last one.
    False where it was not made yet."""
    takes = [take for take in guide.takes.values() if take.task.gesture == gesture]
    bad = [take.task for take in takes if not take.verdict.good] or [t.task for t in takes[-1:]]
    waiting = {task.key for task in guide.queue} | ({guide.task.key} if guide.task else set())
    wanted = [replace(task, retry=0) for task in bad if task.key not in waiting]
    guide.queue.extendleft(reversed(wanted))
    if wanted and guide.phase is Phase.DONE:
        _ready(guide, LEAD_IN_S)
    return bool(takes)


def _take(guide: Guide, chunk: Chunk) -> Iterator[Happened]:
    samples, clock_s = chunk.samples, chunk.clock_s
    if chunk.lost or not np.isfinite(samples).all():
        broken = chunk.lost > _bridged_n(guide) or not np.isfinite(samples).all()
        if broken or not guide.held:
            guide.at_n += chunk.lost
            yield from _restart(guide, clock_s)
            if not np.isfinite(samples).all():
                guide.at_n += len(samples)
                return
        else:
            bridge = np.repeat(guide.held[-1][-1:], chunk.lost, axis=0)
            clock_s -= chunk.lost / guide.spec.rate_hz
            samples = np.concatenate([bridge, samples])
    while len(samples):
        left_n = len(samples)
        if guide.phase in (Phase.READY, Phase.HOLD):
            left_n = min(left_n, guide.end_n - guide.at_n)
            guide.held.append(samples[:left_n])
        guide.at_n += left_n
        clock_s += left_n / guide.spec.rate_hz
        samples = samples[left_n:]
        if guide.phase in (Phase.READY, Phase.HOLD) and guide.at_n >= guide.end_n:
            yield _next(guide, clock_s)


def _bridged_n(guide: Guide) -> int:
    """As many lost samples the decoder bridges too."""
    return guide.eye.windows.hop_samples if guide.eye else 0


def _restart(guide: Guide, clock_s: float) -> Iterator[Happened]:
    if guide.phase in (Phase.READY, Phase.HOLD):
        if guide.phase is Phase.HOLD:
            guide.restarts += 1
        if guide.task is not None:
            guide.queue.appendleft(guide.task)
        _ready(guide, guide.wanted.ready_s)
        yield Happened(clock_s, guide.phase, guide.task)


def _ready(guide: Guide, seconds: float) -> None:
    """The rest before the next contraction, or the end where there is none."""
    guide.held = []
    guide.begin_n = guide.at_n
    guide.task = guide.queue.popleft() if guide.queue else None
    guide.phase = Phase.DONE if guide.task is None else Phase.READY
    guide.end_n = guide.at_n + (round(seconds * guide.spec.rate_hz) if guide.task else 0)


def _pause(guide: Guide) -> None:
    if guide.task is not None:
        guide.queue.appendleft(guide.task)
    guide.task, guide.held, guide.pausing = None, [], False
    guide.phase, guide.begin_n, guide.end_n = Phase.PAUSED, guide.at_n, guide.at_n


def _next(guide: Guide, clock_s: float) -> Happened:
    """The phase is over."""
    task = guide.task
    if guide.phase is Phase.READY and task is not None:
        guide.phase, guide.ready_n = Phase.HOLD, guide.at_n - guide.begin_n
        guide.begin_n = guide.at_n
        guide.end_n = guide.at_n + round(task.seconds * guide.spec.rate_hz)
        return Happened(clock_s, guide.phase, task)
    made = None
    if task is not None:
        made = put(guide, task, np.concatenate(guide.held), guide.ready_n)
        if not made.verdict.good and made.task.retry < RETRIES_N:
            guide.queue.appendleft(made.task.again())
    if guide.pausing:
        _pause(guide)
    else:
        _ready(guide, guide.wanted.ready_s)
    return Happened(clock_s, guide.phase, guide.task, made)


def put(guide: Guide, task: Task, samples: Samples, ready_n: int) -> Take:
    """Judges a contraction and keeps it in the place of an earlier one of the same repetition.

    samples: (time, channel), a rest of `ready_n` first.
    """
    if guide.eye is None:
        guide.eye = eye_for(guide.spec, samples[:ready_n])
    seen = look(guide.eye, task, samples, ready_n)
    others = (take for key, take in guide.takes.items() if key != task.key)
    good = [take.look for take in others if take.verdict.good]
    verdict = check(seen, samples, ready_n, guide.spec, good, guide.wanted.rest)
    made = Take(seen, verdict, samples, ready_n)
    guide.takes[task.key] = made
    return made


def _usable(made: Take) -> bool:
    """A contraction that stayed doubtful after all is used as it is, but not one that never was."""
    return made.verdict.reason not in ("flat", "weak", "early", "unlike") and bool(
        made.look.held.any() and made.look.resting.any()
    )


def gestures_missing(guide: Guide, looks: Sequence[Look]) -> list[str]:
    """Gestures with fewer than two usable contractions: too few to hold one out."""
    counts = {g: sum(look.task.gesture == g for look in looks) for g in guide.wanted.gestures}
    return [gesture for gesture, n in counts.items() if n < 2]
