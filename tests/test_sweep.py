"""Many trainings by one command, and what may be given away of them."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from acquisition.stream import Refused
from flexor.train import export_folder, train_wearers
from models.artifact import open_artifact
from tests.toy_people import RECIPE_TOML, write_people
from training.catalogue import CATALOGUE


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_people(tmp_path_factory.mktemp("people"), ("a", "w"))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(RECIPE_TOML)
    return path


def shown(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows without where they were done."""
    return [{k: v for k, v in row.items() if k != "artifact"} for row in report["rows"]]


@pytest.mark.slow
def test_each_subject_is_left_out_once_and_processes_give_the_same_artifacts(
    data: str, recipe: Path, tmp_path: Path
) -> None:
    here = train_wearers(recipe, data, "all", "s", 2, "all", tmp_path / "here", seeds="0,1")
    there = train_wearers(
        recipe, data, "all", "s", 2, "all", tmp_path / "there", seeds="0,1", processes_n=2
    )
    assert shown(here) == shown(there)
    assert [(row["wearer"], row["seed"]) for row in here["rows"]] == [
        (user, seed) for user in ("a", "w") for seed in (0, 1)
    ]
    assert here["mean"] > 0.8
    assert here["worst"] == min(row["mean"] for row in here["rows"])
    assert (here["failed"], here["lost"]) == (0, 0)
    for row in here["rows"]:
        users = open_artifact(row["artifact"]).contract.provenance.users
        assert set(users["pretraining"]) == {"a", "w"} - {row["wearer"]}
    assert len({row["graph_digest"] for row in here["rows"]}) == 4


def test_a_training_that_was_done_elsewhere_leaves_its_files_here(
    data: str, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training import sweep

    real = sweep.trained

    def gone(task: sweep.Training) -> sweep.Trained:
        made = real(task)
        shutil.rmtree(task.out)
        return made

    monkeypatch.setattr(sweep, "trained", gone)
    report = train_wearers(recipe, data, "w", "s", 2, "a", tmp_path / "out", seeds="0,1")
    for row in report["rows"]:
        folder = Path(row["artifact"]).parent
        assert export_folder(folder, tmp_path / "again.onnx")["bytes"] == row["bytes"]


def test_a_wearer_who_cannot_be_trained_is_told_and_the_others_go_on(
    data: str, recipe: Path, tmp_path: Path
) -> None:
    report = train_wearers(recipe, data, "w,nobody", "s", 2, "a", tmp_path / "out")
    good, bad = report["rows"]
    assert good["mean"] > 0.8
    assert "There is no user nobody" in bad["why"]
    assert report["failed"] == 1
    assert report["mean"] == good["mean"]


def test_seeds_are_numbers(data: str, recipe: Path, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r'Seeds are whole numbers, .*, not "x"'):
        train_wearers(recipe, data, "w", "s", 2, "a", tmp_path, seeds="x")


def test_data_that_changed_meanwhile_is_not_trained_on(data: str) -> None:
    from training import sweep

    sweep._segments.cache_clear()
    with pytest.raises(Refused, match="is not the data set of the computer that asks"):
        sweep._segments(data, "0" * 64)


def test_only_what_may_be_given_away_is_exported_for_that_with_a_notice_beside(
    data: str, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Refused, match='trained on "libemg" may not ship'):
        train_wearers(recipe, data, "w", "s", 2, "a", tmp_path / "no", ship=True)
    out = tmp_path / "run"
    report = train_wearers(recipe, data, "w", "s", 2, "a", out)
    assert report["held_out"]["mean"] > 0.8
    assert not (out / "NOTICE").exists()
    with pytest.raises(Refused, match='trained on "libemg" may not ship'):
        export_folder(out, tmp_path / "given" / "x.onnx", ship=True)
    assert not (tmp_path / "given").exists()
    free = replace(CATALOGUE["libemg"], licence="MIT", credit="The makers of toys")
    monkeypatch.setitem(CATALOGUE, "libemg", free)
    (tmp_path / "given").mkdir()
    export_folder(out, tmp_path / "given" / "x.onnx", ship=True)
    assert "The makers of toys, MIT" in (tmp_path / "given" / "NOTICE").read_text()
    train_wearers(recipe, data, "w", "s", 2, "a", tmp_path / "yes", ship=True)
    assert "The makers of toys, MIT" in (tmp_path / "yes" / "NOTICE").read_text()
