"""Twins of Bluetooth devices in real time, behind a socket that stands in for the air.

`acquisition.ble_stand_in` says what is spoken there.
"""

from __future__ import annotations

import json
import os
import select
import socket
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple, Protocol, cast

import numpy as np

from acquisition.ble_stand_in import MESSAGE_N
from acquisition.emulators.trouble import Injected, Trouble, pass_on
from acquisition.emulators.twin import Said, Twin
from acquisition.stream import Refused

TURN_S = 0.05
"""Longest wait before `stop` is looked at."""


class Gatt(NamedTuple):
    """What a Bluetooth device shows of itself."""

    name: str
    address: str
    advertised: tuple[str, ...]
    """UUIDs of services that are told without a connection"""
    services: Mapping[str, Mapping[str, tuple[str, ...]]]
    """service -> characteristic -> what may be done with it, in BlueZ's words"""


class GattTwin(Twin, Protocol):
    """A twin behind Bluetooth. A line is a characteristic's UUID."""

    gatt: Gatt
    hung_up: bool
    """whether it has ended the connection by itself, as one that falls asleep"""


def serve_gatt(
    twin: Twin,
    path: str,
    trouble: Trouble,
    done: Injected,
    stop: Event,
    ready: Callable[[str], None],
) -> None:
    """Lets the twin be there at the socket `path` until `stop`. One host at a time may connect;
    while one is, others do not hear the twin advertise. What befalls its frames is in `done`.

    Without a path it is among the temporary files. Refuses one that is taken or cannot be made.
    """
    path = path or str(Path(tempfile.gettempdir()) / f"flexor-{os.getpid()}.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        try:
            door.bind(path)
        except OSError as error:
            raise Refused(
                f'"{path}" cannot be made a socket ({error.strerror or error}): give the path of a '
                f"file that is not there yet, with --at."
            ) from None
        air = _Air(cast("GattTwin", twin), door)
        try:
            door.listen()
            ready(path)
            random = np.random.default_rng(trouble.seed)
            while not stop.is_set():
                said = air.listen(min(max(0.0, twin.next_s - time.monotonic()), TURN_S))
                due = twin.due(time.monotonic())
                if trouble.delay_s and due:
                    time.sleep(random.random() * trouble.delay_s)
                air.say(said + pass_on(due, trouble, done, random, twin.vital))
        finally:
            air.close()
            Path(path).unlink(missing_ok=True)


class _Air:
    """Whoever is near the twin."""

    def __init__(self, twin: GattTwin, door: socket.socket) -> None:
        self._twin, self._door = twin, door
        self._near: dict[int, socket.socket] = {}
        self._linked: int | None = None
        self._subscribed: set[str] = set()
        self._poller = select.poll()
        self._poller.register(door, select.POLLIN)

    def listen(self, timeout_s: float) -> list[Said]:
        """Hears who is near, and gives the twin's answers."""
        said: list[Said] = []
        for number, _ in self._poller.poll(1e3 * timeout_s):
            if number == self._door.fileno():
                connection, _ = self._door.accept()
                connection.settimeout(1.0)
                self._near[connection.fileno()] = connection
                self._poller.register(connection, select.POLLIN)
                continue
            try:
                message = self._near[number].recv(MESSAGE_N)
            except OSError:
                message = b""
            if message:
                said += self._hear(number, json.loads(message))
            else:
                self._drop(number)
        return said

    def say(self, said: list[Said]) -> None:
        """Notifies what is subscribed to; the rest is not sent, as in a device."""
        for one in said:
            if self._linked is not None and one.line in self._subscribed:
                self._send(self._linked, {"line": one.line, "data": one.data.hex()})
        if self._twin.hung_up and self._linked is not None:
            self._drop(self._linked)

    def close(self) -> None:
        for number in list(self._near):
            self._drop(number)

    def _hear(self, number: int, asked: dict[str, Any]) -> list[Said]:
        """Answers at once; what the twin says to it comes behind."""
        said: list[Said] = []
        answer: dict[str, Any] = {"answer": None}
        twin, do = self._twin, asked.get("do")
        if do == "advertise":
            if self._linked is None:
                name, address, advertised, _ = twin.gatt
                answer["answer"] = {"name": name, "address": address, "services": advertised}
        elif do == "connect":
            if self._linked is not None:
                answer = {"error": "The device is in use: another host is connected to it."}
            else:
                self._linked = number
                said = twin.greet(time.monotonic())
                answer["answer"] = twin.gatt.services
        elif number != self._linked:
            answer = {"error": "Not connected."}
        elif do == "notify":
            change = self._subscribed.add if asked["on"] else self._subscribed.discard
            change(asked["line"])
        elif do == "read" and asked["line"] in (held := getattr(twin, "readable", {})):
            answer["answer"] = held[asked["line"]].hex()
        elif do == "write":
            said = twin.hear(bytes.fromhex(asked["data"]), time.monotonic(), asked["line"])
        else:
            answer = {"error": f"Nothing here can {do}."}
        self._send(number, answer)
        return said

    def _send(self, number: int, told: dict[str, Any]) -> None:
        if number in self._near:
            try:
                self._near[number].send(json.dumps(told).encode())
            except OSError:
                self._drop(number)

    def _drop(self, number: int) -> None:
        self._poller.unregister(number)
        with suppress(OSError):
            self._near.pop(number).close()
        if number == self._linked:
            self._linked = None
            self._subscribed.clear()
