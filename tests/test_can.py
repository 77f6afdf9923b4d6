"""CAN frames go out and come in whole, and what hinders them is told with the mend."""

from __future__ import annotations

import builtins
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquisition.stream import DeviceLost, DeviceRefused, Refused
from firmware_bridge import can_port
from firmware_bridge.can_frames import FRAME_N, CanFrame, CanFrames, pack, unpack
from firmware_bridge.can_port import CanPort, check_channel, open_can_bus
from firmware_bridge.watchdog import WatchdogProcess
from firmware_bridge.watchdog_process import send
from tests.hand_rig import Rig

pytestmark = pytest.mark.edge

DATA, NO = st.binary(max_size=8), st.just(False)
STANDARD = st.builds(CanFrame, st.integers(0, 0x7FF), DATA, NO, NO)
LONG = st.builds(CanFrame, st.integers(0, 0x1FFFFFFF), DATA, st.just(True), NO)
FRAMES = st.lists(st.one_of(STANDARD, LONG), max_size=6)


@given(FRAMES, st.integers(1, 40))
def test_frames_come_back_however_they_are_cut(frames: list[CanFrame], piece_n: int) -> None:
    data, collector, found = pack(*frames), CanFrames(), []
    for begin in range(0, len(data), piece_n):
        found += collector.split(data[begin : begin + piece_n])
    assert found == frames
    assert collector.damaged_n == 0


def test_a_frame_is_linuxs_own() -> None:
    assert pack(CanFrame(0x102, bytes.fromhex("00010129"))).hex() == "02010000" + "04000000" + (
        "0001012900000000"
    )
    assert pack(CanFrame(0x801, b"", True)).hex().startswith("01080080")


def test_what_can_be_no_frame_is_dropped_and_counted() -> None:
    collector = CanFrames()
    too_long = bytes.fromhex("02010000" + "09000000" + "00" * 8)
    an_error = bytes.fromhex("00000020" + "08000000" + "00" * 8)
    assert collector.split(too_long + an_error) == []
    assert collector.damaged_n == 2


def test_the_watchdog_writes_one_frame_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = pack(CanFrame(1, b"a"), CanFrame(2, b"b"))
    written: list[bytes] = []
    monkeypatch.setattr(os, "write", lambda fd, data: written.append(data))
    send(0, stop, FRAME_N)
    assert [unpack(data) for data in written[:2]] == [CanFrame(1, b"a"), CanFrame(2, b"b")]
    assert len(written) == 6, "three times, in case one is lost"


def test_a_process_of_its_own_sends_the_stop_frame_by_frame() -> None:
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with here, there:
        there.settimeout(2.0)
        dog = WatchdogProcess(here.fileno(), 5.0, FRAME_N)
        stop = pack(CanFrame(1, b"a"), CanFrame(2, b"b"))
        dog.arm(stop)
        dog.close()
        assert [there.recv(100) for _ in range(2)] == [stop[:FRAME_N], stop[FRAME_N:]]


@given(frame=st.one_of(STANDARD, LONG), remote=st.booleans())
def test_python_cans_own_bytes_for_the_kernel_are_ours(frame: CanFrame, remote: bool) -> None:
    linux = pytest.importorskip(
        "can.interfaces.socketcan.socketcan", reason="python-can is not installed"
    )
    frame = frame._replace(data=b"" if remote else frame.data, remote=remote)
    message = can_port._message_of(frame)
    theirs, ours = bytes(linux.build_can_frame(message)), pack(frame)
    # Byte 7 is the length once more, and read for lengths above 8 only, which there are none of.
    assert theirs[:7] + theirs[8:] == ours[:7] + ours[8:]
    assert can_port._frame_of(message) == frame


@pytest.fixture
def buses() -> Iterator[tuple[Any, Any]]:
    can = pytest.importorskip("can", reason="python-can is not installed: no bus can be tried")
    here, there = (can.Bus(interface="virtual", channel="flexor") for _ in range(2))
    yield here, there
    here.shutdown()
    there.shutdown()


@given(frames=FRAMES)
def test_frames_cross_a_virtual_bus(frames: list[CanFrame]) -> None:
    can = pytest.importorskip("can", reason="python-can is not installed: no bus can be tried")
    with (
        can.Bus(interface="virtual", channel="crossing") as here,
        can.Bus(interface="virtual", channel="crossing") as there,
    ):
        assert CanPort(here, "virtual").write(pack(*frames))
        assert CanPort(there, "virtual").read() == pack(*frames)


def test_a_question_for_a_frame_crosses_as_one(buses: tuple[Any, Any]) -> None:
    here, there = buses
    CanPort(here, "virtual").write(pack(CanFrame(0x29, b"", remote=True)))
    (frame,) = CanFrames().split(CanPort(there, "virtual").read())
    assert frame == CanFrame(0x29, b"", remote=True)


def test_error_frames_are_passed_over(buses: tuple[Any, Any]) -> None:
    import can

    here, there = buses
    there.send(can.Message(is_error_frame=True, data=b"\x00" * 8, dlc=8))
    assert CanPort(here, "virtual").read() == b""


class OverBus:
    """A `HandPort` to a twin at the other end of a virtual bus."""

    def __init__(self, buses: tuple[Any, Any], rig: Rig) -> None:
        self._here, self._there = (CanPort(bus, "virtual") for bus in buses)
        self._rig = rig

    def read(self) -> bytes:
        twin, now_s = self._rig.twin, self._rig.now_s
        said = twin.advance(now_s) + twin.hear(self._there.read(), now_s)
        self._there.write(said)
        return self._here.read()

    def write(self, data: bytes, first: bool = False) -> bool:
        return self._here.write(data, first)

    def close(self) -> None:
        self.read()


@pytest.mark.parametrize("name", ["robolimb", "tmotor", "odrive_can"])
def test_a_device_is_armed_moved_and_stopped_over_a_virtual_bus(
    name: str, buses: tuple[Any, Any]
) -> None:
    rig = Rig(name)
    rig.link.port = OverBus(buses, rig)
    rig.link.hello(rig.now_s)
    assert rig.armed().moves(rig.closing())
    assert rig.link.ear.damaged_n == 0
    rig.link.close()
    rig.run(0.05)
    assert not rig.twin.body.moving


class Broken:
    """A bus that fails as it is told."""

    def __init__(self, code: int | None) -> None:
        self.code, self.sent_n = code, 0

    def send(self, message: Any) -> None:
        import can

        self.sent_n += 1
        raise can.CanOperationError("failed", self.code)

    def recv(self, timeout_s: float) -> Any:
        import can

        raise can.CanOperationError("failed", self.code)

    def shutdown(self) -> None:
        raise OSError


def test_a_full_queue_loses_the_setpoint_and_nothing_else() -> None:
    pytest.importorskip("can", reason="python-can is not installed: no bus can be tried")
    for code in (None, 105):
        bus: Any = Broken(code)
        assert CanPort(bus, "can0").write(pack(CanFrame(1), CanFrame(2))) is False
        assert bus.sent_n == 2, "a stop for the second may still fit"


def test_an_interface_that_went_down_is_told() -> None:
    pytest.importorskip("can", reason="python-can is not installed: no bus can be tried")
    bus: Any = Broken(100)
    port = CanPort(bus, "can0")
    with pytest.raises(DeviceLost, match="can0"):
        port.write(pack(CanFrame(1)))
    with pytest.raises(DeviceLost, match="can0"):
        port.read()
    port.close()


def interface(net: Path, name: str, kind: int, flags: str) -> None:
    (net / name).mkdir()
    (net / name / "type").write_text(f"{kind}\n")
    (net / name / "flags").write_text(f"{flags}\n")


def test_an_interface_that_is_not_there_or_not_can_is_refused_with_those_that_are(
    tmp_path: Path,
) -> None:
    interface(tmp_path, "eth0", 1, "0x1003")
    interface(tmp_path, "can1", 280, "0x40081")
    for channel in ("can0", "eth0", ""):
        with pytest.raises(DeviceRefused, match=r"there is: can1\)"):
            check_channel(channel, 1_000_000, tmp_path)
    check_channel("can1", 1_000_000, tmp_path)


def test_an_interface_that_is_down_is_refused_with_the_command_that_mends_it(
    tmp_path: Path,
) -> None:
    pytest.importorskip("can", reason="python-can is not installed: that comes before")
    interface(tmp_path, "can0", 280, "0x40080")
    with pytest.raises(DeviceRefused, match="sudo ip link set can0 up type can bitrate 250000"):
        open_can_bus("can0", 250_000, tmp_path)


def test_without_permission_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    can = pytest.importorskip("can", reason="python-can is not installed: no bus can be tried")
    interface(tmp_path, "can0", 280, "0x40081")

    def refuse(**settings: Any) -> Any:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(can, "Bus", refuse)
    with pytest.raises(DeviceRefused, match=r"can0 cannot be opened .*permissions"):
        open_can_bus("can0", 250_000, tmp_path)


def test_without_python_can_the_mend_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "can":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.delitem(sys.modules, "can", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(Refused, match=r"pip install '\.\[can\]'"):
        open_can_bus("can0", 250_000)
