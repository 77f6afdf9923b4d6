"""What can be opened, what is refused, and in which words."""

from __future__ import annotations

import errno
import os
import pty
import socket
import threading
import time
import tty
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import serial

from acquisition.stream import DeviceLost, DeviceRefused, DeviceTimeout, Refused
from firmware_bridge import simulated_mcu as model
from firmware_bridge.hands import HAND6, HandSpec, open_hand
from firmware_bridge.serial_link import SerialLink, open_serial
from firmware_bridge.session import LinkEventKind, LinkPhase
from firmware_bridge.simulated_hand import SimulatedHand
from firmware_bridge.simulated_mcu import Joints, Mcu
from tests.link_rig import STOP


@pytest.fixture
def hand() -> Iterator[SimulatedHand]:
    with SimulatedHand.start() as running:
        yield running


@pytest.fixture
def port(hand: SimulatedHand) -> Iterator[SerialLink]:
    with open_serial(hand.url) as opened:
        opened.wait_connected()
        yield opened


def test_a_port_that_nobody_reads_is_a_lost_link_and_queues_nothing() -> None:
    master, slave = pty.openpty()
    tty.setraw(slave)
    opened = open_serial(os.ttyname(slave))
    opened.session.phase = LinkPhase.UP
    now_s = time.monotonic()
    sent_n = 0
    while opened.up:
        started_s = time.monotonic()
        sent_n += opened.send(STOP, now_s) is not None
        assert time.monotonic() - started_s < 0.1
        assert sent_n < 10_000
    assert opened.send(STOP, now_s) is None
    _, events = opened.poll(now_s)
    assert [event.kind for event in events] == [LinkEventKind.BLOCKED]
    assert "takes no more bytes" in events[0].text
    opened.close()
    os.close(master)
    os.close(slave)


def test_setpoints_that_a_lost_link_has_not_carried_are_thrown_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    master, slave = pty.openpty()
    tty.setraw(slave)
    opened = open_serial(os.ttyname(slave))
    opened.session.phase = LinkPhase.UP
    thrown: list[bool] = []
    monkeypatch.setattr(opened.port, "reset_output_buffer", lambda: thrown.append(True))
    begin_s = time.monotonic()
    for i in range(10):
        opened.send(STOP, begin_s + 0.02 * i)
        opened.poll(begin_s + 0.02 * i)
    assert not opened.up
    assert thrown == [True]
    opened.close()
    os.close(master)
    os.close(slave)


def test_a_second_program_is_refused_the_port_and_told_who_has_it(port: SerialLink) -> None:
    with pytest.raises(DeviceRefused, match=rf"in use by .*process {os.getpid()}.*end that first"):
        open_serial(port.url)


def test_a_missing_port_is_refused_in_one_sentence() -> None:
    with pytest.raises(DeviceRefused, match="no port /dev/ttyNONE9: connect the device, or choose"):
        open_hand("serial:/dev/ttyNONE9")


def test_a_file_that_is_no_port_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a port")
    with pytest.raises(DeviceRefused, match=r"notes.txt is no serial port: choose among these"):
        open_serial(str(tmp_path / "notes.txt"))


def test_an_unknown_kind_of_port_is_refused() -> None:
    with pytest.raises(DeviceRefused, match="carrier://pigeon cannot be opened"):
        open_serial("carrier://pigeon")


@pytest.mark.parametrize("path_exists", [True, False])
def test_a_port_without_permission_is_refused_with_the_group_to_join(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, path_exists: bool
) -> None:
    def forbidden(_self: object) -> None:
        raise serial.SerialException(errno.EACCES, "could not open port")

    path = tmp_path / "ttyACM0"
    if path_exists:
        path.touch()
    monkeypatch.setattr(serial.Serial, "open", forbidden)
    with pytest.raises(DeviceRefused, match=r"may not open .*sudo usermod -aG \w+ \$USER"):
        open_serial(str(path))


def test_a_hand_with_more_joints_than_the_link_carries_is_refused_before_the_port_opens() -> None:
    seventh = replace(HAND6.joints[0], name="seventh")
    with pytest.raises(Refused, match="The link carries 6 joints and many has 7"):
        open_serial("loop://", HandSpec("many", (*HAND6.joints, seventh)))


def test_silence_at_the_port_is_a_timeout_that_says_what_to_check() -> None:
    with (
        open_serial("loop://") as opened,
        pytest.raises(DeviceTimeout, match=r"Nothing at loop:// answered within 0\.2 s"),
    ):
        opened.wait_connected(0.2)


def test_a_hand_behind_a_socket_is_a_hand() -> None:
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        peer, _ = server.accept()
        mcu = Mcu(Joints())
        with peer:
            while data := peer.recv(4096):
                peer.sendall(model.receive(mcu, data, mcu.now_ms + 1))

    thread = threading.Thread(target=serve)
    thread.start()
    with open_serial(f"socket://127.0.0.1:{server.getsockname()[1]}") as opened:
        opened.wait_connected()
        assert opened.up
    thread.join(2.0)
    server.close()


# pyserial leaves a socket open when the other end has closed it first.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_socket_that_closes_is_a_lost_hand() -> None:
    server = socket.create_server(("127.0.0.1", 0))
    with open_serial(f"socket://127.0.0.1:{server.getsockname()[1]}") as opened:
        server.accept()[0].close()
        server.close()
        with pytest.raises(DeviceLost):
            opened.wait_connected()


def test_the_simulated_hand_of_the_table_ends_with_its_link() -> None:
    with open_hand("simulated") as opened:
        opened.wait_connected()
        url = opened.url
        assert Path(url).exists()
    assert not opened.port.is_open
    opened.close()
