"""A replay is the recording, at the recording's own pace."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition.imports import load_session
from acquisition.recording import create_recording
from acquisition.replay import Replay, open_replay
from acquisition.session import Session
from acquisition.stream import Chunk, Refused, Samples, Spec
from acquisition.xdf import Stream

pytestmark = pytest.mark.edge

SPEC = Spec(200.0, ("emg1", "emg2"), "raw", 1.0, 127.0)


class FakeClock:
    """Time that passes by sleeping alone."""

    def __init__(self, now_s: float = 50.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now_s += seconds


def ramp(samples_n: int, channels_n: int = 2) -> Samples:
    return np.arange(samples_n * channels_n, dtype=np.float32).reshape(samples_n, channels_n)


def replay(
    session: Session, chunk_samples: int, clock: FakeClock, fast: bool = False, loop: bool = False
) -> Replay:
    source = Replay(session, chunk_samples, fast=fast, loop=loop, clock=clock, sleep=clock.sleep)
    source.start()
    return source


def read_all(source: Replay) -> list[Chunk]:
    chunks = []
    while (chunk := source.read(10.0)) is not None:
        assert len(chunk.samples)
        chunks.append(chunk)
    return chunks


@st.composite
def sessions(draw: st.DrawFn) -> Session:
    samples_n = draw(st.integers(1, 40))
    at = st.integers(0, samples_n - 1)
    gaps = draw(st.dictionaries(at, st.integers(1, 50), max_size=4))
    markers = draw(st.lists(st.tuples(at, st.sampled_from(["rest", "hand_open"])), max_size=5))
    return Session(
        SPEC,
        ramp(samples_n),
        tuple(sorted(markers, key=lambda row: row[0])),
        tuple(sorted(gaps.items())),
    )


@given(sessions(), st.integers(1, 12))
@settings(max_examples=60)
def test_any_chunking_is_the_same_stream(session: Session, chunk_samples: int) -> None:
    chunks = read_all(replay(session, chunk_samples, FakeClock()))
    np.testing.assert_array_equal(np.concatenate([c.samples for c in chunks]), session.samples)
    starts = np.cumsum([0, *(len(c.samples) for c in chunks)])
    placed = list(zip(starts, chunks, strict=False))
    assert all(0 < len(c.samples) <= chunk_samples for c in chunks)
    assert tuple((at, c.lost) for at, c in placed if c.lost) == session.gaps
    found = [(at + m.sample_n, m.text) for at, c in placed for m in c.markers]
    assert found == list(session.markers)
    for at, chunk in placed:
        before_n = at + sum(lost for index, lost in session.gaps if index <= at)
        assert chunk.clock_s == pytest.approx(50.0 + before_n / 200.0, abs=1e-9)


@given(sessions(), st.integers(1, 12))
@settings(max_examples=30)
def test_fast_and_paced_hand_over_the_same_chunks(session: Session, chunk_samples: int) -> None:
    paced = read_all(replay(session, chunk_samples, FakeClock()))
    clock = FakeClock()
    fast = read_all(replay(session, chunk_samples, clock, fast=True))
    assert clock.now_s == 50.0
    assert [(c.clock_s, c.lost, c.markers) for c in paced] == [
        (c.clock_s, c.lost, c.markers) for c in fast
    ]
    for one, other in zip(paced, fast, strict=True):
        np.testing.assert_array_equal(one.samples, other.samples)


def test_a_chunk_comes_the_moment_its_last_sample_is_due() -> None:
    clock = FakeClock()
    source = replay(Session(SPEC, ramp(9), ()), 4, clock)
    came_s = []
    while source.read(10.0) is not None:
        came_s.append(clock.now_s)
    assert came_s == pytest.approx([50.0 + n / 200 for n in (3, 7, 8)], abs=1e-12)


def test_the_schedule_does_not_drift_with_a_sleep_that_is_late() -> None:
    clock = FakeClock()
    source = Replay(
        Session(SPEC, ramp(2000), ()),
        2,
        fast=False,
        loop=False,
        clock=clock,
        sleep=lambda seconds: clock.sleep(seconds + 0.0009),
    )
    source.start()
    chunks = read_all(source)
    assert clock.now_s == pytest.approx(50.0 + 1999 / 200 + 0.0009, abs=1e-9)
    assert chunks[-1].clock_s == pytest.approx(50.0 + 1998 / 200, abs=1e-9)


def test_a_timeout_gives_an_empty_chunk_and_loses_nothing() -> None:
    clock = FakeClock()
    source = replay(Session(SPEC, ramp(4), ()), 4, clock)
    first = source.read(0.010)
    assert first is not None
    assert first.samples.shape == (0, 2)
    assert clock.now_s == pytest.approx(50.010)
    second = source.read(0.010)
    assert second is not None
    np.testing.assert_array_equal(second.samples, ramp(4))
    assert clock.now_s == pytest.approx(50.015)


def test_a_late_reader_gets_the_chunks_at_once_with_their_own_clocks() -> None:
    clock = FakeClock()
    source = replay(Session(SPEC, ramp(8), ()), 2, clock)
    clock.now_s += 1.0
    chunks = read_all(source)
    assert clock.now_s == 51.0
    assert [c.clock_s for c in chunks] == pytest.approx([50.0 + n / 200 for n in (0, 2, 4, 6)])


def test_a_recorded_gap_takes_its_time_and_is_told() -> None:
    clock = FakeClock()
    chunks = read_all(replay(Session(SPEC, ramp(6), (), ((3, 100),)), 4, clock))
    assert [(len(c.samples), c.lost) for c in chunks] == [(3, 0), (3, 100)]
    assert chunks[1].clock_s == pytest.approx(50.0 + 103 / 200)
    assert clock.now_s == pytest.approx(50.0 + 105 / 200)


def test_a_loop_goes_on_without_a_gap() -> None:
    source = replay(Session(SPEC, ramp(4), ((0, "rest"),)), 2, FakeClock(), loop=True)
    chunks = [source.read(1.0) for _ in range(5)]
    assert [c.samples[0, 0] for c in chunks if c] == [0, 4, 0, 4, 0]
    assert [c.clock_s for c in chunks if c] == pytest.approx(
        [50 + n / 200 for n in range(0, 10, 2)]
    )
    assert [len(c.markers) for c in chunks if c] == [1, 0, 1, 0, 1]


def test_a_replay_ends_when_it_is_stopped_and_starts_anew() -> None:
    source = replay(Session(SPEC, ramp(4), ()), 2, FakeClock())
    assert source.read(1.0) is not None
    source.stop()
    source.stop()
    assert source.read(1.0) is None
    source.start()
    assert len(read_all(source)) == 2


def test_a_consumer_that_works_in_place_does_not_change_the_recording() -> None:
    session = Session(SPEC, ramp(4), ())
    source = replay(session, 4, FakeClock())
    chunk = source.read(1.0)
    assert chunk is not None
    chunk.samples[:] = 0
    np.testing.assert_array_equal(session.samples, ramp(4))


def test_a_recording_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    writer = create_recording(path, SPEC, "test")
    x = ramp(12)
    writer.text(Stream.MARKERS, 6.9, "before everything")
    writer.samples(7.0, x[:4].tobytes())
    writer.text(Stream.MARKERS, 7.0 + 3 / 200, "rest")
    writer.text(Stream.MARKERS, 7.0 + 20 / 200, "in the gap")
    writer.samples(7.0 + 54 / 200, x[4:10].tobytes(), lost=50)
    writer.text(Stream.MARKERS, 7.0 + 59 / 200, "hand_open")
    writer.samples(7.0 + 60 / 200, x[10:].tobytes())
    writer.text(Stream.MARKERS, 99.0, "after everything")
    writer.close()
    session = load_session(path)
    assert session.spec == SPEC
    assert session.gaps == ((4, 50),)
    assert session.markers == (
        (0, "before everything"),
        (3, "rest"),
        (4, "in the gap"),
        (9, "hand_open"),
        (11, "after everything"),
    )
    np.testing.assert_array_equal(session.samples, x)
    source = open_replay(str(path), fast=True)
    source.start()
    chunks = read_all(source)
    assert [c.lost for c in chunks if c.lost] == [50]
    np.testing.assert_array_equal(np.concatenate([c.samples for c in chunks]), x)


def test_clocks_that_jitter_keep_the_markers_in_order(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    writer = create_recording(path, SPEC, "test")
    for i, jitter_s in enumerate([0.0, 0.004, -0.004, 0.0]):
        writer.samples(1.0 + i / 200 + jitter_s, ramp(1).tobytes())
        writer.text(Stream.MARKERS, 1.0 + i / 200 + jitter_s, str(i))
    writer.close()
    session = load_session(path)
    assert all(0 <= index < 4 for index, _ in session.markers)
    assert list(session.markers) == sorted(session.markers, key=lambda row: row[0])


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("", "needs a recording"),
        ("absent.xdf", "no recording absent.xdf"),
        (".", r"folder without classe_\*\.dat"),
    ],
)
def test_what_cannot_be_replayed_is_refused(
    argument: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Refused, match=sentence):
        open_replay(argument)


def test_a_recording_without_samples_and_a_chunk_without_any_are_refused(tmp_path: Path) -> None:
    create_recording(tmp_path / "a.xdf", SPEC, "test").close()
    with pytest.raises(Refused, match="without a single sample"):
        open_replay(str(tmp_path / "a.xdf"))
    (tmp_path / "classe_0.dat").write_bytes(bytes(16))
    with pytest.raises(Refused, match="at least one sample, not 0"):
        open_replay(str(tmp_path), chunk_samples=0)


def test_a_replay_loads_nothing_heavy() -> None:
    heavy = "{'scipy', 'torch', 'pyxdf', 'xml', 'onnxruntime'}"
    program = f"import acquisition.replay, sys; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
