"""Intan RHX over its sockets: questions and answers, blocks, time stamps that must follow."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition.emulators.intan import IntanTwin
from acquisition.emulators.twin import Said
from acquisition.emulators.virtual import VirtualClock, VirtualPort
from acquisition.intan import Blocks, frame_n_of, microvolts, read_channels, stamps
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

VECTOR = next(
    v
    for v in json.loads((Path(__file__).parent / "protocol_vectors.json").read_text())
    if v["protocol"] == "intan_rhx"
)
BLOCK = bytes.fromhex(VECTOR["hex"])
WORD = "intan:virtual,channels=a-000..a-001,rate=4000"


class Bench:
    def __init__(self, word: str, twin: IntanTwin) -> None:
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


class Rhx(IntanTwin):
    """Four channels at 4 kHz; keeps what it hears."""

    def __init__(self) -> None:
        super().__init__(channels="a-000..a-003", rate=4000.0)
        self.heard: list[str] = []

    def hear(self, data: bytes, now_s: float, line: str = "") -> list[Said]:
        self.heard.append(data.decode())
        return super().hear(data, now_s, line)


def test_a_block_of_the_vector_gives_its_stamps_and_microvolts() -> None:
    assert len(BLOCK) == VECTOR["fields"]["block_bytes"] == frame_n_of(1)
    frames = np.frombuffer(BLOCK, np.uint8).reshape(1, -1)
    assert stamps(frames)[0].tolist() == list(range(1000, 1128))
    rows = microvolts(frames)
    assert rows.shape == (128, 1)
    assert rows[:2, 0].tolist() == pytest.approx([0.0, 1.95])


def test_the_twin_sends_the_vectors_bytes() -> None:
    counts = 32768 + 10 * np.arange(-1000, 200)[:, None]
    twin = IntanTwin(lambda first, n: counts[first : first + n], channels="a-000")
    assert twin.block(1000, [0]) == BLOCK


def test_it_is_asked_set_up_and_started_in_this_order() -> None:
    bench = Bench(WORD, twin := Rhx())
    bench.source.start()
    bench.source.stop()
    assert twin.heard == [
        "get runmode",
        "get sampleratehertz",
        "execute clearalldataoutputs;set tcpnumberdatablocksperwrite 1;"
        "set a-000.tcpdataoutputenabled true;set a-001.tcpdataoutputenabled true;get runmode",
        "set runmode run",
        "set runmode stop",
    ]


def test_what_runs_already_is_stopped_and_its_samples_forgotten() -> None:
    bench = Bench(WORD, twin := Rhx())
    twin.hear(b"set a-003.tcpdataoutputenabled true;set runmode run", bench.clock())
    bench.clock.sleep(1.0)
    bench.source.start()
    chunks = [chunk for chunk in bench.run(0.5) if len(chunk.samples)]
    bench.source.stop()
    sent = (twin.signal(0, 128)[:, :2] - 32768) * bench.source.spec.scale
    assert np.array_equal(chunks[0].samples[:128], sent.astype(np.float32))
    assert bench.source.counts.lost_samples == 0


@given(st.integers(0, 2 * frame_n_of(1)), st.integers(1, 300))
@settings(max_examples=60, deadline=None)
def test_missing_bytes_cost_the_blocks_that_they_were_in(begin: int, n: int) -> None:
    twin = IntanTwin(channels="a-000")
    data = b"".join(twin.block(128 * k, [0]) for k in range(6))
    frames = Blocks(frame_n_of(1), counts := Counts()).feed(data[:begin] + data[begin + n :])
    firsts = stamps(frames)[:, 0] // 128
    assert set(firsts) >= {4, 5}
    assert sorted(set(firsts)) == list(firsts)
    # Bytes that go missing at a block's very end are made up for by those of the next one.
    assert sum(frame.tobytes() not in data for frame in frames) <= 1
    assert counts.damaged_frames + counts.resyncs <= 2


def test_a_block_whose_stamps_jump_is_dropped_and_counted() -> None:
    twin = IntanTwin(channels="a-000")
    torn = bytearray(twin.block(128, [0]))
    torn[4 + 6 * 50] ^= 1
    data = twin.block(0, [0]) + bytes(torn) + twin.block(256, [0])
    frames = Blocks(frame_n_of(1), counts := Counts()).feed(data)
    assert (stamps(frames)[:, 0] // 128).tolist() == [0, 2]
    assert counts.damaged_frames == 1


def test_channels_are_named_as_rhx_names_them() -> None:
    assert read_channels("A-000..A-002+B-015") == ("a-000", "a-001", "a-002", "b-015")


def test_channels_come_in_the_order_of_rhx_and_not_in_that_of_their_naming() -> None:
    assert read_channels("b-001+a-002+a-000..a-001") == ("a-000", "a-001", "a-002", "b-001")


@pytest.mark.parametrize(
    "text", ["", "a-0", "a-000..b-003", "a-003..a-001", "a-000+a-000", "x-001"]
)
def test_channels_that_rhx_cannot_have_are_refused(text: str) -> None:
    with pytest.raises(Refused, match=r"channels are named as in RHX"):
        open_source(f"intan:channels={text}")


class Silent(IntanTwin):
    def hear(self, data: bytes, now_s: float, line: str = "") -> list[Said]:
        return []


class Stranger(IntanTwin):
    def hear(self, data: bytes, now_s: float, line: str = "") -> list[Said]:
        return [Said(b"HTTP/1.1 400 Bad Request")]


class Busy(Rhx):
    """Sends a channel more than it was asked for, as spikes or filtered bands are."""

    def due(self, now_s: float) -> list[Said]:
        self._sends = ["a-000", "a-001", "a-002"]
        return super().due(now_s)


class Waveless(Rhx):
    def due(self, now_s: float) -> list[Said]:
        super().due(now_s)
        return []


@pytest.mark.parametrize(
    ("twin", "error", "sentence"),
    [
        (Silent(rate=4000.0), DeviceTimeout, "did not answer .* press Connect"),
        (Stranger(rate=4000.0), DeviceRefused, r'is not RHX \("HTTP/1.1 400'),
        (IntanTwin(rate=20000.0), DeviceRefused, "measures at 20000 Hz .* write rate=20000"),
        (IntanTwin(channels="b-000", rate=4000.0), DeviceRefused, "did not take channels=a-000"),
        (Busy(), DeviceRefused, "sends 3 channels and 2 were asked for"),
        (Waveless(), DeviceTimeout, "no waveforms within 3 s: press Connect"),
    ],
)
def test_an_rhx_that_cannot_serve_is_refused(
    twin: IntanTwin, error: type[DeviceError], sentence: str
) -> None:
    bench = Bench(WORD, twin)
    with pytest.raises(error, match=sentence):
        bench.source.start()
    assert bench.ports[0].closed


def test_an_rhx_whose_sockets_are_not_connected_is_told_with_the_button_to_press(
    unused_port: int,
) -> None:
    with pytest.raises(DeviceRefused, match="Remote TCP Control, and press Connect"):
        open_source(f"intan:127.0.0.1,port={unused_port}").start()
