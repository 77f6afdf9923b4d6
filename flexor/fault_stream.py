"""Faults 1 to 9: what befalls the bytes between the sensor and the loop."""

from __future__ import annotations

from flexor.fault_bench import MOVING_S, VirtualRun
from flexor.fault_table import Outcome

DEVICE = "myo_dongle:virtual"
"""Counts, framing and a serial line: the device that the demo's artifact was made for."""


def moving(**settings: object) -> VirtualRun:
    """A run whose hand has been closing for half a second."""
    run = VirtualRun(word=DEVICE, c=True, **settings)  # type: ignore[arg-type]
    return run.until(MOVING_S)


def unplugged() -> Outcome:
    """1: the cable is pulled while the hand closes."""
    run = moving()
    was = run.moving
    run.device_ports[-1].unplugged = True
    safe_s = run.rest_s()
    return Outcome(was, 1e3 * safe_s, " ".join(run.told(MOVING_S)))
