"""No sample that tests has taught, however one tries, and nothing looks ahead."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition.myo_files import MYO_GESTURES, MYO_SPEC
from acquisition.stream import Refused, Samples
from training.datasets import Segment, cut, in_blocks
from training.leaks import fingerprints_of, refuse_future, refuse_lookahead, refuse_overlap
from training.splits import (
    Fold,
    Split,
    by_repetition,
    day_forward,
    forward_in_time,
    leave_one_session_out,
    leave_one_user_out,
)

WINDOW_N = 52


def recording(
    seed: int, user: str, session: str, order: int | None, lengths: list[int]
) -> list[Segment]:
    """One recording without a gap: two gestures in turn, a cycle of each after the other."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-20, 20, (sum(lengths), 8)).astype(np.float32)
    edges = np.cumsum([0, *lengths])
    return [
        Segment(
            user,
            session,
            i // 2,
            MYO_GESTURES[i % 2],
            x[edges[i] : edges[i + 1]],
            MYO_SPEC,
            order=order,
            recording="r",
            begin=int(edges[i]),
        )
        for i in range(len(lengths))
    ]


HOLDS = st.lists(st.integers(WINDOW_N, 130), min_size=4, max_size=8).map(
    lambda lengths: lengths[: len(lengths) // 2 * 2]
)
PLANS = st.lists(st.lists(HOLDS, min_size=2, max_size=3), min_size=2, max_size=3)
"""user -> day -> lengths of its segments, in samples"""


def people(plan: list[list[list[int]]]) -> list[Segment]:
    """The segments of a plan, everybody with signals of their own."""
    return [
        segment
        for user, days in enumerate(plan)
        for day, lengths in enumerate(days)
        for segment in recording(10 * user + day, f"u{user}", f"d{day}", day, lengths)
    ]


SCHEMES: dict[str, Callable[[list[Segment]], Iterator[Fold]]] = {
    "user": leave_one_user_out,
    "session": leave_one_session_out,
    "day": day_forward,
    "days before": lambda s: day_forward(s, all_before=True),
    "repetition": lambda s: by_repetition(s, {0}),
    "forward": lambda s: forward_in_time(s, 0.5),
}

Place = tuple[str, str, str, int]


def places(segments: tuple[Segment, ...]) -> set[Place]:
    """Every sample that a window wholly inside a segment holds."""
    out: set[Place] = set()
    for s in segments:
        assert s.begin is not None
        for start in range(0, len(s.samples) - WINDOW_N + 1, WINDOW_N // 2):
            first = s.begin + min(start, len(s.samples) - WINDOW_N)
            out |= {(s.user, s.session, s.recording, first + i) for i in range(WINDOW_N)}
        last = s.begin + len(s.samples) - WINDOW_N
        out |= {(s.user, s.session, s.recording, last + i) for i in range(WINDOW_N)}
    return out


@pytest.mark.parametrize("scheme", SCHEMES)
@given(PLANS)
@settings(max_examples=15)
def test_no_sample_of_a_test_window_is_in_a_training_window(
    scheme: str, plan: list[list[list[int]]]
) -> None:
    folds = list(SCHEMES[scheme](people(plan)))
    assert folds
    for fold in folds:
        assert fold.split.train
        assert fold.split.test
        assert not places(fold.split.train) & places(fold.split.test)


@given(PLANS)
@settings(max_examples=10)
def test_each_scheme_keeps_apart_what_its_name_says(plan: list[list[list[int]]]) -> None:
    segments = people(plan)
    for fold in leave_one_user_out(segments):
        assert {s.user for s in fold.split.test} == {fold.name}
        assert fold.name not in {s.user for s in fold.split.train}
    for fold in leave_one_session_out(segments):
        tested = {(s.user, s.session) for s in fold.split.test}
        assert len(tested) == 1
        assert {s.user for s in fold.split.train} == {s.user for s in fold.split.test}
        assert not tested & {(s.user, s.session) for s in fold.split.train}
    for fold in day_forward(segments):
        train, test = ({s.order or 0 for s in p} for p in (fold.split.train, fold.split.test))
        assert len(train) == 1
        assert max(train) < min(test)
    for fold in forward_in_time(segments, 0.5):
        ends = {s.gesture: s for s in sorted(fold.split.train, key=lambda s: s.cycle)}
        for s in fold.split.test:
            assert s.cycle > ends[s.gesture].cycle


@given(PLANS)
@settings(max_examples=10)
def test_every_segment_is_tested_once_when_users_are_left_out(
    plan: list[list[list[int]]],
) -> None:
    segments = people(plan)
    tested = [s for fold in leave_one_user_out(segments) for s in fold.split.test]
    assert sorted(map(id, tested)) == sorted(map(id, segments))


def test_sessions_of_one_day_are_left_out_together() -> None:
    parts = [recording(i, "anna", f"s{i}", (1, 1, 2)[i], [60] * 4) for i in range(3)]
    folds = list(leave_one_session_out([s for part in parts for s in part]))
    assert [sorted({s.session for s in f.split.test}) for f in folds] == [["s0", "s1"], ["s2"]]


def test_schemes_that_cannot_be_are_refused() -> None:
    one = recording(0, "anna", "s", None, [60] * 4)
    with pytest.raises(Refused, match="there must be two"):
        list(leave_one_user_out(one))
    with pytest.raises(Refused, match="somebody must have two"):
        list(leave_one_session_out(one))
    with pytest.raises(Refused, match="Nobody knows when s was"):
        list(day_forward(one))
    with pytest.raises(Refused, match="two days"):
        list(day_forward(recording(0, "anna", "s", 1, [60] * 4)))
    with pytest.raises(Refused, match="nothing to test on"):
        list(by_repetition(one, {0, 1}))


def test_one_long_recording_is_split_in_time_by_blocks() -> None:
    (whole,) = recording(0, "anna", "s", 1, [1050])
    blocks = list(in_blocks([whole], 1.0))
    assert [len(b.samples) for b in blocks] == [200, 200, 200, 200, 250]
    np.testing.assert_array_equal(np.concatenate([b.samples for b in blocks]), whole.samples)
    (fold,) = forward_in_time(blocks, 0.6)
    assert [s.begin for s in fold.split.train] == [0, 200, 400]
    assert [s.begin for s in fold.split.test] == [600, 800]


# --- those who cheat ---------------------------------------------------------------------------


def test_segments_that_overlap_across_the_cut_are_refused() -> None:
    (whole,) = recording(0, "anna", "s", 1, [600])
    train, test = cut(whole, 0, 320, cycle=0), cut(whole, 300, 600, cycle=1)
    with pytest.raises(Refused, match=r"both have sample 300 of anna, s"):
        Split((train,), (), (test,))
    Split((cut(whole, 0, 300, cycle=0),), (), (test,))


@given(st.integers(31, 200), st.integers(0, 100), st.integers(0, 100))
@settings(max_examples=40)
def test_a_stretch_of_the_test_copied_into_the_training_is_found_under_any_name(
    copied_n: int, source: int, target: int
) -> None:
    rng = np.random.default_rng(copied_n)
    theirs, ours = (rng.integers(-20, 20, (300, 8)).astype(np.float32) for _ in range(2))
    ours[target : target + copied_n] = theirs[source : source + copied_n]
    train = Segment("carl", "other", 3, "rest", ours, MYO_SPEC)
    test = Segment("anna", "s", 0, "rest", theirs, MYO_SPEC)
    with pytest.raises(Refused, match="the same samples"):
        Split((train,), (), (test,))


@pytest.mark.parametrize("channels_n", [1, 2, 8, 64])
def test_signals_of_different_people_are_not_taken_for_copies(channels_n: int) -> None:
    rng = np.random.default_rng(channels_n)
    # A quiet armband: counts of -1, 0 and 1 alone, as like each other as real ones ever are.
    quiet = [rng.integers(-1, 2, (20_000, channels_n)).astype(np.float32) for _ in range(2)]
    marks = [set(fingerprints_of(x).tolist()) for x in quiet]
    assert all(marks)
    assert not marks[0] & marks[1]


def test_dull_signals_are_no_proof_of_sameness() -> None:
    square = np.repeat(np.tile([[5.0], [-5.0]], (50, 8)), 40, axis=0).astype(np.float32)
    parts = [Segment(u, "s", 0, "rest", square[i:], MYO_SPEC) for i, u in enumerate("ab")]
    refuse_overlap({"training": parts[:1], "test": parts[1:]})


@pytest.mark.parametrize(
    ("one", "other"), [("Anna", "anna"), ("subject01", "subject1"), ("s 1", "s_1")]
)
def test_one_person_written_in_two_ways_is_refused(one: str, other: str) -> None:
    parts = [recording(i, user, "s", 1, [60] * 2) for i, user in enumerate((one, other))]
    with pytest.raises(Refused, match="one name written in two ways"):
        Split(tuple(parts[0]), (), tuple(parts[1]))


@pytest.mark.parametrize(
    ("one", "other"),
    [("Male1", "Male10"), ("pretraining/Male0", "evaluation/Male0"), ("s10", "s100")],
)
def test_people_with_like_names_are_two(one: str, other: str) -> None:
    parts = [recording(i, user, "s", 1, [60] * 2) for i, user in enumerate((one, other))]
    Split(tuple(parts[0]), (), tuple(parts[1]))


def test_adaptation_may_not_come_from_later_than_what_is_tested() -> None:
    days = {d: recording(d, "anna", f"d{d}", d, [60] * 6) for d in (1, 2)}
    refuse_future(days[1], days[2])
    refuse_future(days[2][:2], days[2][2:])
    with pytest.raises(Refused, match="look ahead"):
        refuse_future(days[2], days[1])
    with pytest.raises(Refused, match="look ahead"):
        refuse_future(days[2][4:], days[2][:2])
    unknown = [dataclasses.replace(s, session="x", order=None) for s in days[1]]
    with pytest.raises(Refused, match="nobody knows"):
        refuse_future(unknown, days[2])
    refuse_future([dataclasses.replace(s, user="ben") for s in days[2]], days[1])


def running(samples: Samples, ahead_n: int) -> list[tuple[int, int]]:
    """A decider that centres itself on the mean of what came, `ahead_n` samples beyond its own."""
    out = []
    for at in range(WINDOW_N - 1, len(samples), 10):
        centre = samples[: at + 1 + ahead_n].mean()
        out.append((at, int(samples[at - WINDOW_N + 1 : at + 1].mean() > centre)))
    return out


def test_a_decoder_that_looks_ahead_is_found_and_a_causal_one_passes() -> None:
    rng = np.random.default_rng(0)
    x = np.cumsum(rng.normal(size=(400, 2)), axis=0).astype(np.float32)
    cuts = range(60, 400, 17)
    refuse_lookahead(lambda s: running(s, 0), x, cuts)
    with pytest.raises(Refused, match="looks ahead"):
        refuse_lookahead(lambda s: running(s, len(s)), x, cuts)
    with pytest.raises(Refused, match="wait for what comes later"):
        refuse_lookahead(lambda s: running(s, 0)[: len(s) // 25], x, cuts)


def test_runs_of_one_recording_stay_in_their_order() -> None:
    segments = recording(0, "anna", "s", 1, [60] * 8)
    for fold in by_repetition(segments, {0, 2}):
        for part in (fold.split.train, fold.split.test):
            for _, group in groupby(part, key=lambda s: s.gesture):
                begins = [s.begin or 0 for s in group]
                assert begins == sorted(begins)
