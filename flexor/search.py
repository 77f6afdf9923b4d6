"""The command that searches recipes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from acquisition.stream import Refused
from flexor.train import progress, words


def search_recipe(
    recipe_path: Path,
    data: str,
    people: str,
    judges: str,
    session: str,
    cycles: int,
    study: Path,
    trials_n: int,
    out: Path | None = None,
    *,
    seed: int = 0,
    together_n: int = 4,
    ray: str = "",
    processes_n: int = 1,
) -> dict[str, Any]:
    """The trials of a search and the best of them, which is written as a recipe of its own.

    out: the TOML; beside the study, where it is not named. See training.search.
    """
    from training.experiment import read_experiment, to_toml

    if trials_n < 1:
        raise Refused(f"A search takes one trial at least, not {trials_n}.")
    recipe, space = read_experiment(recipe_path)
    from training.export import replace_file  # torch, after what can be refused without it
    from training.fan_out import Where
    from training.search import Search, search
    from training.trial import plan_for

    where = Where(processes_n, ray)
    plan = plan_for(data, words(people) or ("",), words(judges), session, cycles)
    wanted = Search(recipe, space, plan, seed, together_n)
    with progress("search") as step:
        found = search(wanted, study, trials_n, where, step)
    out = out or study.with_suffix(".toml")
    judged = "R2" if recipe.targets else "of windows right"
    comment = (
        f"The best of {len(found.trials)} trials: {found.score:.4f} {judged}, on people of the\n"
        f"training ({', '.join(plan.judges)}) after {cycles} cycles.\n"
        "What it is worth on people who did not choose it, an evaluation must tell."
    )
    replace_file(out, to_toml(found.recipe, comment).encode())
    return {
        "recipe": str(out),
        "study": str(study),
        "score": found.score,
        "teachers": list(plan.teachers),
        "judges": list(plan.judges),
        "lost": found.lost_n,
        "rows": list(found.trials),
    }
