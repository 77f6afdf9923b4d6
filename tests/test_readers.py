"""Every published format becomes the same kind of segments, lazily, and nothing vanishes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from acquisition.stream import Refused
from tests.published_sets import PUBLISHED, Published, Row
from training.catalogue import CATALOGUE
from training.datasets import (
    DATASETS,
    UNLABELLED,
    LeftOut,
    Reading,
    Segment,
    Selection,
    gathered,
    iterate,
    read_dataset,
)
from training.fingerprints import fingerprint, recognised

ALL = Selection(unlabelled=True)


class Set:
    """A small data set on the disk."""

    def __init__(self, name: str, root: Path, row: Published, rows: list[Row]) -> None:
        self.name, self.root, self.row, self.rows = name, root, row, rows
        self.word = f"{name}:{root}{row.suffix}"
        self.users = list(dict.fromkeys(user for user, *_ in self.rows))

    def victim(self) -> Path:
        (path,) = self.root.glob(self.row.victim)
        return path

    def read(self, want: Selection = ALL) -> Reading:
        return gathered(iterate(self.word, want))


@pytest.fixture(scope="module", params=PUBLISHED)
def written(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path, list[Row]]:
    """Each set once: some take long to write."""
    root = tmp_path_factory.mktemp(request.param)
    return request.param, root, PUBLISHED[request.param].write(root)


@pytest.fixture
def published(written: tuple[str, Path, list[Row]], tmp_path: Path) -> Set:
    name, root, rows = written
    shutil.copytree(root, tmp_path / "set")
    return Set(name, tmp_path / "set", PUBLISHED[name], rows)


def row_of(segment: Segment) -> Row:
    return (*segment.key, segment.gesture, len(segment.samples))


def test_every_data_set_is_tested_and_stands_in_the_catalogue() -> None:
    assert set(DATASETS) - set(PUBLISHED) == {"synthetic", "ninapro_db9"}
    assert set(DATASETS) == set(CATALOGUE)


def test_the_published_layout_is_read_as_it_is_meant(published: Set) -> None:
    reading = published.read()
    assert sorted(map(row_of, reading)) == sorted(published.rows)
    assert not [item for item in reading.left_out if item.broken]


def test_a_sample_has_the_unit_and_the_rate_of_the_catalogue(published: Set) -> None:
    figures, reading = CATALOGUE[published.name].figures, published.read()
    first = reading[0]
    expected = published.row.first
    np.testing.assert_allclose(first.samples[0, : len(expected)], expected, rtol=2e-4)
    for segment in reading:
        assert segment.samples.dtype == np.float32
        assert segment.samples.shape[1] == len(segment.spec.channels)
        assert np.isfinite(segment.samples).all()
        if figures.rate_hz is not None:
            assert segment.spec.rate_hz == figures.rate_hz
        if figures.unit in ("uV", "raw"):
            assert segment.spec.unit == figures.unit
    widths = {len(segment.spec.channels) for segment in reading}
    assert figures.channels_n is None or max(widths) == figures.channels_n


def test_targets_have_a_row_for_each_sample_a_name_and_a_unit(published: Set) -> None:
    with_targets = [s for s in published.read() if s.targets is not None]
    promised = {"ninapro_db3", "ninapro_db8", "hyser", "emg2pose", "uci_lower_limb", "hermescb"}
    assert bool(with_targets) == (published.name in promised)
    for segment in with_targets:
        assert segment.targets is not None
        assert len(segment.targets.values) == len(segment.samples)
        assert len(set(segment.targets.names)) == len(segment.targets.units) > 0


def test_what_nobody_labelled_comes_only_when_it_is_wanted(published: Set) -> None:
    labelled = published.read(Selection())
    assert all(segment.gesture != UNLABELLED for segment in labelled)
    assert sorted(map(row_of, labelled)) == sorted(r for r in published.rows if r[3] != UNLABELLED)


def test_a_broken_file_is_told_and_the_rest_is_read(published: Set) -> None:
    path = published.victim()
    path.write_bytes(path.read_bytes()[:7] if path.suffix != ".txt" else b"\0\0")
    reading = published.read()
    broken = [item for item in reading.left_out if item.broken]
    where = path.stem.partition("_emg")[0] if published.name == "bids" else path.stem
    if published.name == "libemg":
        where = "u2/s1"
    assert broken, "a broken file vanished"
    assert any(where in item.where or where in item.why for item in broken)
    assert set(map(row_of, reading)) < set(published.rows)
    assert {s.user for s in reading} >= {published.users[0]}
    with pytest.raises(Refused):
        reading.whole()


def test_files_of_users_who_are_not_wanted_stay_closed(published: Set) -> None:
    path = published.victim()
    path.write_bytes(b"broken")
    reading = published.read(Selection(users=(published.users[0],), unlabelled=True))
    mine = sorted(row for row in published.rows if row[0] == published.users[0])
    assert sorted(map(row_of, reading)) == mine
    # The HDF5 sets say who it is inside the file alone, so these have to be looked into.
    if published.name not in ("emg2pose", "emg2qwerty"):
        assert not [item for item in reading.left_out if item.broken]


@pytest.mark.parametrize("what", ["session", "gesture", "cycle"])
def test_a_selection_while_reading_is_the_same_as_one_afterwards(published: Set, what: str) -> None:
    picks: dict[str, Callable[[Row], Selection]] = {
        "session": lambda row: Selection(sessions=(row[1],), unlabelled=True),
        "gesture": lambda row: Selection(gestures=(row[3],)),
        "cycle": lambda row: Selection(cycles=(row[2],), unlabelled=True),
    }
    row = next(row for row in reversed(published.rows) if row[3] != UNLABELLED)
    want = picks[what](row)
    whole = published.read()
    assert [row_of(s) for s in published.read(want)] == [row_of(s) for s in whole if want.takes(s)]


def test_a_folder_of_something_else_is_refused_by_name(published: Set, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.md").write_text("nothing")
    with pytest.raises(Refused, match=str(tmp_path / "other")):
        list(iterate(f"{published.name}:{tmp_path / 'other'}{published.row.suffix}"))


def test_a_set_is_recognised_and_every_file_of_it_is_in_its_fingerprint(published: Set) -> None:
    assert published.name in recognised(published.root)
    before = fingerprint(published.root, published.name)
    (published.root / "notes.md").write_text("no recording")
    assert fingerprint(published.root, published.name) == before
    path = published.victim()
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert fingerprint(published.root, published.name) != before
    path.write_bytes(data)
    assert fingerprint(published.root, published.name) == before


def test_the_segments_of_one_recording_do_not_overlap(published: Set) -> None:
    taken: set[tuple[str, str, str, int]] = set()
    for s in published.read():
        if s.begin is None:
            continue
        places = {(s.user, s.session, s.recording, s.begin + i) for i in range(len(s.samples))}
        assert not taken & places
        taken |= places


def test_a_set_without_muscles_is_refused_with_what_else_there_is(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="DB1 to DB8"):
        read_dataset(f"ninapro_db9:{tmp_path}")


def test_a_wish_that_nothing_fulfils_is_refused_with_the_reason(tmp_path: Path) -> None:
    PUBLISHED["kanoga"].write(tmp_path)
    with pytest.raises(Refused, match="no segment of what is wanted"):
        read_dataset(f"kanoga:{tmp_path}", Selection(users=("nobody",)))


def test_what_is_left_out_is_counted_by_its_reason() -> None:
    reading = Reading((), (LeftOut("a", "short"), LeftOut("b", "torn"), LeftOut("c", "short")))
    assert reading.told() == {"short": 2, "torn": 1}
