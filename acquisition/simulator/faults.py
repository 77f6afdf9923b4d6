"""What can go wrong with electrodes, device and link, at set times."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from acquisition.stream import Refused
from acquisition.tables import refuse_unknown

FAULTS: dict[str, float] = {
    "line": 10.0,
    "lift_off": 5.0,
    "rotation": 15.0,
    "artefact": 1.0,
    "bridge": 1.0,
    "saturate": 1.0,
    "flat": 0.0,
    "nan": 1.0,
    "unplug": 1.0,
    "stall": 1.0,
    "loss": 0.2,
}
"""kind -> its usual size: factor on line interference; factor on the noise of a lifted electrode;
degrees around the arm; factor on the height of a motion artefact; nothing; share of full scale;
count that a flat channel stays at; nothing; nothing; nothing; share of chunks lost."""

ON_CHANNELS = ("lift_off", "bridge", "saturate", "flat")


@dataclass(frozen=True)
class Fault:
    """One fault: from `at_s` on, for `for_s`. Refuses kinds and times that cannot be.

    unplug: the device is gone, reading raises DeviceLost; it can be started again after
    `for_s`. stall: nothing is handed over meanwhile, then all of it at once (in real time
    only). loss: chunks vanish at random and are counted. The others disturb the samples.
    """

    kind: str
    at_s: float
    for_s: float = math.inf
    channels: tuple[int, ...] = ()
    """Columns that suffer; nan: none means all."""
    size: float | None = None
    """None: the usual size of FAULTS."""

    def __post_init__(self) -> None:
        refuse_unknown(self.kind, FAULTS, "fault")
        if self.kind == "bridge" and len(set(self.channels)) != 2:
            raise Refused(f"A bridge joins two channels, not {list(self.channels)}.")
        if self.kind in ON_CHANNELS and not self.channels:
            raise Refused(f'The fault "{self.kind}" needs the channels that it strikes.')
        if self.kind == "loss" and not 0 <= self.strength <= 1:
            raise Refused(f"The share of lost chunks lies between 0 and 1, not at {self.size}.")

    @property
    def strength(self) -> float:
        return FAULTS[self.kind] if self.size is None else self.size

    @property
    def until_s(self) -> float:
        return self.at_s + self.for_s

    def holds(self, second: float) -> bool:
        return self.at_s <= second < self.until_s

    def part(self, first_n: int, n: int, rate_hz: float) -> slice:
        """Which of the n samples from sample `first_n` on it strikes; may be empty."""
        begin = math.ceil(self.at_s * rate_hz) - first_n
        end = n if math.isinf(self.for_s) else math.ceil(self.until_s * rate_hz) - first_n
        return slice(min(max(begin, 0), n), min(max(end, 0), n))


def check(faults: Iterable[Fault], channels_n: int) -> None:
    """Refuses faults on channels that are not there."""
    for fault in faults:
        if any(not 0 <= c < channels_n for c in fault.channels):
            raise Refused(
                f'The fault "{fault.kind}" strikes the channels {list(fault.channels)}; '
                f"the device has the channels 0 to {channels_n - 1}."
            )
