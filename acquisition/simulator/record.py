"""Recordings of virtual users, for training and for tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acquisition.simulator.anatomy import GESTURES
from acquisition.simulator.arms import Arm
from acquisition.simulator.faults import Fault
from acquisition.simulator.script import Script
from acquisition.simulator.simulation import Simulation
from acquisition.stream import Marker, Samples, Spec


@dataclass(frozen=True)
class Recorded:
    """A wearer's signal and what was asked for meanwhile."""

    spec: Spec
    samples: Samples
    """(time, channel)"""
    labels: NDArray[np.int64]
    """(time,) index in GESTURES of the newest prompt; the wearer follows some 0.2 s later and needs
    another 0.3 s to settle."""
    markers: tuple[Marker, ...]
    """The prompts, by sample of the recording."""


def record(
    arm: Arm, script: Script, seconds: float | None = None, faults: Sequence[Fault] = ()
) -> Recorded:
    """What `arm` gives while its wearer follows `script`; one pass of it unless told otherwise.

    To the bit what a source gives live for the same arm and script. For another user, session
    or repetition, replace the `user`, `session` or `seed` of the arm.
    """
    length_n = round((script.seconds if seconds is None else seconds) * arm.rate_hz)
    taken = Simulation(arm, script, faults).take(length_n)
    labels = np.zeros(length_n, np.int64)
    for marker in taken.markers:
        labels[marker.sample_n :] = GESTURES.index(marker.text)
    return Recorded(arm.spec, taken.samples, labels, taken.markers)
