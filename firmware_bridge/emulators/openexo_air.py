"""The OpenExo in the air: what a Bluetooth host finds of it, and what it notifies."""

from __future__ import annotations

import time

from acquisition.emulators.gatt import Gatt
from acquisition.emulators.twin import Said
from firmware_bridge.emulators.openexo import REAL_TIME_S, OpenExoBleTwin
from firmware_bridge.openexo_ble import DOUBLE_N, NUMBERS_N
from firmware_bridge.openexo_relay import ERRORS, RECEIVE, SEND, SERVICE

ERROR_SERVICE = "33b65d42-611c-11ed-9b6a-0242ac120002"
ADDRESS, NAME = "F0:08:D1:00:A1:05", "EXOBLE_A105"


class OpenExoAir:
    """A twin for `acquisition.emulators.gatt`. A command is a write of one letter, and each number
    a write of its own."""

    vital = b""
    hung_up = False
    gatt = Gatt(
        NAME,
        ADDRESS,
        (SERVICE,),
        {
            SERVICE: {
                SEND: ("read", "notify"),
                RECEIVE: ("write-without-response", "write", "notify"),
            },
            ERROR_SERVICE: {ERRORS: ("read", "notify")},
        },
    )

    def __init__(self) -> None:
        self.twin = OpenExoBleTwin()
        self.next_s = 0.0
        self._letter, self._numbers = b"", b""

    def greet(self, now_s: float, line: str = "") -> list[Said]:
        self._letter = b""
        return []

    def hear(self, data: bytes, now_s: float, line: str = "") -> list[Said]:
        if not self._letter:
            self._letter, self._numbers = data[:1], b""
        else:
            self._numbers += data
        if len(self._numbers) >= DOUBLE_N * NUMBERS_N.get(self._letter, 0):
            self.twin.obey(self._letter, self._numbers)
            self._letter = b""
        return []

    def due(self, now_s: float) -> list[Said]:
        self.next_s = time.monotonic() + REAL_TIME_S / 4
        said = [Said(note.encode("ascii"), SEND) for note in self.twin.notes(now_s)]
        if failed := self.twin.failed():
            said.append(Said(failed[1:].encode("ascii"), ERRORS))
        return said
