"""Frames that are kept in step by the ramp that they carry."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition import syncstation
from acquisition.emulators.otb import OtbTwin
from acquisition.emulators.twin import open_twin
from acquisition.framed import Framed
from acquisition.otb import (
    PROBE_UV,
    Words,
    layout_of,
    motion_spec_of,
    probe_words,
    ramped,
    spec_of,
)
from acquisition.port import Arrival
from acquisition.ramp import SPAN_N
from acquisition.stream import Chunk, Counts

pytestmark = pytest.mark.edge

MUOVI = probe_words(32)


def chunks_of(words: Words, pieces: list[bytes]) -> tuple[list[Chunk], Counts]:
    counts, spec = Counts(), spec_of(words, 2000.0)
    parser = Framed(layout_of(words, spec), spec, counts, motion_spec_of(words))
    out = []
    for i, piece in enumerate(pieces):
        out += parser.feed(Arrival(piece, i * 0.01))
    return out, counts


def stream(words: Words, n: int) -> tuple[bytes, np.ndarray]:  # type: ignore[type-arg]
    twin = OtbTwin(open_twin("muovi").transport, words, 2000.0, lambda _: (None, 0))
    return twin.frames(0, n).tobytes(), (twin.signal(0, n) * PROBE_UV).astype(np.float32)


@given(
    drop=st.tuples(st.integers(0, 5000), st.integers(1, 200)),
    garbage=st.binary(max_size=200),
    cuts=st.lists(st.integers(0, 9000), max_size=8),
)
@settings(max_examples=60, deadline=None)
def test_missing_and_added_bytes_never_make_channels_change_places(
    drop: tuple[int, int], garbage: bytes, cuts: list[int]
) -> None:
    data, sent = stream(MUOVI, 120)
    begin, n = drop
    torn = data[:begin] + garbage + data[begin + n :]
    edges = sorted({0, *(cut % len(torn) for cut in cuts), len(torn)})
    pieces = [torn[a:b] for a, b in pairwise(edges)]
    chunks, counts = chunks_of(MUOVI, pieces)
    rows = np.concatenate([chunk.samples for chunk in chunks])
    places = [np.flatnonzero((sent == row).all(axis=1)) for row in rows]
    known = [int(place[0]) for place in places if len(place)]
    assert known == sorted(set(known))
    # One frame that was hit within its channels may be given out; a shifted one never.
    hit = np.array([len(place) == 0 for place in places])
    assert hit.sum() <= 1
    assert counts.lost_samples + len(rows) == pytest.approx(120, abs=SPAN_N + 3)


def test_after_missing_bytes_the_next_whole_frame_is_the_next_given_out() -> None:
    data, sent = stream(MUOVI, 60)
    size_n = MUOVI.frame_n
    chunks, counts = chunks_of(MUOVI, [data[: 30 * size_n + 10] + data[30 * size_n + 17 :]])
    rows = np.concatenate([chunk.samples for chunk in chunks])
    assert np.array_equal(rows, np.delete(sent, 30, axis=0))
    assert (counts.lost_samples, counts.resyncs) == (1, 1)
    assert counts.garbage_bytes == size_n - 7


def test_a_quiet_channel_that_rises_like_a_ramp_is_not_taken_for_it() -> None:
    twin = OtbTwin(
        open_twin("muovi").transport,
        MUOVI,
        2000.0,
        lambda _: (None, 0),
        signal=lambda first, n: np.arange(first, first + n)[:, None] // 3 + np.zeros((1, 32), int),
    )
    data = twin.frames(0, 200).tobytes()
    framer = ramped(MUOVI, counts := Counts())
    frames = framer.feed(data[31:])
    assert (frames[:, -2:] == np.frombuffer(data, np.uint8).reshape(200, -1)[1:, -2:]).all()
    assert counts.resyncs == 0


def test_a_hubs_probes_count_too_and_none_is_taken_for_the_hub() -> None:
    words = syncstation.words_of((1, 2))
    data, sent = stream(words, 100)
    chunks, counts = chunks_of(words, [data[2 * 38 * 2 :]])
    rows = np.concatenate([chunk.samples for chunk in chunks])
    assert np.array_equal(rows, sent[1:])
    assert counts.lost_samples == 0


def test_a_frame_in_step_is_given_out_at_once() -> None:
    data, _ = stream(MUOVI, 40)
    framer = ramped(MUOVI, Counts())
    assert len(framer.feed(data[: 20 * MUOVI.frame_n])) == 20
    assert len(framer.feed(data[20 * MUOVI.frame_n : 21 * MUOVI.frame_n])) == 1
