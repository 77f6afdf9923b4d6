"""No repetition trains and tests at once, whatever one tries."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition.myo_files import MYO_GESTURES, MYO_SPEC
from acquisition.stream import Refused
from training.datasets import Segment, read_myo_armband
from training.readers import myo_armband
from training.splits import Selection, Split, refuse_overlap, select, split


def people(seed: int = 0) -> tuple[Segment, ...]:
    """Two users with two sessions of three cycles each."""
    rng = np.random.default_rng(seed)
    return tuple(
        Segment(user, session, cycle, gesture, rng.normal(size=(60, 8)).astype("f4"), MYO_SPEC)
        for user in ("anna", "ben")
        for session in ("training0", "Test0")
        for cycle in range(3)
        for gesture in MYO_GESTURES[:3]
    )


PEOPLE = people()

selections = st.builds(
    Selection,
    st.none() | st.lists(st.sampled_from(["anna", "ben"]), min_size=1).map(tuple),
    st.none() | st.lists(st.sampled_from(["training0", "Test0"]), min_size=1).map(tuple),
    st.none() | st.lists(st.integers(0, 2), min_size=1).map(tuple),
)


@given(selections, selections)
@settings(max_examples=100)
def test_a_split_shares_no_repetition_or_is_refused(train: Selection, test: Selection) -> None:
    shared = {s.key for s in PEOPLE if train.takes(s) and test.takes(s)}
    if shared:
        with pytest.raises(Refused, match="training and test parts share"):
            split(PEOPLE, train=train, test=test)
        return
    found = split(PEOPLE, train=train, test=test)
    assert not {s.key for s in found.train} & {s.key for s in found.test}
    assert found.train == tuple(s for s in PEOPLE if train.takes(s))
    assert found.test == tuple(s for s in PEOPLE if test.takes(s))


def test_users_sessions_and_cycles_make_a_split() -> None:
    found = split(
        PEOPLE,
        train=Selection(users=("anna",), sessions=("training0",), cycles=(0, 1)),
        validation=Selection(users=("anna",), sessions=("training0",), cycles=(2,)),
        test=Selection(users=("anna",), sessions=("Test0",)),
    )
    assert [len(part) for part in (found.train, found.validation, found.test)] == [6, 3, 9]


def test_the_validation_part_may_share_nothing_either() -> None:
    anna, ben = Selection(users=("anna",)), Selection(users=("ben",))
    with pytest.raises(Refused, match=r"validation and test parts share repetitions \(6\)"):
        split(PEOPLE, train=anna, validation=ben, test=ben)
    with pytest.raises(Refused, match=r"training and validation parts share repetitions \(6\)"):
        split(PEOPLE, train=anna, validation=anna, test=ben)


def test_the_windows_of_one_repetition_cannot_be_dealt_to_both_sides() -> None:
    whole = PEOPLE[0]
    even = dataclasses.replace(whole, samples=whole.samples[:30])
    odd = dataclasses.replace(whole, samples=whole.samples[30:])
    with pytest.raises(Refused, match="cycle 0 of anna, training0"):
        Split((even,), (), (odd,))


def test_another_gesture_of_the_same_cycle_is_no_way_around() -> None:
    with pytest.raises(Refused, match=r"share repetitions \(1\)"):
        Split(PEOPLE[:2], (), PEOPLE[2:3])


def test_the_same_samples_under_another_name_are_found() -> None:
    renamed = dataclasses.replace(PEOPLE[0], user="carl", samples=PEOPLE[0].samples.copy())
    with pytest.raises(Refused, match="the same samples"):
        Split(PEOPLE[:3], (), (renamed,))


def test_channels_that_are_dead_throughout_are_no_proof_of_sameness() -> None:
    dead = [
        dataclasses.replace(PEOPLE[0], user=user, samples=np.zeros((60, 8), np.float32))
        for user in ("anna", "ben")
    ]
    refuse_overlap({"training": dead[:1], "test": dead[1:]})


def test_the_three_sessions_that_the_published_set_has_twice_are_found(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(myo_armband, "REPEATED", frozenset())
    users = ("pretraining/Female9", "evaluation/Female0")
    segments = read_myo_armband(shared_data / "myo_armband", users=users)
    with pytest.raises(Refused, match="the same samples"):
        split(segments, train=Selection(users=users[:1]), test=Selection(users=users[1:]))


def test_the_published_parts_share_no_samples(shared_data: Path) -> None:
    segments = read_myo_armband(shared_data / "myo_armband")
    parts: dict[str, list[Segment]] = {}
    for segment in segments:
        parts.setdefault(f"{segment.user} {segment.session}", []).append(segment)
    refuse_overlap(parts)


@pytest.mark.parametrize(
    ("selection", "sentence"),
    [
        (Selection(users=("anna", "bob")), "no user bob; there are anna, ben"),
        (Selection(sessions=("Test9",)), "no session Test9; there are Test0, training0"),
        (Selection(cycles=(0, 3)), "no cycle 3; there are 0, 1, 2"),
    ],
)
def test_what_there_is_not_is_refused_by_name(selection: Selection, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        select(PEOPLE, selection)


def test_a_selection_that_takes_nothing_is_refused() -> None:
    only = tuple(s for s in PEOPLE if s.user == "anna" or s.session == "Test0")
    with pytest.raises(Refused, match="No segment"):
        select(only, Selection(users=("ben",), sessions=("training0",)))
