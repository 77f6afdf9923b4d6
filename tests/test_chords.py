"""Boards with the Chords firmware: their bytes, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from acquisition.chords import BOARDS, layout_of, open_chords, spec_of
from acquisition.emulators.chords import ChordsTwin
from acquisition.emulators.twin import Said
from acquisition.emulators.virtual import VirtualClock, VirtualPort
from acquisition.stream import Device, DeviceRefused, DeviceTimeout, Refused

pytestmark = pytest.mark.edge

VECTORS = json.loads((Path(__file__).parent / "protocol_vectors.json").read_text())
(VECTOR,) = [v for v in VECTORS if v["protocol"] == "chords_arduino"]


class Says(ChordsTwin):
    """A board that answers WHORU with something else."""

    def __init__(self, reply: bytes) -> None:
        super().__init__()
        self._reply = reply

    def hear(self, data: bytes, now_s: float, line: str = "") -> list[Said]:
        return [Said(self._reply)] if b"WHORU" in data else []


def opened(twin: ChordsTwin, argument: str = "virtual") -> Device:
    clock = VirtualClock()
    return open_chords(
        argument, port=lambda: VirtualPort(twin, clock), clock=clock, sleep=clock.sleep
    )


def test_the_vector_that_chords_own_reader_agreed_on_decodes_exactly() -> None:
    layout = layout_of(BOARDS["uno-r4"])
    frames = np.frombuffer(bytes.fromhex(VECTOR["hex"]), np.uint8)[None]
    assert frames.shape == (1, layout.frame_n)
    assert layout.samples(frames).tolist() == [VECTOR["fields"]["adc"]]
    assert layout.counters is not None
    assert layout.counters(frames).tolist() == [VECTOR["fields"]["counter"]]


@pytest.mark.parametrize("name", BOARDS)
def test_each_board_has_its_own_width_rate_and_range(name: str) -> None:
    device = opened(ChordsTwin(board=name), f"virtual,board={name}")
    device.start()
    chunk = device.read(1.0)
    while chunk is not None and not len(chunk.samples):
        chunk = device.read(1.0)
    device.stop()
    assert chunk is not None
    assert chunk.samples.shape[1] == BOARDS[name].channels_n
    assert device.spec.rate_hz == BOARDS[name].rate_hz
    assert device.spec.full_scale == 2 ** BOARDS[name].bits - 1


def test_counts_are_raw_until_the_sensors_gain_is_given() -> None:
    assert open_chords("x,board=pico").spec.unit == "raw"
    spec = open_chords("x,board=pico,vref=3.3,gain=1000").spec
    assert spec.unit == "uV"
    assert spec.scale == pytest.approx(3.3e6 / 4095 / 1000)
    assert spec == spec_of(BOARDS["pico"], 3.3, 1000.0)


def test_another_board_than_asked_for_is_refused_with_both_names() -> None:
    device = opened(ChordsTwin(board="mega"), "virtual,board=uno-r4")
    with pytest.raises(DeviceRefused, match=r"is a mega .*uno-r4 was asked for: write board=mega"):
        device.start()


def test_a_board_that_is_not_known_is_refused_with_those_that_are() -> None:
    with pytest.raises(DeviceRefused, match=r"says .GRBL 1\.1f.*uno-r4"):
        opened(Says(b"GRBL 1.1f\r\n")).start()


def test_a_silent_port_is_refused_with_the_other_way() -> None:
    with pytest.raises(DeviceTimeout, match="use arduino:virtual"):
        opened(Says(b"")).start()


def test_a_board_name_that_does_not_exist_is_refused_with_the_nearest() -> None:
    with pytest.raises(Refused, match='Did you mean "uno-r4"'):
        open_chords("x,board=uno-4")


def test_a_stream_that_still_runs_is_ended_before_the_board_is_asked() -> None:
    twin = ChordsTwin()
    twin.hear(b"START\n", 1000.0)
    device = opened(twin)
    device.start()
    first = device.read(0.1)
    device.stop()
    assert first is not None
    assert first.lost == 0
    assert twin.next_s == np.inf
