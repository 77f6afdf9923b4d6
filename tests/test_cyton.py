"""OpenBCI Cyton: its bytes, what is refused, and BrainFlow's own driver at our twin."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acquisition.cyton import COUNT_UV, LAYOUT, MOTION, open_cyton
from acquisition.emulators.cyton import CytonTwin
from acquisition.emulators.serve import serve
from acquisition.emulators.trouble import Injected, Trouble
from acquisition.emulators.twin import Said
from acquisition.emulators.virtual import VirtualClock, VirtualPort
from acquisition.framed import Framed
from acquisition.port import Arrival
from acquisition.serial_port import slow_ftdi
from acquisition.stream import Counts, Device, DeviceRefused, DeviceTimeout

pytestmark = pytest.mark.edge

VECTORS = json.loads((Path(__file__).parent / "protocol_vectors.json").read_text())
(VECTOR,) = [v for v in VECTORS if v["protocol"] == "openbci_cyton"]


class Answers(CytonTwin):
    """A twin that gives other answers than a Cyton."""

    def __init__(self, **answers: str) -> None:
        super().__init__()
        self._answers = answers

    def hear(self, data: bytes, now_s: float, line: str = "") -> list[Said]:
        told = data.decode()
        if told in self._answers:
            return [Said(self._answers[told].encode())]
        return super().hear(data, now_s, line)


def opened(twin: CytonTwin, argument: str = "virtual") -> Device:
    clock = VirtualClock()
    return open_cyton(
        argument, port=lambda: VirtualPort(twin, clock), clock=clock, sleep=clock.sleep
    )


def test_the_vector_that_brainflow_agreed_on_decodes_exactly() -> None:
    frames = np.frombuffer(bytes.fromhex(VECTOR["hex"]), np.uint8)[None]
    fields = VECTOR["fields"]
    assert pytest.approx(fields["uV_per_count"], rel=1e-12) == COUNT_UV
    np.testing.assert_array_equal(LAYOUT.samples(frames)[0], np.float32(fields["uV"]))
    assert LAYOUT.counters is not None
    assert LAYOUT.counters(frames).tolist() == [fields["sample_number"]]
    assert LAYOUT.motion is not None
    np.testing.assert_array_equal(LAYOUT.motion(frames)[0], np.float32(fields["accel_g"]))


def test_the_vector_arrives_as_a_sample_of_a_stream() -> None:
    data = bytes.fromhex(VECTOR["hex"])
    following = bytes([data[0], 1]) + data[2:]
    parser = Framed(LAYOUT, open_cyton("x").spec, Counts(), MOTION)
    (chunk,) = parser.feed(Arrival(data + following, 5.0))
    assert chunk.samples.shape == (2, 8)
    np.testing.assert_array_equal(chunk.samples[0], np.float32(VECTOR["fields"]["uV"]))


def test_motion_is_a_stream_of_its_own_with_its_own_rate() -> None:
    device = opened(CytonTwin())
    device.start()
    seen_s = 0.0
    while seen_s < 2.0:
        chunk = device.read(0.05)
        assert chunk is not None
        seen_s += len(chunk.samples) / device.spec.rate_hz
    motion = device.take_motion()
    device.stop()
    rows = np.concatenate([chunk.samples for chunk in motion])
    assert device.motion_spec == MOTION
    assert len(rows) == pytest.approx(2.0 * MOTION.rate_hz, abs=2)
    assert (rows == np.float32([0.002, -0.004, 1.0])).all()
    assert sum(chunk.lost for chunk in motion) == 0


def test_nobody_at_the_port_is_refused_with_what_to_switch() -> None:
    device = opened(Answers(v=""))
    with pytest.raises(DeviceTimeout, match=r"No Cyton answered at virtual.*switch the board"):
        device.start()


def test_another_device_at_the_port_is_refused() -> None:
    device = opened(Answers(v="Marlin 2.1 ready$$$"))
    with pytest.raises(DeviceRefused, match="is not a Cyton: choose another port"):
        device.start()


def test_a_dongle_without_its_board_is_told_from_nothing() -> None:
    device = opened(Answers(v="Failure: Communications timeout - OpenBCI Device not found$$$"))
    with pytest.raises(DeviceTimeout, match="hears no board"):
        device.start()


def test_a_daisy_that_is_not_there_is_refused() -> None:
    device = opened(CytonTwin(), "virtual,daisy=yes")
    with pytest.raises(DeviceRefused, match="has no Daisy: leave daisy=yes out"):
        device.start()


@pytest.mark.parametrize(("daisy", "letters"), [(False, "12345678"), (True, "12345678QWERTYUI")])
def test_pairs_of_electrodes_take_every_channel_off_the_common_reference(
    daisy: bool, letters: str
) -> None:
    twin = CytonTwin(daisy=daisy)
    device = opened(twin, f"virtual,pairs=yes,daisy={'yes' if daisy else 'no'}")
    device.start()
    device.stop()
    assert twin.inputs == dict.fromkeys(letters, "060100")


def test_a_board_that_does_not_set_its_channels_is_refused() -> None:
    device = opened(Answers(x1060100X="Failure: too few chars$$$"), "virtual,pairs=yes")
    with pytest.raises(DeviceTimeout, match="channel 1 was set: leave pairs=yes out"):
        device.start()


def test_a_slow_ftdi_is_told_with_its_mend(tmp_path: Path) -> None:
    timer = tmp_path / "ttyUSB0" / "latency_timer"
    timer.parent.mkdir()
    timer.write_text("16\n")
    told = slow_ftdi("/dev/ttyUSB0", tmp_path)
    assert told is not None
    assert "16 ms" in told
    assert str(timer) in told
    timer.write_text("1\n")
    assert slow_ftdi("/dev/ttyUSB0", tmp_path) is None
    assert slow_ftdi("/dev/ttyACM0", tmp_path) is None


@contextmanager
def at_a_pty(twin: CytonTwin) -> Iterator[str]:
    """The twin in real time, at the pseudo-terminal that this names."""
    stop, where = threading.Event(), []
    there = threading.Event()

    def ready(name: str) -> None:
        where.append(name)
        there.set()

    server = threading.Thread(target=serve, args=(twin, "", Trouble(), Injected(), stop, ready))
    server.start()
    assert there.wait(5.0)
    try:
        yield where[0]
    finally:
        stop.set()
        server.join(5.0)


def brainflow_rows(port: str, daisy: bool) -> tuple[Any, Any]:
    """(row, time) as BrainFlow's own driver reads it, and its description of the rows."""
    from acquisition.brainflow import board_numbers, library
    from acquisition.stream import DeviceRefused

    try:
        brainflow = library()
    except DeviceRefused as error:
        pytest.skip(str(error))
    number = board_numbers()["cyton_daisy" if daisy else "cyton"]
    params = brainflow.params()
    params.serial_port = port
    board = brainflow.board(number, params)
    board.prepare_session()
    try:
        board.start_stream(1000)
        until_s = time.monotonic() + 5.0
        while board.get_board_data_count() < 100 and time.monotonic() < until_s:
            time.sleep(0.02)
        return board.get_board_data(), brainflow.board.get_board_descr(number)
    finally:
        board.stop_stream()
        board.release_session()


@pytest.mark.slow
def test_brainflows_own_driver_reads_exactly_what_the_twin_sends() -> None:
    pytest.importorskip("brainflow", reason="BrainFlow, the peer, is not installed")
    twin = CytonTwin()
    with at_a_pty(twin) as port:
        table, rows = brainflow_rows(port, daisy=False)
    n = table.shape[1]
    assert n >= 100
    np.testing.assert_array_equal(table[rows["package_num_channel"]], np.arange(n) % 256)
    np.testing.assert_array_equal(table[rows["emg_channels"]].T, twin.signal(0, n) * COUNT_UV)
    # BrainFlow holds the newest acceleration between the frames that carry one.
    gravity = table[rows["accel_channels"]].T
    np.testing.assert_allclose(gravity[1:], np.tile([0.002, -0.004, 1.0], (n - 1, 1)), rtol=1e-12)


@pytest.mark.slow
def test_brainflows_own_driver_reads_exactly_what_the_twin_with_a_daisy_sends() -> None:
    """BrainFlow joins a Daisy's frame to the Cyton's frame behind it, and we to the one before:
    its sample k has the Daisy's half of our sample k - 1, taken 4 ms earlier and not later."""
    pytest.importorskip("brainflow", reason="BrainFlow, the peer, is not installed")
    twin = CytonTwin(daisy=True)
    with at_a_pty(twin) as port:
        table, rows = brainflow_rows(port, daisy=True)
    n = table.shape[1]
    assert n >= 100
    got, sent = table[rows["emg_channels"]].T, twin.signal(0, n) * COUNT_UV
    np.testing.assert_array_equal(table[rows["package_num_channel"]], 2 * np.arange(n) % 256)
    np.testing.assert_array_equal(got[:, :8], sent[:, :8])
    np.testing.assert_array_equal(got[1:, 8:], sent[:-1, 8:])
