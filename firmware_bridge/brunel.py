"""Open Bionics Brunel (the Beetroot firmware) over its USB port, in its CSV mode.

Facts: Open-Bionics/Beetroot (SerialControl.cpp, ErrorHandling.cpp, Utils.cpp), Open-Bionics/
FingerLib (FingerLib.h). Its settings are toggles that outlive power: so it is asked before any.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from firmware_bridge.command import Mode
from firmware_bridge.dialect import Damaged, Ear, Facts, PieceEar, Reading, Silence, Wanted
from firmware_bridge.dialect_link import DialectLink, open_serial_dialect
from firmware_bridge.hand_port import HandPort
from firmware_bridge.hands import HandSpec, Joint
from firmware_bridge.lines import Lines
from firmware_bridge.words import only_port

BAUD_HZ = 115_200
OPEN_N, CLOSED_N = 50, 973
"""Ends of the position sensors' range that the firmware keeps to; an ADC of 10 bits."""
FULL_DEG = 100.0
LONGEST_N = 60
"""At 64 characters the firmware writes one past its buffer."""
NAMES = ("thumb", "index", "middle", "ring")
"""of F0 to F3; the ring finger takes the little one with it"""
# Full closing in about a second.
SPEC = HandSpec("Brunel hand", tuple(Joint(name, (0.0, FULL_DEG), 100.0, 1000.0) for name in NAMES))
FACTS = Facts(SPEC, Mode.POSITION, Silence.HOLDS, None, max_rate_hz=50.0, holds_unpowered=True)
STATUS, POSITIONS, TOGGLE_CSV, LEAVE_MODES = b"#\n", b"A6\n", b"A4\n", b"X\n"
CSV = "CSV"
PATIENCE_N = 50
"""Greetings for which an answer is waited before it is asked again: one second."""
_TOLD = re.compile(r"(\d{1,4}),(\d{1,4}),(\d{1,4}),(\d{1,4}),")
"""Its positions end with a comma. The echo of ours does not."""
_SWITCHED = {"CSV mode ENABLED": CSV, "CSV mode DISABLED": "None", "Exit All Modes": "None"}
_FAULT = re.compile(r"(Fatal Error|Error) (\d{3}) - (.+)")


def counts_of(joints: tuple[float, ...]) -> tuple[int, ...]:
    """Degrees as the hand's counts, within its range."""
    span = CLOSED_N - OPEN_N
    return tuple(
        min(max(round(OPEN_N + deg * span / FULL_DEG), OPEN_N), CLOSED_N) for deg in joints
    )


def degrees_of(counts: tuple[int, ...]) -> tuple[float, ...]:
    return tuple((n - OPEN_N) * FULL_DEG / (CLOSED_N - OPEN_N) for n in counts)


def positions(joints: tuple[float, ...]) -> bytes:
    """All four at once: for numbers that are missing the firmware takes what lies in memory."""
    return ",".join(map(str, counts_of(joints))).encode("ascii") + b"\n"


class Brunel:
    """The dialect. It knows what the hand said of its mode, so that it never toggles blindly."""

    facts = FACTS

    def __init__(self) -> None:
        self.mode = ""
        """as the hand told; "" while it is not known"""
        self._waited_n = 0

    def greet(self) -> bytes:
        """Asks for its mode, brings it to CSV, then asks for positions: one step at a time."""
        if self.mode == CSV:
            return POSITIONS
        if self._waited_n:
            self._waited_n -= 1
            return b""
        self._waited_n = PATIENCE_N
        if not self.mode:
            return STATUS
        step = TOGGLE_CSV if self.mode == "None" else LEAVE_MODES
        self.mode = ""  # until it says that it did so
        return step

    def ask(self) -> bytes:
        return POSITIONS

    def arm(self, at_deg: tuple[float, ...]) -> bytes:
        """Its answer tells whether it is still in CSV mode, with its motors switched on."""
        return STATUS

    def setpoint(self, joints: tuple[float, ...]) -> Wanted:
        return Wanted(positions(joints), degrees_of(counts_of(joints)))

    def stop(self, at_deg: tuple[float, ...]) -> bytes:
        return positions(at_deg) if at_deg else b""

    def disarm(self, at_deg: tuple[float, ...]) -> bytes:
        """Nothing: its motors hold, and switching them off is a setting that outlives power."""
        return b""

    def told(self, mode: str) -> None:
        """The hand said in which mode it is."""
        self.mode, self._waited_n = mode, 0

    def ear(self) -> Ear:
        self.mode, self._waited_n = "", 0
        return PieceEar(Lines(), self._read)

    def _read(self, line: str) -> Reading | None:
        """Of positions, errors, and the few lines that tell the hand's mode."""
        if told := _TOLD.fullmatch(line):
            counts = tuple(int(group) for group in told.groups())
            if max(counts) <= 1023:
                return Reading(degrees_of(counts))
            raise Damaged
        if fault := _FAULT.fullmatch(line.removeprefix("Errors:").strip()):
            return Reading(trip=fault[3])
        if line in _SWITCHED:
            self.told(_SWITCHED[line])
        elif line.startswith("Mode:"):
            return self._mode(line.removeprefix("Mode:").strip())
        elif line.startswith("Motors:") and line.endswith("DISABLED"):
            return Reading(trip="its motors are switched off; send it A3 in a terminal")
        return None

    def _mode(self, mode: str) -> Reading | None:
        was = self.mode
        self.told(mode)
        return Reading(trip=f"it left CSV mode for {mode}") if was == CSV != mode else None


def open_brunel(
    argument: str = "",
    *,
    port: HandPort | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> DialectLink:
    """The hand at a serial port. `port` stands for it, as in tests.

    Refuses a port that is missing, busy or not permitted.
    """
    return open_serial_dialect(Brunel(), only_port(argument, "brunel"), BAUD_HZ, port, clock)
