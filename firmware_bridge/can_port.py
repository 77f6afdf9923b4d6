"""A CAN bus as a way to a hand: Linux's own CAN interfaces (SocketCAN), through python-can.

Adapters of every maker come to Linux as can0, can1, ...: so nothing else is needed, and the
watchdog's process can share the socket.
"""

from __future__ import annotations

import contextlib
import errno
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from acquisition.stream import DeviceLost, DeviceRefused, Refused
from firmware_bridge.can_frames import FRAME_N, CanFrame, pack, unpack
from firmware_bridge.dialect import Dialect
from firmware_bridge.dialect_link import DialectLink
from firmware_bridge.hand_port import HandPort
from firmware_bridge.watchdog import STALL_S, WatchdogProcess

if TYPE_CHECKING:
    import can

NET = Path("/sys/class/net")
CAN_KIND = "280"
"""Linux's number for interfaces of this kind (ARPHRD_CAN)."""
IS_UP = 1
READ_N = 512
"""Frames that one read takes at most: more than a bus of 1 Mbit/s brings in 50 ms."""


class CanPort:
    """An open CAN bus as a `HandPort`: each frame is 16 bytes (can_frames)."""

    def __init__(self, bus: can.BusABC, channel: str) -> None:
        self._bus, self._channel = bus, channel

    def read(self) -> bytes:
        import can

        frames = []
        try:
            for _ in range(READ_N):
                message = self._bus.recv(0)
                if message is None:
                    break
                if not (message.is_error_frame or message.is_fd):
                    frames.append(_frame_of(message))
        except (can.CanError, OSError) as error:
            raise self._lost() from error
        return pack(*frames)

    def write(self, data: bytes, first: bool = False) -> bool:
        import can

        sent = True
        for begin in range(0, len(data), FRAME_N):
            frame = unpack(data[begin : begin + FRAME_N])
            if frame is None:
                raise ValueError("these bytes are no CAN frames")
            try:
                self._bus.send(_message_of(frame))
            except can.CanError as error:
                # A full queue means that nobody on the bus answers yet; the rest may still fit.
                if error.error_code not in (None, errno.ENOBUFS, errno.EAGAIN):
                    raise self._lost() from error
                sent = False
        return sent

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._bus.shutdown()

    def _lost(self) -> DeviceLost:
        return DeviceLost(f"The CAN interface {self._channel} is gone or down: check its adapter.")


def _message_of(frame: CanFrame) -> can.Message:
    import can

    return can.Message(
        arbitration_id=frame.number,
        data=b"" if frame.remote else frame.data,
        is_extended_id=frame.extended,
        is_remote_frame=frame.remote,
        dlc=len(frame.data),
    )


def _frame_of(message: can.Message) -> CanFrame:
    return CanFrame(
        message.arbitration_id,
        bytes(message.data),
        message.is_extended_id,
        message.is_remote_frame,
    )


def check_channel(channel: str, bitrate_hz: int, net: Path = NET) -> None:
    """Refuses an interface that is not named, not there, of another kind, or down."""
    kinds = {folder.name: folder / "type" for folder in net.glob("*")}
    there = [name for name, kind in sorted(kinds.items()) if _text(kind) == CAN_KIND]
    known = ", ".join(there) or "none"
    if channel not in there:
        raise DeviceRefused(
            f'There is no CAN interface "{channel}" (there is: {known}): plug the adapter in and '
            f"name its interface, e.g. can0."
        )
    if not int(_text(net / channel / "flags") or "0", 16) & IS_UP:
        raise DeviceRefused(
            f"The CAN interface {channel} is down: "
            f"sudo ip link set {channel} up type can bitrate {bitrate_hz}"
        )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def open_can_bus(channel: str, bitrate_hz: int, net: Path = NET) -> can.BusABC:
    """The bus at a CAN interface that is up. `bitrate_hz` is named where it is not.

    Refuses as `check_channel` does, without permission, and without python-can.
    """
    try:
        import can
    except ImportError as error:
        raise Refused(
            "A CAN bus needs python-can: pip install '.[can]' in Flexor's folder, then try again."
        ) from error
    check_channel(channel, bitrate_hz, net)
    try:
        return can.Bus(interface="socketcan", channel=channel, ignore_config=True)
    except (can.CanError, OSError) as error:
        raise DeviceRefused(
            f"The CAN interface {channel} cannot be opened ({error}): check its permissions."
        ) from error


def open_can_dialect(
    dialect: Dialect,
    channel: str,
    bitrate_hz: int,
    port: HandPort | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> DialectLink:
    """A link over a CAN bus, with a watchdog beside it. `port` stands for it, as in tests.

    Refuses as `open_can_bus` does.
    """
    name = dialect.facts.spec.name
    if port is not None:
        return DialectLink(f"the {name}", dialect, port, clock)
    bus = open_can_bus(channel, bitrate_hz)
    watchdog = WatchdogProcess(bus.fileno(), STALL_S, FRAME_N)
    what = f"the {name} at {channel}"
    return DialectLink(what, dialect, CanPort(bus, channel), clock, watchdog)
