"""What is peculiar to one data set: its days, its amputees, its targets, its faults."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition.stream import Refused, Spec
from tests.published_mat import SPANS, counts, mat, ninapro_labels
from tests.published_sets import PUBLISHED
from training import simulated
from training.datasets import (
    UNLABELLED,
    Reading,
    Segment,
    Selection,
    gathered,
    iterate,
    read_dataset,
)
from training.readers.labels import carried, runs
from training.targets import Targets, held

ALL = Selection(unlabelled=True)


def written(name: str, root: Path) -> Reading:
    PUBLISHED[name].write(root)
    return gathered(iterate(f"{name}:{root}{PUBLISHED[name].suffix}", ALL))


def targets_of(segment: Segment) -> Targets:
    assert segment.targets is not None
    return segment.targets


@given(st.integers(1, 60), st.floats(0.5, 400), st.floats(0.5, 400), st.integers(0, 200))
@settings(max_examples=80)
def test_a_held_target_is_never_from_later_than_its_sample(
    measured_n: int, from_hz: float, to_hz: float, samples_n: int
) -> None:
    times = np.arange(measured_n, dtype=np.float32)[:, None] / np.float32(from_hz)
    out = held(times, from_hz, to_hz, samples_n)
    assert out.shape == (samples_n, 1)
    now = np.arange(samples_n) / to_hz
    known = np.isfinite(out[:, 0])
    age = now[known] - out[known, 0]
    # The times themselves are of single precision here.
    assert (age > -1e-5 * (1 + now[known])).all()
    assert (age < 1.001 / from_hz + 1e-5 * (1 + now[known])).all()
    assert known[: int(np.floor((measured_n - 1) * to_hz / from_hz))].all()


def test_targets_and_samples_have_the_same_length_and_names_have_units() -> None:
    two = np.zeros((5, 2), np.float32)
    with pytest.raises(Refused, match="as many names and units"):
        Targets(two, ("a",), ("deg",), 50.0)
    spec = Spec(100.0, ("a",))
    targets = Targets(two, ("a", "b"), ("deg", "deg"), 50.0)
    with pytest.raises(Refused, match="one for each"):
        Segment("u", "s", 0, "g", np.zeros((4, 1), np.float32), spec, targets)


@given(st.lists(st.integers(0, 2), min_size=1, max_size=40))
def test_runs_cover_everything_once_and_change_nothing_inside(labels: list[int]) -> None:
    column = np.array(labels)
    found = list(runs(column))
    assert [i for begin, end in found for i in range(begin, end)] == list(range(len(labels)))
    assert all(len(set(labels[begin:end])) == 1 for begin, end in found)
    for (_, end), (begin, _) in pairwise(found):
        assert labels[end - 1] != labels[begin]


def test_rest_is_counted_to_the_repetition_before_it() -> None:
    cycles = np.array([0, 0, 1, 1, 0, 2, 0])
    assert carried(cycles).tolist() == [1, 1, 1, 1, 1, 2, 2]
    assert carried(np.zeros(3, np.int64)).tolist() == [0, 0, 0]


def test_labels_that_end_a_little_early_leave_the_tail_out_and_say_so(tmp_path: Path) -> None:
    labels = {k: v[:199] for k, v in ninapro_labels(SPANS).items()}
    mat(tmp_path / "S1_E1_A1.mat", {"emg": counts(200, 12) * 1e-6, **labels})
    reading = read_dataset(f"ninapro_db2:{tmp_path}")
    assert sum(len(s.samples) for s in reading) == 199
    assert reading.told() == {"The last 1 samples have no label.": 1}
    reading.whole()


def test_labels_that_end_much_too_early_leave_the_file_out(tmp_path: Path) -> None:
    labels = {k: v[:190] for k, v in ninapro_labels(SPANS).items()}
    mat(tmp_path / "S1_E1_A1.mat", {"emg": counts(200, 12) * 1e-6, **labels})
    with pytest.raises(Refused, match="200 samples and 190 labels"):
        read_dataset(f"ninapro_db2:{tmp_path}")


def test_a_file_of_another_database_is_told_by_its_rate_or_its_width(tmp_path: Path) -> None:
    held_there = {"emg": counts(200, 16), "frequency": [[200.0]], **ninapro_labels(SPANS)}
    mat(tmp_path / "S1_E1_A1.mat", held_there)
    with pytest.raises(Refused, match="at 200 Hz as it says itself, and this database at 2000"):
        read_dataset(f"ninapro_db2:{tmp_path}")
    del held_there["frequency"]
    mat(tmp_path / "S1_E1_A1.mat", held_there)
    with pytest.raises(Refused, match="has 16 channels and this database 12"):
        read_dataset(f"ninapro_db2:{tmp_path}")


def test_amputees_are_a_group_of_their_own(tmp_path: Path) -> None:
    groups = {
        "ninapro_db2": {"s1": "", "s2": ""},
        "ninapro_db3": {"s1": "amputee", "s2": "amputee"},
        "ninapro_db7": {"s1": "", "s21": "amputee"},
        "ninapro_db8": {"s1": "", "s11": "amputee"},
        "ninapro_db10": {"s10": "", "s108": "amputee"},
        "uci_lower_limb": {"N1": "", "A3": "knee disorder"},
    }
    for name, expected in groups.items():
        found = {s.user: s.group for s in written(name, tmp_path / name)}
        assert found == expected


def test_sessions_have_their_place_in_time_where_the_set_tells_it(tmp_path: Path) -> None:
    places = {
        "ninapro_db6": {"day1_time1": 1, "day1_time2": 2, "day5_time1": 9},
        "ninapro_db8": {"A1": 1, "A3": 3},
        "grabmyo": {"session1": 1, "session3": 3},
        "capgmyo": {"session1": 1, "session2": 2},
        "putemg": {"2018-05-11": 1, "2018-05-25": 2},
        "kanoga": {"day01 N": 1, "day03 O": 3, "day30 O": 30},
        "unibo": {"day2_posture3": 2},
        "flexemg": {"Session1Train": 1, "Session3Test": 3},
        "emg2qwerty": {},
    }
    for name, expected in places.items():
        reading = written(name, tmp_path / name)
        assert {s.session: s.order for s in reading if s.order is not None} == expected


def test_forces_stand_still_between_two_measurements_and_are_never_drawn_ahead(
    tmp_path: Path,
) -> None:
    reading = written("hyser", tmp_path)
    (segment, _) = [s for s in reading if s.targets is not None]
    targets = targets_of(segment)
    assert targets.names == ("thumb", "index", "middle", "ring", "little")
    assert (targets.rate_hz, segment.spec.rate_hz) == (100.0, 2048.0)
    steps = np.flatnonzero(np.diff(targets.values[:, 0])) + 1
    assert np.diff(steps).min() >= 20
    np.testing.assert_array_equal(steps, [int(np.ceil(i * 20.48)) for i in range(1, 10)])


def test_a_pose_is_in_degrees_and_unknown_where_it_was_not_found(tmp_path: Path) -> None:
    reading = written("emg2pose", tmp_path)
    for segment in reading:
        values = targets_of(segment).values
        assert np.isnan(values[:10]).all()
        np.testing.assert_allclose(values[10:], 90.0, rtol=1e-6)
    assert targets_of(reading[0]).names[:5] == (
        "thumb_cmc_fe",
        "thumb_cmc_aa",
        "thumb_mcp_fe",
        "thumb_ip_fe",
        "index_mcp_aa",
    )


def test_both_wrists_of_one_session_cannot_be_parted(tmp_path: Path) -> None:
    keys = {s.recording[-5:]: s.key for s in written("emg2pose", tmp_path) if s.user == "u1"}
    assert len(keys) == 2
    assert len(set(keys.values())) == 1


def test_keys_are_marked_at_the_sample_at_which_they_went_down(tmp_path: Path) -> None:
    segment = written("emg2qwerty", tmp_path)[0]
    assert segment.marks == ((20, "a"),)
    assert segment.spec.channels[0] == "left1"
    assert segment.spec.channels[16] == "right1"
    np.testing.assert_array_equal(segment.samples[:, 16:], counts(60, 16, 7).astype("f4"))


def test_a_force_of_its_own_muscle_goes_with_each_pull(tmp_path: Path) -> None:
    reading = written("hermescb", tmp_path)
    for column, task in enumerate(("knee_extension", "knee_flexion", "dorsiflexion")):
        segment = next(s for s in reading if s.gesture == task)
        np.testing.assert_allclose(
            targets_of(segment).values[:, 0], counts(40, 4)[:, column] / 10, rtol=1e-5
        )


def test_capgmyos_folder_must_say_which_database_it_is(tmp_path: Path) -> None:
    PUBLISHED["capgmyo"].write(tmp_path / "x")
    (tmp_path / "plain").mkdir()
    path = next((tmp_path / "x").rglob("*.mat"))
    path.rename(tmp_path / "plain" / path.name)
    with pytest.raises(Refused, match="two numbers are one person"):
        read_dataset(f"capgmyo:{tmp_path / 'plain'}")


def test_libemgs_rate_must_be_written_behind_its_path(tmp_path: Path) -> None:
    PUBLISHED["libemg"].write(tmp_path)
    with pytest.raises(Refused, match="write it behind the path"):
        read_dataset(f"libemg:{tmp_path}")
    assert {s.spec.rate_hz for s in read_dataset(f"libemg:{tmp_path}@1500")} == {1500.0}


def test_a_gap_in_a_bids_recording_is_no_signal(tmp_path: Path) -> None:
    reading = written("bids", tmp_path)
    mine = [s for s in reading if s.user == "sub-01" and s.gesture == "hand_close"]
    assert [(s.begin, len(s.samples), s.cycle) for s in mine] == [(240, 60, 0), (320, 100, 0)]


def test_a_bids_recording_without_events_is_unlabelled_and_that_is_told(tmp_path: Path) -> None:
    PUBLISHED["bids"].write(tmp_path)
    next((tmp_path / "sub-01").rglob("*_events.tsv")).unlink()
    reading = gathered(iterate(f"bids:{tmp_path}", ALL))
    assert {s.gesture for s in reading if s.user == "sub-01"} == {UNLABELLED}
    assert "Nothing in it is labelled" in next(iter(reading.told()))


def test_a_pause_in_the_time_axis_ends_a_segment(tmp_path: Path) -> None:
    reading = written("ninapro_db10", tmp_path)
    held_there = [s for s in reading if s.user == "s10" and s.gesture == "medium_wrap"]
    assert [len(s.samples) for s in held_there] == [20, 30, 45]
    assert held_there[0].recording != held_there[1].recording


def test_recordings_without_a_prompt_serve_where_no_label_is_wanted(tmp_path: Path) -> None:
    PUBLISHED["xdf"].write(tmp_path)
    want = Selection(gestures=(), unlabelled=True)
    reading = read_dataset(f"xdf:{tmp_path}", want)
    assert {(s.gesture, len(s.samples)) for s in reading} == {(UNLABELLED, 10)}


def test_the_simulators_wearers_are_chosen_before_they_are_simulated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[object, ...]] = []
    monkeypatch.setattr(simulated, "_session", lambda *words: asked.append(words) or [])
    want = Selection(users=("wearer0", "wearer3"))
    assert not list(iterate("synthetic:armband", want))
    assert asked == [("armband", 0, 0, 1000), ("armband", 3, 0, 1000), ("armband", 0, 0, 1001)]
