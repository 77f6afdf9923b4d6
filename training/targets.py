"""Continuous truth beside a signal: joint angles, forces, poses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from acquisition.stream import Refused, Samples


@dataclass(frozen=True, eq=False)
class Targets:
    """What is to be estimated, in step with the samples: one row for each."""

    values: Samples
    """(time, target); NaN where it is not known"""
    names: tuple[str, ...]
    units: tuple[str, ...]
    """one for each name: "deg", "kgf", ...; "raw" where the source states none"""
    rate_hz: float
    """At which it was measured. Between two measurements the values only stand still."""

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or not (
            self.values.shape[1] == len(self.names) == len(self.units)
        ):
            raise Refused(
                f"Targets of the shape {self.values.shape} need as many names and units, "
                f"not {list(self.names)} and {list(self.units)}."
            )

    def part(self, begin: int, end: int) -> Targets:
        """The same of the samples begin .. end - 1."""
        return Targets(self.values[begin:end], self.names, self.units, self.rate_hz)


def held(values: Samples, from_hz: float, to_hz: float, samples_n: int) -> Samples:
    """Values (time, target) in steps of 1 / from_hz as (samples_n, target) in steps of 1 / to_hz.

    Causal: a sample has the newest value that was measured when it was taken, and nothing is
    drawn between two of them, for that would need the later one. On average the result is half
    a step of `from_hz` old. NaN behind the last value's own step. Both begin at the same moment.
    """
    at = np.floor(np.arange(samples_n) * (from_hz / to_hz) + 1e-9).astype(np.int64)
    out = np.full((samples_n, values.shape[1]), np.nan, np.float32)
    known = at < len(values)
    out[known] = values[at[known]]
    return out
