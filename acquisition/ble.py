"""Bluetooth devices through bleak: found, opened, read. The only file that imports bleak."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Coroutine
from concurrent.futures import TimeoutError as NoAnswer
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, TypeVar

from acquisition.ble_refusal import why_no_bluetooth
from acquisition.ble_stand_in import PREFIX, StandInClient, StandInScanner
from acquisition.port import Arrival, Port
from acquisition.stream import DeviceError, DeviceLost, DeviceRefused, DeviceTimeout

QUEUE_N = 1024
"""Notifications that wait at most, several seconds of any device; the oldest are dropped."""
SCAN_S = 10.0
SETTLE_S = 0.5
"""So long a second device of the same kind has to be heard, once the first has been."""
CONNECT_S, WRITE_S, END_S = 15.0, 2.0, 5.0

T = TypeVar("T")


@dataclass(frozen=True)
class Kind:
    """How a kind of device is known in the air, and what it must have."""

    what: str
    """for sentences: "Myo armband" """
    source: str
    """its name in SOURCES"""
    services: tuple[str, ...]
    """UUIDs of which it advertises one"""
    names: tuple[str, ...]
    """with one of which its name begins; either of the two is enough"""
    notify: tuple[str, ...]
    """characteristics that are subscribed to, in this order"""
    write: tuple[str, ...]
    """characteristics that are written to"""
    mend: str
    """what helps when it is not found"""
    hear: tuple[str, ...] = ()
    """characteristics that are read once, and subscribed to, where it has them"""


class BleInfo(NamedTuple):
    """A Bluetooth device that is near."""

    address: str
    name: str
    rssi_dbm: int
    services: tuple[str, ...]
    device: Any = None
    """bleak's own"""

    def fits(self, kind: Kind, where: str) -> bool:
        """Whether it is what `where` names; with "", whether it looks like the kind."""
        if where:
            return where.lower() in (self.address.lower(), self.name.lower())
        named = any(self.name.startswith(name) for name in kind.names)
        return named or bool(set(kind.services) & set(self.services))


def scan(seconds: float = 4.0, where: str = "") -> list[BleInfo]:
    """The Bluetooth devices that advertise, the nearest first. Raises DeviceRefused with the mend.

    `where`: "" for the air, "unix:/a/path" for a twin's socket.
    """
    try:
        found = asyncio.run(_scan(seconds, where))
    except DeviceError:
        raise
    except Exception as error:
        raise DeviceRefused(why_no_bluetooth(error, "Bluetooth")) from error
    return sorted(found, key=lambda info: -info.rssi_dbm)


class Door:
    """Opens a device's port. After the first time it opens the very same device only, so that
    another one that is near never takes the place of a wearer's own."""

    def __init__(self, kind: Kind, where: str) -> None:
        self._kind, self._where = kind, where

    def __call__(self) -> Port:
        port = BlePort(self._kind, self._where)
        self._where = port.address
        return port


class BlePort:
    """A connected device as a `Port`; a line is a characteristic's UUID. bleak's loop has a thread
    of its own, which puts what is notified in a queue and does nothing else."""

    def __init__(self, kind: Kind, where: str) -> None:
        """Finds, connects, subscribes. Raises DeviceRefused or DeviceTimeout, with the mend."""
        self._kind, self._what = kind, f"the {kind.what}{f' at {where}' if where else ''}"
        self.address = where
        self._waiting: deque[Arrival] = deque()
        self._dropped_n = 0
        self._news = threading.Condition()
        self._gone = self._closed = False
        self._client: Any = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._spin, name="flexor-ble", daemon=True)
        self._thread.start()
        try:
            self._do(self._connect(where), SCAN_S + SETTLE_S + CONNECT_S + END_S)
        except BaseException as error:
            self.close()
            if isinstance(error, DeviceError) or not isinstance(error, Exception):
                raise
            why = why_no_bluetooth(error, self._what, kind.mend)
            late = isinstance(error, NoAnswer | TimeoutError | asyncio.TimeoutError)
            raise (DeviceTimeout if late else DeviceRefused)(why) from error

    def clock(self) -> float:
        return time.monotonic()

    def read(self, timeout_s: float) -> list[Arrival]:
        with self._news:
            self._news.wait_for(lambda: self._waiting or self._gone, max(0.0, timeout_s))
            arrivals = list(self._waiting)
            self._waiting.clear()
            dropped, self._dropped_n = self._dropped_n, 0
        if not arrivals and self._gone:
            raise self._lost()
        if dropped and arrivals:
            arrivals[0] = arrivals[0]._replace(dropped=dropped)
        return arrivals

    def write(self, data: bytes, line: str = "", quick: bool = False) -> None:
        """`quick`: unanswered where the device allows that, before another that is answered."""
        if self._gone:
            raise self._lost()
        try:
            self._do(self._write(data, line, quick), WRITE_S)
        except Exception as error:
            raise self._lost() from error

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._client is not None:
            with suppress(Exception):  # it may be gone already
                self._do(self._client.disconnect(), END_S)
        with self._news:
            self._gone = True
            self._news.notify_all()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _lost(self) -> DeviceLost:
        return DeviceLost(f"The connection to {self._what} is gone: {self._kind.mend}.")

    def _do(self, work: Coroutine[Any, Any, T], timeout_s: float) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout_s)
        except BaseException:
            future.cancel()
            raise

    def _spin(self) -> None:
        """The thread: runs the loop, and leaves no task behind."""
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            if tasks:
                self._loop.run_until_complete(asyncio.wait(tasks, timeout=END_S))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    async def _connect(self, where: str) -> None:
        import bleak

        kind = self._kind
        found = await _find(kind, where)
        self.address = where if where.startswith(PREFIX) else found.address
        self._what = f"the {kind.what} at {self.address}"
        client = bleak.BleakClient(
            found.device, self._on_gone, timeout=CONNECT_S, **_backend(where, "client")
        )
        self._client = client
        await client.connect()
        for uuid in (*kind.notify, *kind.write):
            if client.services.get_characteristic(uuid) is None:
                raise DeviceRefused(
                    f"What answers at {self.address} is no {kind.what} (it lacks the "
                    f"characteristic {uuid}): name another address."
                )
        for uuid in kind.notify:
            await client.start_notify(uuid, partial(self._on_news, uuid))
        for uuid in kind.hear:
            with suppress(Exception):  # a battery that tells nothing keeps nobody from the muscles
                self._on_news(uuid, None, bytearray(await client.read_gatt_char(uuid)))
                await client.start_notify(uuid, partial(self._on_news, uuid))

    async def _write(self, data: bytes, line: str, quick: bool) -> None:
        characteristic = self._client.services.get_characteristic(line)
        may = characteristic.properties
        answered = "write" in may and not (quick and "write-without-response" in may)
        await self._client.write_gatt_char(characteristic, data, response=answered)

    def _on_news(self, uuid: str, _characteristic: object, data: bytearray) -> None:
        at_s = time.monotonic()
        with self._news:
            if len(self._waiting) >= QUEUE_N:
                self._waiting.popleft()
                self._dropped_n += 1
            self._waiting.append(Arrival(bytes(data), at_s, uuid))
            self._news.notify()

    def _on_gone(self, _client: object) -> None:
        with self._news:
            self._gone = True
            self._news.notify()


async def _find(kind: Kind, where: str) -> BleInfo:
    """The one device that is meant. Refuses none and several, with what to write."""
    import bleak

    emulated = where.startswith(PREFIX)
    address, scan_s = ("", 0.0) if emulated else (where, SCAN_S)
    found: dict[str, BleInfo] = {}
    heard: list[BleInfo] = []
    end_s = time.monotonic() + scan_s
    async with bleak.BleakScanner(**_backend(where, "scanner")) as scanner:
        while not found:
            heard = _infos(scanner)
            found = {info.address: info for info in heard if info.fits(kind, address)}
            if time.monotonic() >= end_s:
                break
            await asyncio.sleep(SETTLE_S if found else 0.05)
        found |= {info.address: info for info in _infos(scanner) if info.fits(kind, address)}
    if not found:
        raise DeviceTimeout(
            f"No {kind.what}{f' {where}' if where else ''} was found within {scan_s:g} s "
            f"({len(heard)} other devices were heard): {kind.mend}."
        )
    if len(found) > 1:
        names = " and ".join(sorted(found))
        raise DeviceRefused(
            f"{len(found)} devices may be the {kind.what} ({names}): name one, e.g. "
            f"{kind.source}:{min(found)}."
        )
    return next(iter(found.values()))


async def _scan(seconds: float, where: str) -> list[BleInfo]:
    import bleak

    async with bleak.BleakScanner(**_backend(where, "scanner")) as scanner:
        await asyncio.sleep(seconds)
        return _infos(scanner)


def _infos(scanner: Any) -> list[BleInfo]:
    return [
        BleInfo(
            device.address,
            told.local_name or device.name or "",
            told.rssi,
            tuple(told.service_uuids),
            device,
        )
        for device, told in scanner.discovered_devices_and_advertisement_data.values()
    ]


def _backend(where: str, role: str) -> dict[str, Any]:
    """Nothing for the air; for a twin's socket the stand-in, as a backend below bleak's own
    client and scanner."""
    if not where.startswith(PREFIX):
        return {}
    from bleak.backends import characteristic, client, scanner, service

    base = {"client": client.BaseBleakClient, "scanner": scanner.BaseBleakScanner}[role]
    stand_in = {"client": StandInClient, "scanner": StandInScanner}[role]
    parts = {
        "path": where.removeprefix(PREFIX),
        "Services": service.BleakGATTServiceCollection,
        "Service": service.BleakGATTService,
        "Characteristic": characteristic.BleakGATTCharacteristic,
        "Advertisement": scanner.AdvertisementData,
    }
    return {"backend": type("StandIn" + role.capitalize(), (stand_in, base), parts)}
