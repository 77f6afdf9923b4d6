"""Serial ports of whatever kind pyserial opens: found, opened, read."""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acquisition.port import READ_N, WRITE_S, Arrival
from acquisition.port_refusal import why_refused
from acquisition.stream import DeviceLost, DeviceRefused

BY_ID = Path("/dev/serial/by-id")
"""Names here stay the same when a device is plugged in again."""


@dataclass(frozen=True)
class SerialInfo:
    """A serial port that is there."""

    device: str
    description: str
    usb_id: tuple[int, int] | None
    """(vendor, product)"""
    serial_number: str
    by_id: str
    """its lasting name, or `device` where it has none"""


def serial_ports() -> list[SerialInfo]:
    """Every serial port of this machine, by name."""
    from serial.tools.list_ports import comports

    lasting = {str(path.resolve()): str(path) for path in BY_ID.glob("*")} if BY_ID.is_dir() else {}
    return sorted(
        (
            SerialInfo(
                port.device,
                port.description,
                None if port.vid is None else (port.vid, port.pid),
                port.serial_number or "",
                lasting.get(str(Path(port.device).resolve()), port.device),
            )
            for port in comports()
        ),
        key=lambda port: port.device,
    )


def find_port(
    usb_ids: Collection[tuple[int, int]],
    what: str,
    source: str,
    ports: Callable[[], list[SerialInfo]] = serial_ports,
) -> str:
    """The one port with one of the USB ids. Refuses none and several, with what to write."""
    there = ports()
    fitting = [port.by_id for port in there if port.usb_id in usb_ids]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise DeviceRefused(
            f"{len(fitting)} ports may be the {what}: name one, e.g. {source}:{fitting[0]}."
        )
    known = ", ".join(port.by_id for port in there) or "none"
    raise DeviceRefused(
        f"No {what} was found at a USB port: plug it in, or name its port, e.g. "
        f"{source}:/dev/ttyUSB0 (ports that are there: {known})."
    )


def open_raw(url: str, baud_hz: int, write_timeout_s: float = WRITE_S) -> Any:
    """The opened pyserial port: exclusive, unblocking, low latency. Raises DeviceRefused."""
    import serial

    try:
        port = serial.serial_for_url(
            url, baud_hz, timeout=0, write_timeout=write_timeout_s, exclusive=True, do_not_open=True
        )
        port.dsrdtr = port.rtscts = False
        port.open()
    except (ValueError, OSError) as error:
        there = [info.by_id for info in serial_ports()]
        raise DeviceRefused(why_refused(url, error, there)) from error
    _hurry(port, url)
    return port


def poller_of(port: Any) -> select.poll | None:
    """Tells whether bytes came; None where the URL has no file behind it (loop://, rfc2217://)."""
    try:
        number = port.fileno()
    except OSError:
        return None
    poller = select.poll()
    poller.register(number, select.POLLIN)
    return poller


def slow_ftdi(url: str, folder: Path = Path("/sys/bus/usb-serial/devices")) -> str | None:
    """A sentence where an FTDI chip still bundles bytes for 16 ms, with the mend; None if fine."""
    timer = folder / Path(url).resolve().name / "latency_timer"
    try:
        wait_ms = int(timer.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    if wait_ms <= 1:
        return None
    return f"{url} bundles samples for {wait_ms} ms: echo 1 | sudo tee {timer}"


class SerialPort:
    """An open serial port as a `Port`."""

    def __init__(self, url: str, baud_hz: int) -> None:
        self._url = url
        self._port = open_raw(url, baud_hz)
        self._poller = poller_of(self._port)

    def clock(self) -> float:
        return time.monotonic()

    def read(self, timeout_s: float) -> list[Arrival]:
        try:
            if self._poller is None:
                self._port.timeout = timeout_s
                data = bytes(self._port.read(max(1, self._port.in_waiting)))
                return [Arrival(data, self.clock())] if data else []
            if not self._poller.poll(max(0.0, timeout_s) * 1e3):
                return []
            data = os.read(self._port.fileno(), READ_N)
        except OSError as error:
            raise self._lost() from error
        if not data:
            raise self._lost()
        return [Arrival(data, self.clock())]

    def write(self, data: bytes, line: str = "") -> None:
        try:
            self._port.write(data)
        except OSError as error:
            raise self._lost() from error

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._port.close()

    def _lost(self) -> DeviceLost:
        return DeviceLost(f"The port {self._url} is gone: plug the device in again.")


def _hurry(port: Any, url: str) -> None:
    """Low latency where the driver knows it: 1 ms in place of 16 (FTDI), no Nagle (sockets)."""
    if url.startswith("socket://"):
        import socket

        with socket.socket(fileno=os.dup(port.fileno())) as same:
            same.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    elif hasattr(port, "set_low_latency_mode"):
        with contextlib.suppress(OSError, ValueError):
            port.set_low_latency_mode(True)
