"""The gForce: exact commands and frames, messages in parts, frames twice, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition.emulators.gforce import GForceTwin
from acquisition.emulators.twin import Said
from acquisition.emulators.virtual import VirtualClock, VirtualPort
from acquisition.gforce import (
    COMMAND,
    DATA_N,
    EMG_FLAG,
    NOTIFIED,
    PARTS_MOST_N,
    GForceParser,
    Whole,
    open_gforce,
    set_emg,
    switch,
)
from acquisition.port import Arrival
from acquisition.stream import Counts, Device, DeviceRefused, DeviceTimeout, Refused

pytestmark = pytest.mark.edge

HEX = {
    vector["what"].split(" ")[0] + vector["what"][-4:]: vector["hex"]
    for vector in json.loads((Path(__file__).parent / "protocol_vectors.json").read_text())
    if vector["protocol"] == "oymotion_gforce"
}


def vector(word: str) -> str:
    (found,) = [data for what, data in HEX.items() if what.startswith(word)]
    return str(found)


def opened(twin: GForceTwin, argument: str = "") -> tuple[Device, VirtualClock, VirtualPort]:
    clock = VirtualClock()
    port = VirtualPort(twin, clock)
    source = open_gforce(argument, port=lambda: port, clock=clock, sleep=clock.sleep)
    return source, clock, port


def rows(source: Device, clock: VirtualClock, seconds: float) -> np.ndarray:
    end_s, parts = clock() + seconds, []
    while clock() < end_s:
        chunk = source.read(0.05)
        assert chunk is not None
        parts.append(chunk.samples)
    return np.concatenate(parts)


def test_the_commands_are_those_of_the_makers_kit() -> None:
    assert set_emg(500, 8).hex() == vector("SET_EMG")
    assert set_emg(1000, 8).hex() == "3fe803ff008008"
    switches = {data for what, data in HEX.items() if what.startswith("SET_DATA")}
    assert switches == {switch(EMG_FLAG).hex(), switch(0).hex()}


def test_a_frame_is_sixteen_samples_around_128() -> None:
    parser = GForceParser(Counts(), 1000, 8)
    (chunk,) = parser.feed(Arrival(bytes.fromhex(vector("EMG")), 1.0, NOTIFIED))
    assert chunk.samples.shape == (16, 8)
    assert (chunk.samples[0] + 128).tolist() == list(range(8))
    assert (chunk.samples[-1] + 128).tolist() == list(range(120, 128))


def test_twelve_bits_are_eight_samples_of_little_endian_words_around_2048() -> None:
    values = np.arange(64).reshape(8, 8) * 64
    message = b"\x08" + values.astype("<u2").tobytes()
    (chunk,) = GForceParser(Counts(), 500, 12).feed(Arrival(message, 1.0, NOTIFIED))
    assert (chunk.samples + 2048).tolist() == values.tolist()


@pytest.mark.parametrize("parts", [2, 7])
def test_a_frame_that_comes_in_parts_is_put_together(parts: int) -> None:
    twin = GForceTwin(parts=parts)
    source, clock, _ = opened(twin)
    source.start()
    samples = rows(source, clock, 1.0)
    assert len(samples) == pytest.approx(1000, abs=32)
    assert (samples + 128 == twin.signal(0, len(samples))).all()
    assert source.counts.damaged_frames == 0


@given(st.data())
@settings(max_examples=60)
def test_messages_whose_parts_are_lost_are_dropped_and_the_next_one_is_whole(
    data: st.DataObject,
) -> None:
    whole, message = Whole(Counts()), bytes(range(129))
    cuts = sorted(data.draw(st.sets(st.integers(1, 128), min_size=1, max_size=5)))
    pieces = [message[a:b] for a, b in zip([0, *cuts], [*cuts, 129], strict=True)]
    parts = [bytes([255, len(pieces) - 1 - k]) + piece for k, piece in enumerate(pieces)]
    lost = data.draw(st.integers(0, len(parts) - 1))
    first = [whole.feed(part) for k, part in enumerate(parts) if k != lost]
    assert message not in first
    assert [whole.feed(part) for part in parts][-1] == message


def test_parts_without_an_end_do_not_fill_the_memory() -> None:
    whole = Whole(Counts())
    for n in range(10_000):
        whole.feed(bytes([255, 255 - n % 255]) + bytes(100))
        assert len(whole._held) <= PARTS_MOST_N


def test_a_frame_that_comes_twice_at_once_is_one() -> None:
    counts = Counts()
    parser, twin = GForceParser(counts, 1000, 8), GForceTwin()
    twin.hear(switch(EMG_FLAG), 0.0, COMMAND)
    frames = twin.due(0.1)
    given = [parser.feed(Arrival(one.data, 0.016 * n, NOTIFIED)) for n, one in enumerate(frames)]
    assert all(given)
    assert parser.feed(Arrival(frames[-1].data, 0.016 * (len(frames) - 1) + 0.001, NOTIFIED)) == []
    assert counts.duplicate_frames == 1
    # A signal that stands still is no duplicate: its frames come a period apart.
    assert parser.feed(Arrival(frames[-1].data, 0.016 * len(frames), NOTIFIED))


def test_what_is_no_frame_is_no_sample() -> None:
    counts = Counts()
    parser = GForceParser(counts, 1000, 8)
    for data in (b"", b"\x08", b"\x08" + bytes(DATA_N - 1), b"\x0b" + bytes(DATA_N), b"\xff"):
        assert parser.feed(Arrival(data, 1.0, NOTIFIED)) == []
    assert parser.feed(Arrival(b"\x08" + bytes(DATA_N), 1.0, COMMAND)) == []
    assert counts.damaged_frames == 2  # those that said that they were samples
    assert parser.take_motion() == []


def test_settings_that_the_armband_cannot_do_together_are_refused() -> None:
    with pytest.raises(Refused, match="1000 Hz with 8 bits only"):
        open_gforce("bits=12")
    with pytest.raises(Refused, match="rate is one of 500, 1000, not 650"):
        open_gforce("rate=650")
    with pytest.raises(Refused, match="bits is one of 8, 12, not 16"):
        open_gforce("bits=16")


class Answers(GForceTwin):
    """Answers the command `code` otherwise."""

    def __init__(self, code: int, reply: bytes) -> None:
        super().__init__()
        self._code, self._reply = code, reply

    def hear(self, data: bytes, now_s: float, line: str = "") -> list[Said]:
        if data[0] == self._code:
            return [Said(self._reply, COMMAND)] if self._reply else []
        return super().hear(data, now_s, line)


@pytest.mark.parametrize(
    ("code", "reply", "error", "said"),
    [
        (0x4F, b"", DeviceTimeout, "The gForce does not answer: charge it"),
        (0x3F, b"\x02\x3f", DeviceRefused, "takes it for wrong: choose other settings"),
        (0x3F, b"\x01\x3f", DeviceRefused, "does not support it"),
        (0x3F, b"\x09\x3f", DeviceRefused, "answers 9"),
        (0x3F, b"\x00\x4f", DeviceTimeout, "does not answer"),
    ],
)
def test_each_command_waits_for_its_own_answer(
    code: int, reply: bytes, error: type[Exception], said: str
) -> None:
    source, _, port = opened(Answers(code, reply))
    with pytest.raises(error, match=said):
        source.start()
    assert port.closed
