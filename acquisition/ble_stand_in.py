"""The part of bleak that talks to Bluetooth, talking to a twin's socket instead.

bleak's own client and scanner run above these two; `acquisition.ble` mixes them with bleak's base
classes for backends and hands bleak's types in. The socket keeps messages whole; a message is JSON:
`{"do": ...}` asks, `{"answer": ...}` or `{"error": ...}` answers, `{"line": ..., "data": ...}`
notifies.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from acquisition.stream import DeviceLost, DeviceRefused

PREFIX = "unix:"
"""before the path of a twin's socket, where an address would be"""
MESSAGE_N = 65536
ATT_MTU_N = 247


class Link:
    """One connection to a twin's socket."""

    def __init__(
        self,
        connection: socket.socket,
        on_news: Callable[[str, bytearray], None],
        on_end: Callable[[], None],
    ) -> None:
        self._connection, self._on_news, self._on_end = connection, on_news, on_end
        self._loop = asyncio.get_running_loop()
        self._turn = asyncio.Lock()
        self._answer: asyncio.Future[Any] | None = None
        self._listening = self._loop.create_task(self._listen())
        self.open = True

    @staticmethod
    async def reach(
        path: str,
        on_news: Callable[[str, bytearray], None] = lambda line, data: None,
        on_end: Callable[[], None] = lambda: None,
    ) -> Link:
        """Raises DeviceRefused where nothing is emulated."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(connection, path)
        except OSError as error:
            connection.close()
            raise DeviceRefused(
                f"No device is emulated at {path} ({error.strerror or error}): start one there "
                f"with flexor emulate NAME --at {path}."
            ) from error
        return Link(connection, on_news, on_end)

    async def ask(self, do: str, **more: Any) -> Any:
        """The answer. Raises DeviceRefused with what the twin refuses, DeviceLost at the end."""
        async with self._turn:
            if not self.open:
                raise DeviceLost("The emulated device is gone: start it again.")
            self._answer = self._loop.create_future()
            message = json.dumps({"do": do, **more}).encode()
            await self._loop.sock_sendall(self._connection, message)
            return await self._answer

    async def close(self) -> None:
        self._listening.cancel()
        with suppress(asyncio.CancelledError):
            await self._listening

    async def _listen(self) -> None:
        ended = False
        try:
            while message := await self._loop.sock_recv(self._connection, MESSAGE_N):
                self._hear(json.loads(message))
            ended = True
        except OSError:
            ended = True
        finally:
            self.open = False
            self._connection.close()
            if self._answer is not None and not self._answer.done():
                self._answer.set_exception(DeviceLost("The emulated device is gone."))
            if ended:
                self._on_end()

    def _hear(self, told: dict[str, Any]) -> None:
        if "line" in told:
            self._on_news(told["line"], bytearray.fromhex(told["data"]))
        elif self._answer is not None and not self._answer.done():
            if "error" in told:
                self._answer.set_exception(DeviceRefused(told["error"]))
            else:
                self._answer.set_result(told["answer"])


class StandInScanner:
    """Mixed with BaseBleakScanner: hears the one device at `path`, unless it is connected."""

    path: str
    Advertisement: Any

    def __init__(
        self, detection_callback: Any, service_uuids: list[str] | None, *_: Any, **__: Any
    ) -> None:
        super().__init__(detection_callback, service_uuids)  # type: ignore[call-arg]

    async def start(self: Any) -> None:
        self.seen_devices.clear()
        link = await Link.reach(self.path)
        try:
            told = await link.ask("advertise")
        finally:
            await link.close()
        if told is None:
            return
        heard = self.Advertisement(told["name"], {}, {}, told["services"], None, -50, ())
        if self.is_allowed_uuid(told["services"]):
            device = self.create_or_update_device(
                told["address"], told["address"], told["name"], None, heard
            )
            self.call_detection_callbacks(device, heard)

    async def stop(self) -> None:
        """Nothing runs."""


class StandInClient:
    """Mixed with BaseBleakClient: connects to the device at `path`."""

    path: str
    Services: Any
    Service: Any
    Characteristic: Any
    services: Any
    _link: Link | None = None
    _disconnected_callback: Callable[[], None] | None

    @property
    def name(self) -> str:
        return self.path

    @property
    def mtu_size(self) -> int:
        return ATT_MTU_N

    @property
    def is_connected(self) -> bool:
        return self._link is not None and self._link.open

    async def connect(self, pair: bool, **_: Any) -> None:
        self._callbacks: dict[str, Callable[[bytearray], None]] = {}
        self._link = await Link.reach(self.path, self._hear, self._ended)
        self._fill(await self._link.ask("connect"))

    async def disconnect(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            await link.close()
            self._ended()

    async def pair(self, *_: Any, **__: Any) -> None:
        """Twins ask for none."""

    async def unpair(self) -> None:
        """Twins ask for none."""

    async def read_gatt_char(self, characteristic: Any, **_: Any) -> bytearray:
        return bytearray.fromhex(await self._ask("read", line=characteristic.uuid))

    async def read_gatt_descriptor(self, descriptor: Any, **_: Any) -> bytearray:
        raise DeviceRefused(f"An emulated device has no descriptor {descriptor.uuid}.")

    async def write_gatt_char(self, characteristic: Any, data: Any, response: bool) -> None:
        await self._ask("write", line=characteristic.uuid, data=bytes(data).hex())

    async def write_gatt_descriptor(self, descriptor: Any, data: Any) -> None:
        raise DeviceRefused(f"An emulated device has no descriptor {descriptor.uuid}.")

    async def start_notify(
        self, characteristic: Any, callback: Callable[[bytearray], None], **_: Any
    ) -> None:
        self._callbacks[characteristic.uuid] = callback
        await self._ask("notify", line=characteristic.uuid, on=True)

    async def stop_notify(self, characteristic: Any) -> None:
        await self._ask("notify", line=characteristic.uuid, on=False)
        self._callbacks.pop(characteristic.uuid, None)

    async def _ask(self, do: str, **more: Any) -> Any:
        if self._link is None:
            raise DeviceLost("The emulated device is not connected.")
        return await self._link.ask(do, **more)

    def _hear(self, line: str, data: bytearray) -> None:
        callback = self._callbacks.get(line)
        if callback is not None:
            callback(data)

    def _ended(self) -> None:
        if self._disconnected_callback is not None:
            self._disconnected_callback()

    def _fill(self, told: dict[str, dict[str, list[str]]]) -> None:
        """bleak's table of services; handles are numbered as they come."""
        self.services, handle = self.Services(), 1
        for uuid, characteristics in told.items():
            service = self.Service(None, handle, uuid)
            self.services.add_service(service)
            for inner, properties in characteristics.items():
                handle += 1
                self.services.add_characteristic(
                    self.Characteristic(
                        None, handle, inner, properties, lambda: ATT_MTU_N - 3, service
                    )
                )
            handle += 1
