"""EMaGer sleeve: its bytes, where its frames begin, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquisition.emager import FRAME_N, ORDERS, SPEC, layout_of, looks_right, open_emager, words
from acquisition.emulators.emager import EmagerTwin
from acquisition.emulators.twin import Said
from acquisition.emulators.virtual import VirtualClock, VirtualPort
from acquisition.framed import Framed
from acquisition.port import Arrival
from acquisition.stream import Counts, DeviceTimeout, Refused

pytestmark = pytest.mark.edge

VECTORS = json.loads((Path(__file__).parent / "protocol_vectors.json").read_text())
(VECTOR,) = [v for v in VECTORS if v["protocol"] == "emager"]


def frames(n: int) -> bytes:
    twin = EmagerTwin()
    twin.greet(0.0)
    return b"".join(said.data for said in twin.due((n + 0.5) * 1e-3))


def test_the_vector_that_emager_py_agreed_on_decodes_exactly() -> None:
    frame = np.frombuffer(bytes.fromhex(VECTOR["hex"]), np.uint8)[None]
    assert looks_right(frame).all()
    assert words(frame)[0].tolist() == VECTOR["fields"]["values"]


@pytest.mark.parametrize("version", ORDERS)
def test_each_electrode_is_one_word_of_the_frame(version: str) -> None:
    assert sorted(ORDERS[version]) == list(range(64))
    frame = np.frombuffer(bytes.fromhex(VECTOR["hex"]), np.uint8)[None]
    samples = layout_of(version).samples(frame)[0]
    assert samples[0] == VECTOR["fields"]["values"][ORDERS[version][0]]
    assert sorted(samples.tolist()) == sorted(VECTOR["fields"]["values"])


@given(st.integers(0, 2 * FRAME_N), st.lists(st.integers(1, 3 * FRAME_N), max_size=20))
def test_a_stream_that_begins_anywhere_is_in_step_within_two_frames(
    skip: int, pieces: list[int]
) -> None:
    data, twin = frames(12)[skip:], EmagerTwin()
    parser, got, at = Framed(layout_of("1.0"), SPEC, Counts()), [], 0
    for piece in [*pieces, len(data)]:
        got += [c.samples for c in parser.feed(Arrival(data[at : at + piece], 1.0))]
        at += piece
    rows = np.concatenate(got)
    first_n = -(-skip // FRAME_N)
    np.testing.assert_array_equal(rows, twin.signal(first_n, 12 - first_n))


def test_no_other_place_in_a_frame_looks_like_its_beginning() -> None:
    data = np.frombuffer(frames(4), np.uint8)
    begins = np.lib.stride_tricks.sliding_window_view(data, FRAME_N)
    assert np.flatnonzero(looks_right(begins)).tolist() == [0, FRAME_N, 2 * FRAME_N, 3 * FRAME_N]


class Other(EmagerTwin):
    """Another device, or none, at the same rate."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._data = data

    def due(self, now_s: float) -> list[Said]:
        return [Said(self._data) for _ in super().due(now_s)]


@pytest.mark.parametrize(
    ("data", "told"), [(b"", "gave nothing"), (b"12,13,14\n" * 9, "bytes that are no frames")]
)
def test_a_port_without_a_sleeve_is_refused(data: bytes, told: str) -> None:
    clock = VirtualClock()
    device = open_emager("virtual", port=lambda: VirtualPort(Other(data), clock), clock=clock)
    with pytest.raises(DeviceTimeout, match=told):
        device.start()


def test_a_version_that_does_not_exist_is_refused() -> None:
    with pytest.raises(Refused, match=r"version is one of 1.0, 1.1, not 2.0"):
        open_emager("x,version=2.0")
