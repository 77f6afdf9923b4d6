"""A search finds the better recipe, looks at nobody it may not, and can be interrupted."""

from __future__ import annotations

import math
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition.stream import Refused
from flexor.search import search_recipe
from models.settings import read_toml
from tests.toy_people import RECIPE_TOML, write_people
from training import search as searching
from training.experiment import Choice, Range, changed, read_experiment, space_of, to_toml
from training.fan_out import Failed, Mapped
from training.recipe import Fit, Recipe
from training.search import Search, search
from training.trial import Plan, Reached, Rung, parts_of, plan_for

RECIPE = Recipe("r", Fit(10), Fit(10, rate=1e-3))
SPACE = {"width": Choice((8, 16, 32)), "finetune.rate": Range(1e-4, 1e-1, log=True)}
PLAN = Plan("toys:x", "0", ("a",), ("b", "c", "d"))
WANTED = Search(RECIPE, SPACE, PLAN)
EXPERIMENT = (
    RECIPE_TOML
    + """
[search]
width = [4, 8]
pretrain.rate = {low = 1e-3, high = 1e-2, log = true}
"""
)


def worth(task: Rung) -> Reached:
    """Rates near 0.01 are good, and so is a large width."""
    off = abs(math.log10(task.recipe.finetune.rate) + 2)
    return Reached(task.recipe.width / 100 - off / 10, b"w")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Rung]:
    """Every task that is done, each by `worth`."""
    seen: list[Rung] = []

    def judged(tasks: Any) -> list[Reached]:
        seen.extend(tasks)
        return [worth(task) for task in tasks]

    monkeypatch.setattr(
        searching, "map_tasks", lambda _, tasks, __: Mapped(tuple(judged(list(tasks))))
    )
    return seen


def test_a_search_finds_the_better_recipe_and_prunes_what_is_below_the_median(
    asked: list[Rung], tmp_path: Path
) -> None:
    found = search(WANTED, tmp_path / "s.sqlite", 16)
    scores = [row["score"] for row in found.trials if row["state"] == "complete"]
    assert found.score == max(scores)
    assert found.recipe.width == 32
    assert 2e-3 < found.recipe.finetune.rate < 5e-2
    pruned = [row for row in found.trials if row["state"] == "pruned"]
    assert pruned
    assert all(len(row["per_judge"]) < 3 for row in pruned)
    assert len(asked) == sum(len(row["per_judge"]) for row in found.trials)
    assert len(found.trials) == 16


def test_a_seed_gives_the_same_trials_and_another_seed_others(
    asked: list[Rung], tmp_path: Path
) -> None:
    first = search(WANTED, tmp_path / "a.sqlite", 6)
    assert search(WANTED, tmp_path / "b.sqlite", 6) == first
    other = Search(RECIPE, SPACE, PLAN, seed=1)
    assert search(other, tmp_path / "c.sqlite", 6).trials != first.trials


@pytest.mark.parametrize("stop_at", [2, 5])
def test_an_interrupted_search_goes_on_and_finds_the_same(
    asked: list[Rung], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: int
) -> None:
    whole = search(WANTED, tmp_path / "whole.sqlite", 8)
    calm, calls = searching.map_tasks, 0

    def stopped(*words: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == stop_at:
            raise KeyboardInterrupt
        return calm(*words)

    monkeypatch.setattr(searching, "map_tasks", stopped)
    path = tmp_path / "s.sqlite"
    with suppress(KeyboardInterrupt):
        search(WANTED, path, 8)
    monkeypatch.setattr(searching, "map_tasks", calm)
    assert search(WANTED, path, 8) == whole
    done = len(asked)
    assert search(WANTED, path, 8) == whole
    assert len(asked) == done, "a study that has its trials asks for no more"


def test_a_failed_trial_is_told_and_when_all_fail_the_search_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def some(_: Any, tasks: Any, __: Any) -> Mapped[Reached]:
        told = (Failed("Too wide.") if t.recipe.width == 32 else worth(t) for t in tasks)
        return Mapped(tuple(told), 1)

    monkeypatch.setattr(searching, "map_tasks", some)
    found = search(WANTED, tmp_path / "s.sqlite", 8)
    failed = [row for row in found.trials if row["state"] == "fail"]
    assert failed
    assert {row["why"] for row in failed} == {"Too wide."}
    assert found.lost_n >= 6
    monkeypatch.setattr(
        searching, "map_tasks", lambda _, tasks, __: Mapped((Failed("No data."),) * len(tasks))
    )
    with pytest.raises(Refused, match=r"No trial was judged to the end\. No data\."):
        search(WANTED, tmp_path / "t.sqlite", 2)


def test_a_study_of_something_else_and_no_study_at_all_are_refused(
    asked: list[Rung], tmp_path: Path
) -> None:
    search(WANTED, tmp_path / "s.sqlite", 1)
    with pytest.raises(Refused, match="is a study of another recipe"):
        search(Search(RECIPE, SPACE, PLAN, seed=2), tmp_path / "s.sqlite", 1)
    (tmp_path / "text").write_text("this is not a database, and long enough to be seen as none")
    with pytest.raises(Refused, match="is no study"):
        search(WANTED, tmp_path / "text", 1)
    with pytest.raises(Refused, match="nothing to search"):
        Search(RECIPE, {}, PLAN)
    with pytest.raises(Refused, match="One trial at least"):
        Search(RECIPE, SPACE, PLAN, together_n=0)


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"widht": [1, 2]}, 'no such field. Did you mean "width"?'),
        ({"pretrain": {"rat": [0.1]}}, 'Did you mean "pretrain.rate"?'),
        ({"seed": [0, 1]}, "the best of several seeds is luck"),
        ({"width": [8, "large"]}, "must be a whole number, not 'large'"),
        ({"width": {"low": 8, "high": 4}}, "low must be below high"),
        ({"pretrain.rate": {"low": 0.0, "high": 1.0, "log": True}}, "with log above 0"),
        ({"width": {"low": 8}}, "lacks high"),
        ({"width": 8}, "must be a list of choices or"),
        ({"width": []}, "must be a list of choices or"),
        ({"width": [[8]]}, "must be a list of plain values"),
        ({"quantization": ["none"]}, 'quantization is "none"'),
    ],
)
def test_what_cannot_be_searched_is_refused_with_the_nearest(
    table: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(Refused) as refused:
        space_of(table, RECIPE, "x.toml, search")
    assert sentence in str(refused.value)


def test_the_settings_of_a_family_may_be_searched_too() -> None:
    space = space_of({"options": {"layers": [1, 2]}, "width": {"low": 8, "high": 64}}, RECIPE, "x")
    assert space == {"options.layers": Choice((1, 2)), "width": Range(8, 64)}
    assert changed(RECIPE, {"options.layers": 2}).options == {"layers": 2}


@settings(max_examples=30)
@given(
    st.text(max_size=20),
    st.floats(1e-9, 1e9),
    st.integers(1, 10**6),
    st.lists(st.sampled_from(["knee_deg", "force_n"]), max_size=2),
    st.dictionaries(st.sampled_from(["layers", "heads"]), st.integers(1, 9)),
)
def test_a_written_recipe_is_read_as_it_was(
    name: str, rate: float, steps: int, targets: list[str], options: dict[str, int]
) -> None:
    recipe = Recipe(name, Fit(steps, rate=rate), Fit(1), targets=tuple(targets), options=options)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "r.toml"
        path.write_text(to_toml(recipe, "two\nlines"), encoding="utf-8")
        assert read_toml(path, Recipe) == recipe
        assert read_experiment(path) == (recipe, {})


def test_nobody_but_the_training_people_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    data = write_people(tmp_path / "d", ("a1", "a2", "a3", "a4", "test1"))
    plan = plan_for(data, ("a",))
    assert (plan.teachers, plan.judges) == (("a1", "a2", "a3"), ("a4",))
    assert plan_for(data, ("a",), ("a1", "a2")).teachers == ("a3", "a4")
    from training.trial import _segments

    assert {s.user for s in _segments(plan)} == {"a1", "a2", "a3", "a4"}
    own, test = parts_of(plan, "a4", _segments(plan))
    assert {s.cycle for s in own} == {0}
    assert {s.cycle for s in test} == {1, 2}
    for words, sentence in (
        ((data, ("b",)), "is called b"),
        ((data, ("a",), ("test1",)), "is called test1"),
        ((data, ("a",), (), "", 3), "nothing later than 3 cycles"),
    ):
        with pytest.raises(Refused, match=sentence):
            plan_for(*words)


def test_a_recording_that_is_also_an_evaluation_users_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody tries to cheat: a copy of an evaluation user under the name of a training one."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    data = write_people(tmp_path / "d", ("a1", "a2", "test1"))
    shutil.copytree(tmp_path / "d" / "test1", tmp_path / "d" / "a9")
    with pytest.raises(Refused, match="search and evaluation parts hold the same samples"):
        plan_for(data, ("a",))


@pytest.mark.slow
def test_the_command_writes_a_recipe_that_train_takes_and_processes_find_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flexor.train import train_wearers

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    data = write_people(tmp_path / "d", ("a1", "a2", "a3", "w"))
    toml = tmp_path / "e.toml"
    toml.write_text(EXPERIMENT)

    def run(name: str, **where: Any) -> dict[str, Any]:
        study = tmp_path / f"{name}.sqlite"
        return search_recipe(toml, data, "a", "a3", "", 1, study, 2, together_n=2, **where)

    here, there = run("here"), run("there", processes_n=2)
    assert here["rows"] == there["rows"]
    assert here["score"] == max(row["score"] for row in here["rows"])
    best = read_toml(Path(here["recipe"]), Recipe)
    assert best == read_toml(Path(there["recipe"]), Recipe)
    assert "2 trials" in Path(here["recipe"]).read_text()
    report = train_wearers(Path(here["recipe"]), data, "w", "s", 2, "a", tmp_path / "out")
    assert report["held_out"]["mean"] > 0.7
    train_wearers(toml, data, "w", "s", 2, "a", tmp_path / "plain")  # its [search] is left alone
    with pytest.raises(Refused, match="one trial at least, not 0"):
        search_recipe(toml, data, "a", "", "", 1, tmp_path / "x.sqlite", 0)
