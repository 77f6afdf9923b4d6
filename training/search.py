"""Searches recipes (Optuna), judged by people of the training alone.

Trials are asked for a few at a time, all of them before any is judged, each with a seed of its
own: so the study is the same wherever the trials are done, and however often it is interrupted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from acquisition.stream import Refused
from training.experiment import Choice, Space, changed, whole
from training.fan_out import HERE, Failed, Progress, Where, map_tasks
from training.recipe import Recipe
from training.trial import Plan, Rung, judged

NAME, KEY, PER_JUDGE, SENTENCE = "flexor", "what is searched", "per judge", "why it failed"


@dataclass(frozen=True)
class Search:
    """What is searched. The same gives the same trials."""

    recipe: Recipe
    space: Space
    plan: Plan
    seed: int = 0
    together_n: int = 4
    """Trials that are asked for before any of them is judged, and judged side by side. More keep
    more computers busy, and learn less from each other."""

    def __post_init__(self) -> None:
        if not self.space:
            raise Refused("There is nothing to search: say what in a table [search] of the TOML.")
        if self.together_n < 1:
            raise Refused(f"One trial at least is judged at a time, not {self.together_n}.")

    @property
    def key(self) -> str:
        """What must be equal for trials to belong to one study."""
        space = {name: repr(part) for name, part in self.space.items()}
        parts = [asdict(self.recipe), space, asdict(self.plan), self.seed, self.together_n]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Found:
    """What a search came to."""

    recipe: Recipe
    """the best one; of equal ones, the first"""
    score: float
    trials: tuple[dict[str, Any], ...]
    """of each: trial, state (complete, pruned, fail), score, per_judge, its values, why"""
    lost_n: int


def search(
    wanted: Search,
    study_file: Path,
    trials_n: int,
    where: Where = HERE,
    progress: Progress | None = None,
) -> Found:
    """Judges recipes until the study has `trials_n`, and gives the best.

    A trial is pruned when, after a judge, its mean is below the median of those that were judged
    to the end. What was interrupted is gone on from. Refuses a study of something else, and one
    of which every trial failed.
    """
    with _study(wanted, study_file) as study:
        lost_n, done = 0, _ended(study)
        while done < trials_n:
            lost_n += _judge(wanted, study, _generation(wanted, study, trials_n), where)
            done = _ended(study)
            if progress:
                progress(done, trials_n)
        return _found(wanted, study, lost_n)


@contextmanager
def _study(wanted: Search, path: Path) -> Any:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
    except Exception as error:  # SQLAlchemy has many, and none of them is ours to know
        raise Refused(f'"{path}" is no study ({type(error).__name__}); name a new file.') from None
    with closing(_Engine(storage)):
        pruner = optuna.pruners.MedianPruner(n_startup_trials=wanted.together_n)
        study = optuna.create_study(
            storage=storage,
            study_name=NAME,
            direction="maximize",
            pruner=pruner,
            load_if_exists=True,
        )
        if study.user_attrs.setdefault(KEY, wanted.key) != wanted.key:
            raise Refused(
                f'"{path}" is a study of another recipe, space, data, plan or seed; name a new '
                "file."
            )
        study.set_user_attr(KEY, wanted.key)
        yield study


@dataclass(frozen=True)
class _Engine:
    storage: Any

    def close(self) -> None:
        self.storage.remove_session()
        self.storage.engine.dispose()


def _generation(wanted: Search, study: Any, trials_n: int) -> list[Any]:
    """The trials to judge next: those that were interrupted, and fresh ones up to the next
    multiple of `together_n`."""
    import optuna

    states = study.get_trials(deepcopy=False)
    running = optuna.trial.TrialState.RUNNING
    trials = [optuna.trial.Trial(study, t._trial_id) for t in states if t.state == running]
    asked = len(states)
    end = min(trials_n, (asked // wanted.together_n + 1) * wanted.together_n)
    for number in range(asked, asked if trials and asked % wanted.together_n == 0 else end):
        study.sampler = optuna.samplers.TPESampler(seed=wanted.seed * 1_000_003 + number)
        trials.append(study.ask())
        _values(trials[-1], wanted.space)
    return trials


def _values(trial: Any, space: Space) -> dict[str, Any]:
    """Field -> value of a trial: what was drawn, or is drawn now."""
    values: dict[str, Any] = {}
    for name, part in space.items():
        if isinstance(part, Choice):
            values[name] = trial.suggest_categorical(name, part.values)
        elif whole(name, part):
            low, high, step = int(part.low), int(part.high), int(part.step) or 1
            values[name] = trial.suggest_int(name, low, high, step=step, log=part.log)
        else:
            values[name] = trial.suggest_float(
                name, part.low, part.high, step=part.step or None, log=part.log
            )
    return values


def _judge(wanted: Search, study: Any, trials: Sequence[Any], where: Where) -> int:
    """Judges the trials judge by judge, and tells the study; times that a task was lost."""
    recipes = {t.number: changed(wanted.recipe, _values(t, wanted.space)) for t in trials}
    alive, lost_n = list(trials), 0
    packed: dict[int, bytes] = {}
    scores: dict[int, dict[str, float]] = {t.number: {} for t in trials}
    for step, judge in enumerate(wanted.plan.judges):
        rungs = [
            Rung(recipes[t.number], wanted.plan, judge, packed.get(t.number, b"")) for t in alive
        ]
        mapped = map_tasks(judged, rungs, where)
        lost_n += mapped.lost_n
        for trial, reached in zip(list(alive), mapped.results, strict=True):
            if isinstance(reached, Failed):
                trial.set_user_attr(SENTENCE, reached.sentence)
                study.tell(trial, state=_state("FAIL"))
                alive.remove(trial)
                continue
            packed[trial.number] = reached.weights
            scores[trial.number][judge] = reached.score
            trial.set_user_attr(PER_JUDGE, scores[trial.number])
            known = study.get_trials(deepcopy=False)[trial.number].intermediate_values
            if step not in known:
                trial.report(_mean(scores[trial.number]), step)
            if step + 1 < len(wanted.plan.judges) and trial.should_prune():
                study.tell(trial, state=_state("PRUNED"))
                alive.remove(trial)
    for trial in alive:
        study.tell(trial, _mean(scores[trial.number]))
    return lost_n


def _found(wanted: Search, study: Any, lost_n: int) -> Found:
    trials = study.get_trials(deepcopy=False)
    whole_ones = [t for t in trials if t.state == _state("COMPLETE")]
    if not whole_ones:
        first = next((t.user_attrs[SENTENCE] for t in trials if SENTENCE in t.user_attrs), "")
        raise Refused(f"No trial was judged to the end. {first}".rstrip())
    best = max(whole_ones, key=lambda t: (t.value, -t.number))
    rows = tuple(_row(t) for t in trials)
    return Found(changed(wanted.recipe, best.params), float(best.value), rows, lost_n)


def _row(trial: Any) -> dict[str, Any]:
    about = trial.user_attrs
    row = {
        "trial": trial.number,
        "state": trial.state.name.lower(),
        "score": trial.value,
        "per_judge": about.get(PER_JUDGE, {}),
        "values": dict(trial.params),
    }
    return row | ({"why": about[SENTENCE]} if SENTENCE in about else {})


def _ended(study: Any) -> int:
    return sum(t.state.is_finished() for t in study.get_trials(deepcopy=False))


def _state(name: str) -> Any:
    import optuna

    return optuna.trial.TrialState[name]


def _mean(scores: Mapping[str, float]) -> float:
    return sum(scores.values()) / len(scores)
