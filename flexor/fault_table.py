"""The 40 faults that a person's day can bring: what each is, and how soon the hand must be safe."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple, cast

SAFE_MS = 150.0
"""Science 5.3: neutral or hold within this, wherever a fault names no time of its own."""
CUT_MS = 50.0
"""Science 5.3: a sick motor has no torque within this."""
ESTOP_MS = 20.0
"""Science 5.3: the emergency stop, in software."""

FOUND_MS = 2000.0
"""Science 5.3: a wrong sample rate is found out within this, before anything was armed."""


class Outcome(NamedTuple):
    """What was seen when a fault struck."""

    ok: bool
    """whether everything came as the table expects, but for the budget, which the table checks"""
    time_to_safe_ms: float | None
    """from the fault to the last movement of the firmware's joints, in a run in which they moved;
    None where nothing had to be made safe: `ok` then rests on what else can fail"""
    message: str
    """what the person was told: the program's own words"""


class Fault(NamedTuple):
    """One row of the table."""

    name: str
    budget_ms: float
    run: str
    """module:function that injects it and gives an Outcome"""


FAULTS: dict[int, Fault] = {
    1: Fault("sensor unplugged", SAFE_MS, "flexor.fault_stream:unplugged"),
    2: Fault("partial frame, split reads", SAFE_MS, "flexor.fault_stream:torn"),
    3: Fault("corrupt bytes, wrong CRC", SAFE_MS, "flexor.fault_stream:corrupt"),
    4: Fault("duplicate packet", SAFE_MS, "flexor.fault_stream:duplicated"),
    5: Fault("packet out of order", SAFE_MS, "flexor.fault_stream:reordered"),
    6: Fault("lost packets, 1 to 20 %", SAFE_MS, "flexor.fault_flow:lost"),
    7: Fault("counter wraps within a gap", SAFE_MS, "flexor.fault_flow:wrapped"),
    8: Fault("clock drift, jitter, NTP step", SAFE_MS, "flexor.fault_flow:drifting"),
    9: Fault("wrong sample rate", FOUND_MS, "flexor.fault_flow:wrong_rate"),
    10: Fault("NaN, infinity, denormals", SAFE_MS, "flexor.fault_signal:not_numbers"),
    11: Fault("saturated channel", SAFE_MS, "flexor.fault_signal:saturated"),
    12: Fault("flat channel", SAFE_MS, "flexor.fault_signal:flat"),
    13: Fault("two channels bridged", SAFE_MS, "flexor.fault_signal:bridged"),
    14: Fault("electrode lift-off", SAFE_MS, "flexor.fault_signal:lifted"),
    15: Fault("line interference x10", SAFE_MS, "flexor.fault_wearer:line"),
    16: Fault("motion artefact", SAFE_MS, "flexor.fault_wearer:artefact"),
    17: Fault("electrodes turned by one", SAFE_MS, "flexor.fault_wearer:rotated"),
    18: Fault("unknown gesture", SAFE_MS, "flexor.fault_wearer:unknown"),
    19: Fault("co-contraction noise", SAFE_MS, "flexor.fault_wearer:co_contraction"),
    20: Fault("CPU stall, 50 ms to 5 s", SAFE_MS, "flexor.fault_process:stalled"),
    21: Fault("out of memory", SAFE_MS, "flexor.fault_process:starved"),
    22: Fault("disk full, read-only card", SAFE_MS, "flexor.fault_files:disk_full"),
    23: Fault("power cut during write", SAFE_MS, "flexor.fault_files:power_cut"),
    24: Fault("artifact cut, flipped bit", SAFE_MS, "flexor.fault_files:damaged_model"),
    25: Fault("artifact for another device", SAFE_MS, "flexor.fault_files:other_model"),
    26: Fault("malicious artifact", SAFE_MS, "flexor.fault_files:malicious_model"),
    27: Fault("port busy, denied, gone", SAFE_MS, "flexor.fault_files:wrong_port"),
    28: Fault("hand refuses or garbles", SAFE_MS, "flexor.fault_hand:garbled"),
    29: Fault("hand stuck, over-current, hot", CUT_MS, "flexor.fault_hand:sick"),
    30: Fault("commands stop reaching the hand", SAFE_MS, "flexor.fault_process:deaf"),
    31: Fault("low battery, brown-out", SAFE_MS, "flexor.fault_limits:low_supply"),
    32: Fault("flood, slow reader", SAFE_MS, "flexor.fault_web:flooded"),
    33: Fault("malformed message", SAFE_MS, "flexor.fault_web:malformed"),
    34: Fault("arming while the muscles work", SAFE_MS, "flexor.fault_hand:active_at_start"),
    35: Fault("two controllers at once", SAFE_MS, "flexor.fault_process:two_controllers"),
    36: Fault("emergency stop in any state", ESTOP_MS, "flexor.fault_hand:emergency"),
    37: Fault("adaptation led astray", SAFE_MS, "flexor.fault_adapt:astray"),
    38: Fault("time runs back, suspend", SAFE_MS, "flexor.fault_process:jumped"),
    39: Fault("joint limit, torque step, spasm", SAFE_MS, "flexor.fault_limits:too_much"),
    40: Fault("consumer crashes", SAFE_MS, "flexor.fault_process:killed_consumer"),
}
"""number in science 5.3 -> fault"""


def run_fault(number: int) -> Outcome:
    """Injects one fault, end to end."""
    module, _, function = FAULTS[number].run.partition(":")
    found = cast("Callable[[], Outcome]", getattr(import_module(module), function))
    return found()
