"""Delsys Trigno through its control utility: commands, volts, slots that nobody wears."""

from __future__ import annotations

import json
import struct
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition.delsys import END, FULL_UV, Instants, microvolts, read_slots
from acquisition.emulators.delsys import DelsysTwin
from acquisition.emulators.twin import Said
from acquisition.emulators.virtual import VirtualClock, VirtualPort
from acquisition.sources import open_source
from acquisition.stream import (
    Chunk,
    Counts,
    Device,
    DeviceError,
    DeviceRefused,
    DeviceTimeout,
    Refused,
)

pytestmark = pytest.mark.edge

VECTORS = {
    v["what"]: bytes.fromhex(v["hex"])
    for v in json.loads((Path(__file__).parent / "protocol_vectors.json").read_text())
    if v["protocol"] == "delsys_trigno"
}


class Bench:
    def __init__(self, word: str, twin: DelsysTwin) -> None:
        self.clock, self.twin = VirtualClock(), twin
        self.ports: list[VirtualPort] = []
        self.source: Device = open_source(
            word, port=self._port, clock=self.clock, sleep=self.clock.sleep
        )

    def _port(self) -> VirtualPort:
        self.ports.append(VirtualPort(self.twin, self.clock))
        return self.ports[-1]

    def run(self, seconds: float) -> list[Chunk]:
        end_s, chunks = self.clock() + seconds, []
        while self.clock() < end_s:
            chunk = self.source.read(0.05)
            assert chunk is not None
            chunks.append(chunk)
        return chunks


class Recorded(DelsysTwin):
    """Keeps what it hears, and on which line."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.heard: list[tuple[str, bytes]] = []

    def hear(self, data: bytes, now_s: float, line: str = "") -> list[Said]:
        self.heard.append((line, data))
        return super().hear(data, now_s, line)


def test_it_is_started_and_stopped_with_the_words_of_pytrigno() -> None:
    bench = Bench("delsys:virtual", twin := Recorded())
    bench.source.start()
    bench.source.stop()
    assert twin.heard == [("", VECTORS["START"]), ("", VECTORS["STOP"])]


def test_volts_become_microvolts_of_the_chosen_sensors() -> None:
    volts = [1e-5, -2e-5, 3e-5, *[0.0] * 12, 0.01]
    data = struct.pack("<16f", *volts)
    assert data.hex().startswith("acc52737acc5a7b7")
    frames = Instants(64).feed(data)
    assert microvolts(frames, (1, 2, 16), Counts())[0].tolist() == pytest.approx(
        [10.0, -20.0, 10_000.0], rel=1e-6
    )


@pytest.mark.parametrize("wild", [np.nan, np.inf, -np.inf, 1e30, 0.012])
def test_what_no_sensor_can_say_is_given_as_clipped_and_counted(wild: float) -> None:
    frames = Instants(64).feed(struct.pack("<16f", wild, *[0.001] * 15))
    counts = Counts()
    assert microvolts(frames, (1, 2), counts)[0].tolist() == [FULL_UV, pytest.approx(1000.0)]
    assert counts.damaged_frames == 1
    assert microvolts(frames, (2, 3), counts)[0].tolist() == pytest.approx([1000.0, 1000.0])
    assert counts.damaged_frames == 1


@given(st.lists(st.integers(0, 6400), max_size=12))
@settings(max_examples=50, deadline=None)
def test_reads_may_end_anywhere_within_an_instant(cuts: list[int]) -> None:
    data = np.arange(1600, dtype="<f4").tobytes()
    edges = sorted({0, *cuts, len(data)})
    framer = Instants(64)
    parts = [framer.feed(data[a:b]) for a, b in pairwise(edges)]
    assert np.concatenate(parts).tobytes() == data


def test_motion_comes_from_its_own_connection_with_names_and_units() -> None:
    bench = Bench("delsys:virtual,sensors=2+5", DelsysTwin(sensors="1-8"))
    bench.source.start()
    bench.run(2.0)
    chunks = bench.source.take_motion()
    bench.source.stop()
    spec = bench.source.motion_spec
    assert spec is not None
    assert spec.rate_hz == pytest.approx(148.148, abs=0.001)
    assert spec.channels[:4] == ("accel2_x_g", "accel2_y_g", "accel2_z_g", "gyro2_x_deg_s")
    assert spec.channels[-1] == "mag5_z_ut"
    rows = np.concatenate([chunk.samples for chunk in chunks])
    assert len(rows) == pytest.approx(2.1 * 148.148, abs=6)
    assert (rows[:, spec.channels.index("accel5_z_g")] == 1.0).all()
    assert sum(chunk.lost for chunk in chunks) == 0


def test_sensors_that_send_only_zeros_are_refused_with_those_that_are_there() -> None:
    bench = Bench("delsys:virtual,sensors=1-6", DelsysTwin(sensors="1-3+5+9"))
    with pytest.raises(DeviceRefused, match=r"Sensors 4, 6 .* choose sensors=1\+2\+3\+5\+9"):
        bench.source.start()
    assert bench.ports[0].closed


def test_another_rate_than_the_sensors_have_is_found_out() -> None:
    bench = Bench("delsys:virtual,rate=2000", DelsysTwin(rate=1925.926))
    bench.source.start()
    with pytest.raises(DeviceRefused, match=r"sends 19\d\d samples a second, and 2000"):
        bench.run(8.0)


@pytest.mark.parametrize(
    ("asked", "rate_hz"),
    [(1111, 15 / 0.0135), (1925.9, 26 / 0.0135), (2000, 27 / 0.0135), (2148, 29 / 0.0135)],
)
def test_the_rates_are_whole_numbers_of_samples_in_13_5_ms(asked: float, rate_hz: float) -> None:
    assert open_source(f"delsys:rate={asked}").spec.rate_hz == rate_hz
    assert rate_hz == pytest.approx(asked, abs=0.2)


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("delsys:sensors=0-3", 'not "0-3"'),
        ("delsys:sensors=3-1", "numbers from 1 to 16"),
        ("delsys:sensors=a", "numbers from 1 to 16"),
        ("delsys:rate=1000", r"rate is one of 1111.11, .*2148.15, not 1000"),
    ],
)
def test_settings_that_no_trigno_has_are_refused(word: str, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        open_source(word)


def test_slots_are_read_in_order_and_once() -> None:
    assert read_slots("7+1-3+2") == (1, 2, 3, 7)


class Mute(DelsysTwin):
    def greet(self, now_s: float, line: str = "") -> list[Said]:
        return []


class Unwilling(DelsysTwin):
    def hear(self, data: bytes, now_s: float, line: str = "") -> list[Said]:
        return [Said(b"CANNOT COMPLETE" + END)]


class Idle(DelsysTwin):
    def hear(self, data: bytes, now_s: float, line: str = "") -> list[Said]:
        return [Said(b"OK" + END)]


@pytest.mark.parametrize(
    ("twin", "error", "sentence"),
    [
        (Mute(), DeviceTimeout, "did not greet within 3 s"),
        (Unwilling(), DeviceRefused, 'said "CANNOT COMPLETE" to START'),
        (Idle(), DeviceTimeout, "sent no samples within 6 s: switch the sensors on"),
    ],
)
def test_a_utility_that_does_not_stream_is_refused(
    twin: DelsysTwin, error: type[DeviceError], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        Bench("delsys:virtual", twin).source.start()


def test_nothing_at_the_ports_is_told_with_what_to_start(unused_port: int) -> None:
    word = f"delsys:127.0.0.1,port={unused_port}"
    with pytest.raises(DeviceRefused, match=r"Nothing listens .* start the Trigno Control Utility"):
        open_source(word).start()
