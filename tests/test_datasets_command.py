"""A researcher sees which data sets there are, which are here, and what may be given away."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from acquisition.stream import Refused
from flexor import cli
from flexor.datasets import found_below, tell_datasets
from flexor.train import train_wearers
from models.artifact import open_artifact
from tests.published_sets import PUBLISHED
from training.catalogue import CATALOGUE, PERMISSIVE, attribution, refuse_unshippable
from training.datasets import DATASETS

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def call(words: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["flexor", *words])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return int(end.value.code or 0)


def test_every_data_set_is_listed_with_its_licence_and_where_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["datasets", "--json", "-"], monkeypatch) == 0
    report = json.loads(capsys.readouterr().out)
    assert {row["name"] for row in report["rows"]} == set(DATASETS)
    assert report["command"] == "flexor datasets"
    assert report["commit"]
    for row in report["rows"]:
        assert row["what"]
        assert row["licence"]
        assert row["about"]["where"]
        assert row["may_ship"] == (row["licence"] in PERMISSIVE)


def test_the_sets_below_a_folder_are_found_where_their_reader_takes_them(tmp_path: Path) -> None:
    names = ("myo_armband", "kanoga", "hermescb", "putemg", "ninapro_db2", "xdf", "capgmyo")
    for name in names:
        PUBLISHED[name].write(tmp_path / f"some {name}" / "deeper")
    (tmp_path / "notes.txt").write_text("nothing")
    found = found_below(tmp_path)
    assert set(found) == set(names)
    for name, place in found.items():
        assert f"some {name}" in place.as_posix()
        report = tell_datasets(f"{name}:{place}")
        assert {row["user"] for row in report["rows"]} == {r[0] for r in rows_of(name, tmp_path)}


def rows_of(name: str, tmp_path: Path) -> list[tuple[str, str, int, str, int]]:
    return PUBLISHED[name].write(tmp_path / "again" / name)


def test_a_list_of_a_folder_holds_what_is_there_alone(tmp_path: Path) -> None:
    PUBLISHED["kanoga"].write(tmp_path / "k")
    (row,) = tell_datasets(str(tmp_path))["rows"]
    assert (row["name"], row["found"]) == ("kanoga", str(tmp_path / "k" / "data"))
    (tmp_path / "empty").mkdir()
    assert tell_datasets(str(tmp_path / "empty"))["rows"] == []


def test_what_is_in_a_set_is_told_with_what_could_not_be_used(tmp_path: Path) -> None:
    PUBLISHED["kanoga"].write(tmp_path)
    (tmp_path / "data/sub2/day30/D30M1T4.csv").write_text("1,2\n")
    report = tell_datasets(f"kanoga:{tmp_path}")
    assert [row["user"] for row in report["rows"]] == ["sub1", "sub2"]
    assert report["rows"][0]["minutes"] == pytest.approx(0.1)
    assert report["signals"] == {"8 channels at 200 Hz in raw": 5}
    assert report["segments_of"] == {"motion_10": 3, "rest": 2}
    assert list(report["left_out_n"].values()) == [1]
    assert report["left_out"][0]["where"].endswith("D30M1T4.csv")
    assert len(report["fingerprint"]) == 64


def test_one_set_is_told_by_its_name_and_an_unknown_word_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tell_datasets("hyser")["rate_hz"] == 2048.0
    assert call(["datasets", "nowhere"], monkeypatch) == 2
    err = capsys.readouterr().err
    assert '"nowhere" is no folder, no data set and no NAME:PATH' in err


def test_a_set_without_a_permissive_licence_may_not_train_what_ships(tmp_path: Path) -> None:
    allowed = {name for name, entry in CATALOGUE.items() if entry.may_ship}
    assert allowed == {
        "grabmyo",
        "uci_gestures",
        "uci_lower_limb",
        "kanoga",
        "francic",
        "hermescb",
        "synthetic",
    }
    refuse_unshippable(allowed)
    for name in set(CATALOGUE) - allowed:
        with pytest.raises(Refused, match=f'"{name}" may not ship'):
            refuse_unshippable([*allowed, name])
    with pytest.raises(Refused, match="Did you mean"):
        refuse_unshippable(["kanog"])
    for name in ("myo_armband", "emg2pose"):
        with pytest.raises(Refused, match="may not ship"):
            train_wearers(
                ROOT / "experiments/demo.toml", f"{name}:x", "a", "s", 1, "", tmp_path, ship=True
            )


def test_who_is_to_be_named_is_known_for_all_that_may_ship() -> None:
    for name, entry in CATALOGUE.items():
        if entry.may_ship:
            (line,) = attribution([name])
            assert entry.credit
            assert line.endswith(entry.licence)
    with pytest.raises(Refused, match="may not ship"):
        attribution(["unibo"])


def test_what_ships_was_trained_on_what_may_ship_and_names_it() -> None:
    notice = (ROOT / "NOTICE").read_text()
    shipped = sorted((ROOT / "flexor" / "artifacts").glob("*.onnx"))
    assert shipped
    for path in shipped:
        data = open_artifact(path).contract.provenance.data.split("+")
        refuse_unshippable(data)
        for name in set(data) - {"synthetic"}:
            assert CATALOGUE[name].credit in notice
