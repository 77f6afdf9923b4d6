"""A virtual wearer as a source: real muscle physiology, no hardware."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from acquisition.simulator.arms import ARMS, Arm
from acquisition.simulator.faults import Fault
from acquisition.simulator.script import Plan, demo_script
from acquisition.simulator.simulation import Simulation
from acquisition.simulator.will import Will
from acquisition.stream import (
    Chunk,
    DeviceLost,
    DeviceRefused,
    Marker,
    Refused,
    Spec,
    empty_chunk,
)
from acquisition.tables import refuse_unknown

CHUNK_S = 0.01
"""The Myo sends two samples at a time, every 10 ms."""
_MOST_LOST_N = 100
"""Chunks that may be lost in a row before `read` comes back without one, though it is fast."""
_WORTH_S = 0.003
"""A pause in which a block can be made ahead without delaying a chunk."""
PATIENCE_S = 2.0
"""A wearer who waits for somebody's word goes on by itself after so long without one."""
_LOOKS_S = 0.002
"""How often who waits for a word looks whether it came."""


def open_synthetic(
    argument: str = "",
    *,
    fast: bool = False,
    seconds: float | None = None,
    seed: int = 0,
    user: int = 0,
    session: int = 0,
    faults: Sequence[Fault] = (),
    script: Plan | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Synthetic:
    """The simulated arm that `argument` names: "armband" (also when empty) or "sleeve16".

    In real time unless `fast`; without end unless `seconds`. `user`, `session` and `seed` decide
    anatomy, donning and everything random: equal numbers give equal samples, to the bit.
    Follows `script`, which is `demo_script()` when not given; with a Will it can be told what to
    do. Refuses an unknown arm with the nearest known one.
    """
    name = argument or "armband"
    refuse_unknown(name, ARMS, "simulated arm")
    if seconds is not None and not seconds > 0:
        raise Refused(f"A simulated arm runs for some seconds, not for {seconds}.")
    for what, number in (("user", user), ("session", session), ("seed", seed)):
        if number < 0:
            raise Refused(f"The {what} of a simulated arm is 0 or greater, not {number}.")
    arm = replace(ARMS[name], user=user, session=session, seed=seed)
    return Synthetic(
        arm, script or demo_script(), faults, fast=fast, seconds=seconds, clock=clock, sleep=sleep
    )


class Synthetic:
    """A source that plays a simulation: chunk by chunk as each falls due, or at once if fast.

    A chunk's clock is the first start plus its sample number over the rate, in both cases. After
    a loss of the device it can be started again; the wearer has gone on meanwhile. Who tells the
    wearer what to do may let its time wait (`perform`), so that a busy machine changes nothing of
    what it does: what waited comes as soon as it may, as after a stall.
    """

    def __init__(
        self,
        arm: Arm,
        script: Plan,
        faults: Sequence[Fault] = (),
        *,
        fast: bool = False,
        seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.arm = arm
        self._will = script if isinstance(script, Will) else None
        self._simulation = Simulation(arm, script, faults)
        self._faults = tuple(faults)
        self._fast, self._clock, self._sleep = fast, clock, sleep
        self._chunk_n = max(1, round(CHUNK_S * arm.rate_hz))
        self._end_n = math.inf if seconds is None else round(seconds * arm.rate_hz)
        self._loss = np.random.default_rng([105, arm.seed])
        self._start_s: float | None = None
        self._running = False
        self._lost_n = 0
        self._waiting: tuple[Marker, ...] = ()
        self._allowed: tuple[float, float, bool] | None = None
        self._ahead_s = 0.0

    @property
    def spec(self) -> Spec:
        return self.arm.spec

    def start(self) -> None:
        """Begins, or goes on after a stop or a loss, when the device is there again."""
        now = self._clock()
        if self._start_s is None:
            self._start_s = now
        at_n, rate = self._simulation.taken_n, self.arm.rate_hz
        second = (at_n + self._chunk_n - 1) / rate if self._fast else now - self._start_s
        unplugged = self._struck("unplug", second)
        if unplugged is not None and math.isinf(unplugged.until_s):
            raise DeviceRefused(
                f"The simulated {self.arm.name} was unplugged after {unplugged.at_s} s for good; "
                "open another one."
            )
        if unplugged is not None and not self._fast:
            raise DeviceRefused(
                f"The simulated {self.arm.name} was unplugged after {unplugged.at_s} s; "
                f"it is there again {unplugged.until_s - second:.1f} s from now."
            )
        if unplugged is not None:
            second = unplugged.until_s
        elif self._fast:
            second = at_n / rate
        skipped_n = math.ceil(round(second * rate, 6)) - at_n
        if skipped_n > 0:
            self._simulation.take(skipped_n)
        self._lost_n, self._waiting, self._running = 0, (), True

    def read(self, timeout_s: float) -> Chunk | None:
        """The next chunk as soon as its last sample is due; see `Source.read`."""
        if not self._running or self._start_s is None:
            return None
        give_up_s = self._clock() + timeout_s
        for _ in range(_MOST_LOST_N):
            first_n = self._simulation.taken_n
            n = int(min(self._chunk_n, self._end_n - first_n))
            if n <= 0:
                return None
            if not self._due(first_n + n - 1, give_up_s):
                return empty_chunk(self.spec, self._clock())
            chunk = self._next(first_n, n)
            if chunk is not None:
                return chunk
        return empty_chunk(self.spec, self._clock())

    def stop(self) -> None:
        self._running = False

    def perform(
        self, gesture: str, effort: float, until_s: float | None = None, hurry: bool = False
    ) -> None:
        """Lets the wearer make this gesture from now on. Refuses one that follows a script, and
        what no wearer can do.

        until_s: second of the chunks' clock that the wearer's time does not pass before the next
        word, or before PATIENCE_S without one. hurry: until then it does not wait for real time
        either; the chunks' clock is ahead of it from there on.
        """
        if self._will is None:
            raise Refused("The virtual wearer follows a script, and can be told nothing else.")
        self._will.want(gesture, effort)
        self._allowed = None if until_s is None else (until_s, self._clock(), hurry)

    def _due(self, last_n: int, give_up_s: float) -> bool:
        """Waits until that sample is there; False if it is not at `give_up_s`."""
        second = last_n / self.arm.rate_hz
        unplugged = self._struck("unplug", second)
        if unplugged is not None:
            second = unplugged.at_s
        stalled = self._struck("stall", second)
        if stalled is not None and not self._fast:
            second = stalled.until_s
        if not self._fast and not self._wait(self._started_s + second, give_up_s):
            return False
        if unplugged is not None:
            raise DeviceLost(
                f"The simulated {self.arm.name} was unplugged after {unplugged.at_s} s; "
                "plug it in and start again."
            )
        return True

    def _wait(self, due_s: float, give_up_s: float) -> bool:
        if self._allowed is not None:
            return self._wait_for_word(due_s, give_up_s)
        due_s -= self._ahead_s
        simulation = self._simulation
        if simulation.ahead_n() < self._chunk_n and due_s - self._clock() > _WORTH_S:
            simulation.make_ahead()
        while (now := self._clock()) < due_s:
            if now >= give_up_s:
                return False
            self._sleep(min(due_s, give_up_s) - now)
        return True

    def _wait_for_word(self, due_s: float, give_up_s: float) -> bool:
        """The same where somebody says how far the wearer's time may go."""
        while True:
            now, allowed = self._clock(), self._allowed
            if allowed is None or now - allowed[1] >= PATIENCE_S:
                self._allowed = None
                return self._wait(due_s, give_up_s)
            until_s, _, hurry = allowed
            may = due_s <= until_s
            if may and hurry:
                self._ahead_s = max(self._ahead_s, due_s - now)
            if may and now >= due_s - self._ahead_s:
                return True
            if now >= give_up_s:
                return False
            left_s = min(due_s - self._ahead_s, give_up_s) - now
            self._sleep(left_s if may else min(_LOOKS_S, give_up_s - now))

    def _next(self, first_n: int, n: int) -> Chunk | None:
        """The next n samples as a chunk; None if they are lost on the way."""
        taken = self._simulation.take(n)
        fault = self._struck("loss", first_n / self.arm.rate_hz)
        if fault is not None and self._loss.random() < fault.strength:
            self._lost_n += n
            self._waiting += tuple(Marker(0, m.text) for m in taken.markers)
            return None
        markers, lost_n = self._waiting + taken.markers, self._lost_n
        self._waiting, self._lost_n = (), 0
        return Chunk(taken.samples, self._started_s + first_n / self.arm.rate_hz, lost_n, markers)

    @property
    def _started_s(self) -> float:
        return 0.0 if self._start_s is None else self._start_s

    def _struck(self, kind: str, second: float) -> Fault | None:
        return next((f for f in self._faults if f.kind == kind and f.holds(second)), None)
