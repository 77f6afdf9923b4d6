"""The Ganglion: exact frames, its accelerometer, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from acquisition.emulators.ganglion import GanglionTwin
from acquisition.emulators.gatt import Gatt
from acquisition.emulators.twin import Said
from acquisition.emulators.virtual import VirtualClock, VirtualPort
from acquisition.ganglion import (
    BITS,
    COMMAND,
    COUNT_UV,
    KIND,
    MOTION,
    NOTIFIED,
    OLD_TAIL,
    GanglionParser,
    counts_of,
    open_ganglion,
)
from acquisition.port import Arrival
from acquisition.stream import Counts, Device, DeviceRefused, DeviceTimeout

pytestmark = pytest.mark.edge

VECTORS = [
    vector
    for vector in json.loads((Path(__file__).parent / "protocol_vectors.json").read_text())
    if vector["protocol"] == "openbci_ganglion_fw3"
]


def opened(twin: GanglionTwin, argument: str = "") -> tuple[Device, VirtualClock, VirtualPort]:
    clock = VirtualClock()
    port = VirtualPort(twin, clock)
    source = open_ganglion(argument, port=lambda: port, clock=clock, sleep=clock.sleep)
    return source, clock, port


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["hex"][:2])
def test_frames_are_read_as_brainflow_reads_them(vector: dict[str, object]) -> None:
    fields = vector["fields"]
    assert isinstance(fields, dict)
    data = bytes.fromhex(str(vector["hex"]))
    frame = np.frombuffer(data, np.uint8).reshape(1, -1)
    bits = BITS[data[0] < 100]
    assert counts_of(frame, bits).ravel().tolist() == fields["counts"]
    # BrainFlow keeps it in single precision.
    assert pytest.approx(fields["uV_per_count"], rel=1e-7) == COUNT_UV


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["hex"][:2])
def test_the_twin_sends_the_bytes_that_brainflow_reads(vector: dict[str, object]) -> None:
    fields, data = vector["fields"], bytes.fromhex(str(vector["hex"]))
    assert isinstance(fields, dict)
    rows = np.array(fields["counts"], np.int64).reshape(2, 4)
    twin = GanglionTwin(lambda first_n, n: rows, accel=data[0] < 100)
    sent = twin._frame(data[0] % 100)
    assert sent[:19] == data[:19]


def test_the_accelerometers_byte_is_signed_whatever_a_char_is_on_this_machine() -> None:
    parser = GanglionParser(Counts(), accel=True)
    tail = {10: 0xC4, 11: 0x7F, 12: 0x80}
    for number in range(9, 15):
        frame = bytes([number]) + bytes(18) + bytes([tail.get(number, 0)])
        parser.feed(Arrival(frame, 0.01 * number, NOTIFIED))
    (chunk,) = parser.take_motion()
    assert chunk.samples[0].tolist() == pytest.approx([-128 * 0.016, 127 * 0.016, 60 * 0.016])


def test_motion_comes_ten_times_a_second_in_g() -> None:
    source, clock, _ = opened(GanglionTwin())
    source.start()
    while clock() < 1003.0:
        source.read(0.05)
    motion = source.take_motion()
    assert source.motion_spec == MOTION
    assert sum(len(chunk.samples) for chunk in motion) == pytest.approx(29, abs=2)
    assert motion[0].samples[0].tolist() == pytest.approx([0, 0, 1], abs=0.01)


def test_without_accelerometer_there_is_no_motion_and_a_finer_step() -> None:
    source, _, _ = opened(GanglionTwin(accel=False), "accel=no")
    source.start()
    assert source.motion_spec is None
    chunk = source.read(0.1)
    while chunk is not None and not len(chunk.samples):
        chunk = source.read(0.1)
    assert chunk is not None
    counts = np.rint(chunk.samples / COUNT_UV).astype(np.int64)
    assert (counts % 64 == 0).all()
    assert (counts % 128 != 0).any()
    assert source.take_motion() == []


def test_answers_in_words_and_impedances_are_no_samples_and_no_damage() -> None:
    counts = Counts()
    parser = GanglionParser(counts, accel=True)
    for data in (b"\xceOpenBCI Ganglion v3.", b"\xcf.0.0$$$", b"\xc9123Z", bytes([150]) * 20, b""):
        assert parser.feed(Arrival(data, 1.0, NOTIFIED)) == []
    assert counts.damaged_frames == 2


class Old(GanglionTwin):
    """Firmware 2: an uncompressed frame first, then numbers up to 100 or 200."""

    def _frame(self, n: int) -> bytes:
        if n == 0:
            return bytes(13) + OLD_TAIL
        return super()._frame(n)


def test_firmware_2_is_refused_with_the_way_to_firmware_3() -> None:
    twin = Old()
    source, _, port = opened(twin)
    with pytest.raises(DeviceRefused, match=r"The Ganglion has firmware 2.*docs\.openbci\.com"):
        source.start()
    assert port.closed
    assert twin.next_s == np.inf


class Mute(GanglionTwin):
    def hear(self, data: bytes, now_s: float, line: str = "") -> list[Said]:
        return []


def test_a_board_that_sends_nothing_is_told() -> None:
    source, _, port = opened(Mute(), "Ganglion-58f3")
    with pytest.raises(DeviceTimeout, match="The Ganglion at Ganglion-58f3 sends no samples"):
        source.start()
    assert port.closed


def test_a_board_is_known_by_its_service_or_its_name() -> None:
    from acquisition.ble import BleInfo

    gatt: Gatt = GanglionTwin.gatt
    assert BleInfo(gatt.address, "", -50, gatt.advertised).fits(KIND, "")
    assert BleInfo(gatt.address, "Simblee", -50, ()).fits(KIND, "")
    assert not BleInfo(gatt.address, "Headset", -50, ()).fits(KIND, "")
    assert BleInfo(gatt.address, gatt.name, -50, ()).fits(KIND, gatt.address.lower())
    assert BleInfo(gatt.address, gatt.name, -50, ()).fits(KIND, gatt.name)
    assert COMMAND in gatt.services[gatt.advertised[0]]
