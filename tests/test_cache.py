"""A cached set is the set itself, and never an older one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from acquisition.stream import Refused
from preprocessing.filters import Highpass
from preprocessing.stage import Chain, offline
from preprocessing.windows import Windows
from tests.published_sets import PUBLISHED
from training import cache, fingerprints
from training.cache import INDEX, SAMPLES, TARGETS, cached
from training.datasets import Segment, Selection, read_dataset

ALL = Selection(unlabelled=True)
FILTER = Chain((Highpass(20.0, 2),))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def entries(tmp_path: Path) -> list[Path]:
    home = tmp_path / "cache" / "flexor" / "segments"
    return sorted(home.iterdir()) if home.is_dir() else []


def word(name: str, tmp_path: Path) -> str:
    root = tmp_path / name
    if not root.exists():
        PUBLISHED[name].write(root)
    return f"{name}:{root}{PUBLISHED[name].suffix}"


def about(s: Segment) -> tuple[object, ...]:
    return (s.key, s.gesture, s.spec, s.order, s.recording, s.begin, s.group, s.marks)


@pytest.mark.parametrize("name", ["emg2qwerty", "emg2pose", "hermescb", "putemg", "myo_armband"])
def test_what_comes_from_the_disk_is_what_was_read(name: str, tmp_path: Path) -> None:
    plain = read_dataset(word(name, tmp_path), ALL)
    for _ in range(2):
        kept = cached(word(name, tmp_path), ALL)
        assert list(map(about, kept)) == list(map(about, plain))
        assert kept.left_out == plain.left_out
        for ours, theirs in zip(kept, plain, strict=True):
            np.testing.assert_array_equal(ours.samples, theirs.samples)
            assert ours.samples.dtype == np.float32
            assert (ours.targets is None) == (theirs.targets is None)
            if ours.targets is not None and theirs.targets is not None:
                np.testing.assert_array_equal(ours.targets.values, theirs.targets.values)
                assert ours.targets.names == theirs.targets.names
                assert ours.targets.units == theirs.targets.units
    assert len(entries(tmp_path)) == 1


def test_samples_are_mapped_and_cannot_be_changed(tmp_path: Path) -> None:
    segment = cached(word("kanoga", tmp_path))[0]
    base = segment.samples
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base  # type: ignore[assignment]
    assert isinstance(base, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        segment.samples[0, 0] = 1.0


def test_the_second_time_no_file_of_the_set_is_read_as_a_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached(word("kanoga", tmp_path))
    monkeypatch.setattr(cache, "iterate", lambda *_: pytest.fail("the set was read again"))
    assert len(cached(word("kanoga", tmp_path))) == 6


def test_stages_work_as_on_one_long_recording_and_anew_at_each_gap(tmp_path: Path) -> None:
    plain = read_dataset(word("putemg", tmp_path), ALL)
    kept = cached(word("putemg", tmp_path), ALL, FILTER)
    for session in ("2018-05-11", "2018-05-25"):
        mine = [s for s in plain if (s.user, s.session) == ("03", session)]
        whole = offline(FILTER, np.concatenate([s.samples for s in mine]), mine[0].spec)
        theirs = [s.samples for s in kept if (s.user, s.session) == ("03", session)]
        np.testing.assert_array_equal(np.concatenate(theirs), whole)
    # Without what nobody labelled there is a gap before the last hold.
    labelled = cached(word("putemg", tmp_path), Selection(), FILTER)
    last = [s for s in labelled if (s.user, s.session, s.cycle) == ("04", "2018-05-11", 1)][-1]
    source = next(s for s in plain if s.key == last.key and s.gesture == last.gesture)
    np.testing.assert_array_equal(last.samples, offline(FILTER, source.samples, source.spec))


def test_stages_that_cut_windows_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="leave the windows out"):
        cached(word("kanoga", tmp_path), ALL, Chain((Windows(52, 5),)))
    assert not entries(tmp_path)


CHANGES: dict[str, Callable[[Path, pytest.MonkeyPatch], tuple[Selection, Chain]]] = {
    "selection": lambda root, patch: (Selection(users=("sub1",)), FILTER),
    "setting": lambda root, patch: (ALL, Chain((Highpass(21.0, 2),))),
    "stages": lambda root, patch: (ALL, Chain((*FILTER.stages, *FILTER.stages))),
    "code": lambda root, patch: (
        patch.setattr(cache, "code_version", lambda *_: "other"),  # type: ignore[func-returns-value]
        (ALL, FILTER),
    )[1],
    "file": lambda root, patch: (
        (root / "data/sub1/day1/D1M1T4.csv").write_text("1,2,3,4,5,6,7,8\n" * 300),
        (ALL, FILTER),
    )[1],
    "new file": lambda root, patch: (
        (root / "data/sub1/day1/D1M2T4.csv").write_text("1,2,3,4,5,6,7,8\n" * 300),
        (ALL, FILTER),
    )[1],
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_makes_a_new_entry(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = word("kanoga", tmp_path)
    cached(name, ALL, FILTER)
    (before,) = entries(tmp_path)
    want, chain = CHANGES[change](tmp_path / "kanoga", monkeypatch)
    kept = cached(name, want, chain)
    assert len(entries(tmp_path)) == 2
    assert before in entries(tmp_path)
    plain = read_dataset(name, want)
    assert [about(s)[:2] for s in kept] == [about(s)[:2] for s in plain]
    for session in {s.key[:2] for s in plain}:
        # The files of a session tell nothing of the time between them: one stream, as live.
        ours, theirs = (
            np.concatenate([s.samples for s in r if s.key[:2] == session]) for r in (kept, plain)
        )
        np.testing.assert_array_equal(ours, offline(chain, theirs, plain[0].spec))


def test_the_code_of_the_reader_and_of_every_stage_is_in_the_name() -> None:
    chain = Chain((Highpass(20.0, 2),))
    versions = {cache.code_version("kanoga", Chain(())), cache.code_version("kanoga", chain)}
    versions.add(cache.code_version("synthetic", chain))
    assert len(versions) == 3


DAMAGE: dict[str, Callable[[Path], object]] = {
    "cut": lambda home: os.truncate(home / SAMPLES, (home / SAMPLES).stat().st_size - 4),
    "grown": lambda home: (home / SAMPLES).write_bytes((home / SAMPLES).read_bytes() + b"\0" * 4),
    "worn": lambda home: (home / SAMPLES).write_bytes(
        b"\1" * 4 + (home / SAMPLES).read_bytes()[4:]
    ),
    "no samples": lambda home: (home / SAMPLES).unlink(),
    "no targets": lambda home: (home / TARGETS).unlink(),
    "no index": lambda home: (home / INDEX).unlink(),
    "cut index": lambda home: os.truncate(home / INDEX, 200),
    "changed index": lambda home: (home / INDEX).write_text(
        (home / INDEX).read_text().replace('"gesture": "rest"', '"gesture": "fist"')
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_torn_entry_is_not_used_but_made_anew(damage: str, tmp_path: Path) -> None:
    name = word("kanoga", tmp_path)
    cached(name)
    (home,) = entries(tmp_path)
    DAMAGE[damage](home)
    kept = cached(name)
    for ours, theirs in zip(kept, read_dataset(name), strict=True):
        assert ours.gesture == theirs.gesture
        np.testing.assert_array_equal(ours.samples, theirs.samples)
    assert entries(tmp_path) == [home]


def test_a_reading_that_fails_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = word("kanoga", tmp_path)
    segment = read_dataset(name)[0]

    def torn(*_: object) -> object:
        yield segment
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(cache, "iterate", torn)
        with pytest.raises(KeyboardInterrupt):
            cached(name)
    assert not entries(tmp_path)
    assert len(cached(name)) == 6


def test_a_large_files_digest_is_remembered_until_the_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "set" / "a.xdf"
    path.parent.mkdir()
    path.write_bytes(bytes(fingerprints.REMEMBERED_BYTES))
    monkeypatch.setattr(fingerprints, "RACY_S", -10.0)
    before = fingerprints.fingerprint(path.parent, "xdf")
    opened: list[Path] = []
    plain = Path.open
    monkeypatch.setattr(
        Path, "open", lambda self, *a, **k: (opened.append(self), plain(self, *a, **k))[1]
    )
    assert fingerprints.fingerprint(path.parent, "xdf") == before
    assert path not in opened
    stat = path.stat()
    path.write_bytes(bytes(fingerprints.REMEMBERED_BYTES - 1) + b"\1")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert fingerprints.fingerprint(path.parent, "xdf") != before


def test_what_changed_just_now_is_not_remembered(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    path.write_bytes(bytes(fingerprints.REMEMBERED_BYTES))
    fingerprints.fingerprint(path)
    assert not (tmp_path / "cache/flexor/fingerprints.json").exists()


def test_a_broken_memory_of_digests_is_no_loss(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    path.write_bytes(b"x")
    before = fingerprints.fingerprint(path)
    memory = tmp_path / "cache/flexor/fingerprints.json"
    memory.parent.mkdir(parents=True)
    for text in ("{", "[]", '{"a": 3}'):
        memory.write_text(text)
        assert fingerprints.fingerprint(path) == before
