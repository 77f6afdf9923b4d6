"""The whole live loop in virtual time, as the faults have it; see flexor.fault_bench."""

from __future__ import annotations

from flexor.fault_bench import MOVING_S, SCRIPT, START_S, VirtualPort, VirtualRun, at

__all__ = ["MOVING_S", "SCRIPT", "START_S", "VirtualPort", "VirtualRun", "at"]
