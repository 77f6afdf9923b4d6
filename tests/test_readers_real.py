"""What people published is read as their descriptions say, where the recordings are here."""

from __future__ import annotations

import gzip
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from acquisition.myo_files import MYO_SPEC
from training.datasets import Reading, Selection, in_blocks, read_dataset
from training.leaks import refuse_overlap
from training.splits import forward_in_time, leave_one_user_out
from training.targets import Targets


def read(shared_data: Path, name: str, folder: str, **want: object) -> Reading:
    root = shared_data / folder
    if not root.is_dir():
        pytest.skip(f"{folder} is not among the recordings here")
    return read_dataset(f"{name}:{root}", Selection(**want))  # type: ignore[arg-type]


def targets_of(targets: Targets | None) -> Targets:
    assert targets is not None
    return targets


SETS = {
    "myo_armband": ("myo_armband", 28, {"rest", "hand_close", "hand_open", "wrist_flexion"}),
    "uci_gestures": ("uci_myo_gestures", 24, {"rest", "hand_close", "ulnar_deviation"}),
    "uci_lower_limb": ("uci_lower_limb", 16, {"gait", "sitting", "standing"}),
    "kanoga": ("kanoga_30day_myo", 4, {"rest", "pronation", "hand_close"}),
    "francic": ("francic_myo_readings", 10, {"rest", "supination", "hand_close"}),
    "unibo": ("unibo_inail", 5, {"rest", "power_grip", "hand_open"}),
    "flexemg": ("flexemg_hd64", 2, {"rest", "hand_close", "hand_open"}),
    "hermescb": ("hermescb_lowerlimb_force", 20, {"knee_extension", "plantar_flexion"}),
}


@pytest.mark.parametrize("name", SETS)
def test_nothing_of_a_real_set_is_broken_and_its_users_are_all_there(
    name: str, shared_data: Path
) -> None:
    folder, users_n, gestures = SETS[name]
    reading = read(shared_data, name, folder)
    reading.whole()
    assert len({s.user for s in reading}) >= users_n
    assert {s.gesture for s in reading} >= gestures
    assert all(np.isfinite(s.samples).all() for s in reading)


def test_nobody_is_in_a_real_set_under_two_names(shared_data: Path) -> None:
    """Three armbands and two pairs of knees were; their readers leave the copies out."""
    for name in ("myo_armband", "uci_lower_limb", "kanoga", "hermescb", "flexemg"):
        reading = read(shared_data, name, SETS[name][0])
        parts: dict[str, list[object]] = {}
        for segment in reading:
            parts.setdefault(segment.user, []).append(segment)
        refuse_overlap(parts)  # type: ignore[arg-type]


def test_the_knees_that_were_published_twice_are_told(shared_data: Path) -> None:
    reading = read(shared_data, "uci_lower_limb", "uci_lower_limb")
    told = {item.where: item.why for item in reading.left_out}
    assert set(told) >= {"N2 sitting", "N2 standing"}
    assert "N1" in told["N2 sitting"]
    assert len(list(leave_one_user_out(reading))) == 16


def test_three_sessions_of_days_with_thirty_days_have_their_places(shared_data: Path) -> None:
    reading = read(shared_data, "kanoga", "kanoga_30day_myo", users=("sub1",))
    sessions = {s.session: s.order for s in reading}
    assert len(sessions) == 30
    assert (sessions["day01 N"], sessions["day03 O"], sessions["day30 O"]) == (1, 3, 30)
    assert set(Counter(s.key for s in reading).values()) == {8}


def test_a_muscle_and_its_force_go_together(shared_data: Path) -> None:
    """The envelope follows the load cell: medians 0.71 and 0.64, by the set's description."""
    reading = read(shared_data, "hermescb", "hermescb_lowerlimb_force")
    for task, column, least in (("knee_extension", 0, 0.5), ("knee_flexion", 1, 0.45)):
        found = []
        for s in reading:
            if s.gesture == task:
                envelope = np.abs(s.samples[:, column] - s.samples[:, column].mean())
                smooth = np.convolve(envelope, np.ones(500) / 500, "same")
                force = targets_of(s.targets).values[:, 0]
                found.append(np.corrcoef(smooth, force)[0, 1])
        assert np.median(found) > least


def test_an_arm_at_rest_is_quieter_than_any_gesture(shared_data: Path) -> None:
    """So the labels' numbers mean what the readers say, at least where it can be seen."""
    for name in ("uci_gestures", "kanoga", "francic", "unibo", "flexemg"):
        reading = read(shared_data, name, SETS[name][0])
        levels: dict[str, list[float]] = {}
        for s in reading:
            x = s.samples - (0 if name == "unibo" else s.samples.mean(axis=0))
            if name == "flexemg":
                x = np.diff(x, axis=0)  # without the drift that is most of its power
            levels.setdefault(s.gesture, []).append(float(np.sqrt((x * x).mean())))
        medians = {gesture: float(np.median(found)) for gesture, found in levels.items()}
        assert min(medians, key=medians.__getitem__) == "rest", (name, medians)


def test_the_gestures_of_an_armband_have_the_spec_of_every_armband(shared_data: Path) -> None:
    for name in ("uci_gestures", "francic"):
        reading = read(shared_data, name, SETS[name][0])
        assert {s.spec for s in reading} == {MYO_SPEC}
        assert max(float(np.abs(s.samples).max()) for s in reading) <= 128
        assert all((s.samples == np.rint(s.samples)).all() for s in reading[:50])
    # Of the third no unit is stated; its amplitudes must be those of the others.
    reading = read(shared_data, "kanoga", SETS["kanoga"][0])
    assert {s.spec for s in reading} == {MYO_SPEC}
    level = np.median([s.samples.std(axis=0).max() for s in reading if s.gesture == "hand_close"])
    assert 20 < level < 80


def test_a_published_file_and_its_packed_form_are_the_same(
    shared_data: Path, tmp_path: Path
) -> None:
    source = shared_data / "uci_myo_gestures" / "original_format"
    if not source.is_dir():
        pytest.skip("the published text files are not among the recordings here")
    (tmp_path / "01").mkdir()
    for path in source.glob("*_raw_data_*.txt.gz"):
        (tmp_path / "01" / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
    plain = read_dataset(f"uci_gestures:{tmp_path}")
    packed = read(shared_data, "uci_gestures", "uci_myo_gestures")
    twins = [s for s in packed if np.array_equal(s.samples, plain[0].samples)]
    assert len(twins) == 1, "the first stretch is of one person alone"
    mine = [s for s in packed if s.user == twins[0].user]
    assert len(mine) == len(plain) == 24
    for ours, theirs in zip(plain, mine, strict=True):
        assert ours.key[1:] == theirs.key[1:]
        np.testing.assert_array_equal(ours.samples, theirs.samples)


def test_published_files_of_two_more_sets_are_read(shared_data: Path, tmp_path: Path) -> None:
    knees = shared_data / "uci_lower_limb" / "original_format"
    if not knees.is_dir():
        pytest.skip("the published files are not among the recordings here")
    for path in [*knees.glob("*.txt.gz")]:
        (tmp_path / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
    reading = read_dataset(f"uci_lower_limb:{tmp_path}")
    assert {(s.user, s.gesture) for s in reading} == {
        (user, task) for user in ("A3", "N5") for task in ("gait", "sitting", "standing")
    }
    packed = read(shared_data, "uci_lower_limb", "uci_lower_limb", users=("A3", "N5"))
    for s in reading:
        other = next(o for o in packed if o.key == s.key and o.gesture == s.gesture)
        n = min(len(s.samples), len(other.samples))
        np.testing.assert_allclose(s.samples[:n], other.samples[:n], atol=0.06)
        angle, theirs = (targets_of(x.targets).values[:n] for x in (s, other))
        np.testing.assert_allclose(angle, theirs, atol=0.06)
    shutil.copytree(shared_data / "unibo_inail" / "original_format", tmp_path / "unibo")
    full = read_dataset(f"unibo:{tmp_path / 'unibo'}")
    assert {s.spec.rate_hz for s in full} == {500.0}
    assert set(Counter(s.gesture for s in full if s.session == "day1_posture1").values()) >= {10}


def test_a_walk_is_learnt_from_its_begin_and_tested_on_its_end(shared_data: Path) -> None:
    reading = read(shared_data, "uci_lower_limb", "uci_lower_limb", gestures=("gait",))
    folds = list(forward_in_time(list(in_blocks(reading, 1.0)), 0.6))
    assert len(folds) == 16
    for fold in folds:
        latest = max((s.begin or 0) + len(s.samples) for s in fold.split.train)
        assert latest <= min(s.begin or 0 for s in fold.split.test)
