"""The NPG-LITE: exact bytes, what is damaged, what came twice."""

from __future__ import annotations

import numpy as np
import pytest

from acquisition.ble import BleInfo
from acquisition.emulators.npg_lite import NpgLiteTwin
from acquisition.npg_lite import COMMAND, KIND, NpgFrames, layout_of, open_npg_lite
from acquisition.stream import Counts

pytestmark = pytest.mark.edge


def notification(first: int) -> bytes:
    return b"".join(bytes([(first + k) % 256, 0x0F, 0xFF, 0, 0, 1, k]) for k in range(10))


def test_ten_samples_of_a_counter_and_three_big_endian_words() -> None:
    counts = Counts()
    frames = NpgFrames(counts).feed(notification(250))
    layout = layout_of()
    assert layout.counters is not None
    assert layout.counters(frames).tolist() == [250, 251, 252, 253, 254, 255, 0, 1, 2, 3]
    assert layout.samples(frames).tolist() == [[4095, 0, 256 + k] for k in range(10)]
    assert counts == Counts()


def test_a_notification_that_is_cut_or_whose_counters_jump_is_damaged() -> None:
    counts = Counts()
    frames = NpgFrames(counts)
    jump = bytearray(notification(0))
    jump[35] ^= 8
    for data in (notification(0)[:-1], b"", bytes(jump)):
        assert len(frames.feed(data)) == 0
    assert counts.damaged_frames == 3


def test_a_notification_that_comes_twice_is_one() -> None:
    counts = Counts()
    frames = NpgFrames(counts)
    given = [len(frames.feed(notification(first))) for first in (0, 0, 10, 10, 10, 20)]
    assert given == [10, 0, 10, 0, 0, 10]
    assert counts.duplicate_frames == 3


def test_reference_and_gain_give_microvolts() -> None:
    spec = open_npg_lite("vref=3.3,gain=2500").spec
    assert spec.unit == "uV"
    assert spec.scale == pytest.approx(3.3 / 4095 / 2500 * 1e6)
    assert spec == NpgLiteTwin(vref=3.3, gain=2500.0).spec
    assert open_npg_lite().spec.unit == "raw"


def test_a_board_is_known_by_its_name_since_others_advertise_the_same_service() -> None:
    gatt = NpgLiteTwin.gatt
    assert BleInfo(gatt.address, gatt.name, -50, ()).fits(KIND, "")
    assert not BleInfo(gatt.address, "Lamp", -50, gatt.advertised).fits(KIND, "")


def test_the_twin_streams_from_start_to_stop() -> None:
    twin = NpgLiteTwin()
    assert twin.hear(b"START", 0.0, COMMAND) == []
    assert [said.sample_n for said in twin.due(0.06)] == [0, 10, 20]
    twin.hear(b"STOP", 0.07, COMMAND)
    assert twin.next_s == np.inf
