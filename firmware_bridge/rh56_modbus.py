"""Inspire RH56 hands over Modbus: TCP, or RTU on a serial line. The same registers as rh56.

Facts: as in rh56; one register holds a word. Six bytes of errors lie in three registers; which half
comes first was not verified, and does not matter for whether there is one.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from acquisition.stream import Refused
from acquisition.words import split_argument
from firmware_bridge import modbus
from firmware_bridge.dialect import Ear, Reading
from firmware_bridge.dialect_link import DialectLink, open_serial_dialect
from firmware_bridge.hand_port import HandPort, open_tcp_port
from firmware_bridge.modbus import RTU, TCP, Answers, Framing
from firmware_bridge.rh56 import (
    ANGLES_N,
    BAUD_HZ,
    ERRORS_N,
    SETTINGS,
    TURN_S,
    errors_of,
    hand_id,
    positions_of,
    rh56_of,
)
from firmware_bridge.turn_port import TurnPort
from firmware_bridge.watchdog import WatchdogProcess

HOST, TCP_PORT = "192.168.11.210", 6000
"""as the hand comes from its maker"""


@dataclass(frozen=True)
class ModbusWords:
    """Registers over Modbus; the answers tell their number of words, and so what they are."""

    unit: int = 1
    framing: Framing = TCP

    def read(self, address: int, bytes_n: int) -> bytes:
        return self.framing.wrap(self.unit, modbus.read_registers(address, bytes_n // 2))

    def write(self, address: int, words: tuple[int, ...]) -> bytes:
        return self.framing.wrap(self.unit, modbus.write_registers(address, words))

    def ear(self) -> Ear:
        return _Ear(Answers(self.framing, self.unit))

    def turns(self, data: bytes) -> list[tuple[bytes, int]]:
        return modbus.turns_of(self.framing, data)


class _Ear:
    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._absurd_n = 0

    @property
    def damaged_n(self) -> int:
        return self._answers.damaged_n + self._answers.refused_n + self._absurd_n

    def hear(self, data: bytes) -> list[Reading]:
        readings = []
        for words in self._answers.hear(data):
            row = struct.pack(f"<{len(words)}H", *words)
            if len(row) == ANGLES_N:
                reading = positions_of(row)
            else:
                reading = errors_of(row) if len(row) == ERRORS_N else None
            self._absurd_n += reading is None
            readings += [] if reading is None else [reading]
        return readings


def _place(address: str) -> tuple[str, int]:
    host, _, number = address.partition(":")
    if number and not (number.isascii() and number.isdigit() and 0 < int(number) < 65536):
        raise Refused(f'Write rh56_modbus:HOST:PORT, e.g. {HOST}:{TCP_PORT}, not "{address}".')
    return host or HOST, int(number or TCP_PORT)


def open_rh56_modbus(
    argument: str = "",
    *,
    port: HandPort | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> DialectLink:
    """The hand at HOST:PORT, or at a serial port where the address begins with /. `port` stands
    for either, as in tests.

    Refuses wrong settings, a port that is missing, busy or not permitted, and a silent address.
    """
    address, said = split_argument(argument, SETTINGS, "rh56_modbus")
    words = ModbusWords(hand_id(said), RTU if address.startswith("/") else TCP)
    dialect = rh56_of(said, words)
    line = partial(TurnPort, turns=words.turns, turn_s=TURN_S, clock=clock)
    if port is not None or words.framing is RTU:
        return open_serial_dialect(dialect, address, BAUD_HZ, port, clock, line)
    host, number = _place(address)
    opened = open_tcp_port(host, number, "RH56")
    watchdog = WatchdogProcess(opened.fileno())
    return DialectLink(f"the RH56 at {host}:{number}", dialect, line(opened), clock, watchdog)
