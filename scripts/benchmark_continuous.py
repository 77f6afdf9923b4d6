"""The part of docs/benchmarks.md on continuous control; its tables are never typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import pstdev
from typing import Any

BASELINE, OURS = "ridge-envelope", "course"
LOSS = 0.003
"""R2 that int8 may cost."""
PREFACE = """Estimates rest on past samples alone (the last second, in steps of 25 ms) and are held
against the truth at the newest sample, so all delay counts. `late`: by how much the estimates would
have to be moved to follow best; `moved`: squared correlation then.

- `unseen`: people left out of the training in groups (knee 8 groups of 2, force 5 of 4, wrist 3 of
  4: nobody is tested by a network that learnt from them; N1 and N2 go together, for two recordings
  are published under both names), nothing known but the signal so far. Everything that is chosen in
  a turn is chosen on the people of its training: each of three bodies learns from two thirds of
  them, and how much bodies, ridges, kernel and a constant count is fitted to what they say of the
  third that they do not know: the network leaves the baseline only as far as surely gains there,
  on people to whom these shares were not fitted either.
- `calibrated`: the first 60 % of each recording are known as well, the rest is scored. The bodies'
  answer is set right by ridges and a kernel, weighed by what each missed on blocks of the
  calibration that it was not fitted to. No model says more or less than the calibration held, as
  the decoder keeps every estimate within the contract's range.
- `between` (force): each fifth of a recording is told by the others, less one second on either
  side. It knows the future, so it is no way to calibrate anybody: it tells what the signal holds.
- `contraction` (force): as `unseen`, but the level of the signal in the same pull is known, as to
  those who normalise to a maximal contraction. R2 is not better by it.
- Angles and forces are learnt as shares of each recording's usual range (2nd to 98th percentile of
  its truth; knees bend positive): sign and zero of the goniometers differ between people, and so
  does strength. So `unseen` knows the range, and tells where in it the joint is.
- `ridge-envelope`: ridge on envelopes with 0.5 s of lags, the baseline. `ridge-log`: on envelopes,
  their logarithms and wave lengths, with 1 s of lags. `kernel-log`: radial functions of the same.
  All three are hand-crafted. `course`: the network (three bodies of dilated convolutions, a linear
  and a radial part of the same inputs under one head), deployed as one artifact whose convolutions
  have int8 weights. All are fitted to other people's recordings twice, centred on themselves and as
  a stranger's.
- Users A.. have a knee disorder. A2's sitting and standing are exchanged, for they are published
  under each other's names.
- `pooled`: R2 of all recordings of a row as if they were one, where a recording that hardly moves
  counts little.
- Wrist: 12 virtual wearers of an 8-channel armband who move two degrees of freedom at once, half a
  minute each; the first is flexion against extension, the second radial against ulnar deviation
  (wrist) or closing against opening (wrist and hand).
- What was looked at: all people of all three with earlier forms. This form (600 steps of training
  where there were 150, three bodies, both views of every recording, ridges on what the bodies miss)
  was chosen on the knees of A1, A3, A5, A7 and N1, N3, N5, N7, on ID4 to ID7 and on wearers 1 and
  2; the others were scored by it once. `chosen on` and `not` below are these two halves apart.
  Besides, that ridges gain by both views was seen on all knees; `contraction` was added after force
  had been scored. After a table of this form, with one seed, had been published, two things were
  added for force: the way from the baseline to the network by sure gain, and the range of what was
  known; both were looked at on ID1 to ID8 (and on A1 and A2, which it does not change), and all
  people were scored once more by what is shown. Against that table, of strangers: force gains in
  five of eight groups and loses in the others; the wrist, which nobody looked at, loses 0.01 to
  0.02, for a way that is surely a gain is shorter than the one that is best. The range of what was
  known gains as much for the ridges, so that one of them is ahead by 0.006 in one wrist group.
- Intervals are over people, drawn again and again. `seeds`: standard deviation of the row's mean
  over the seeds of the training.
"""
FORCE = """Why force is not solved: each person pulled once with each muscle for 10 s, so there is
no second contraction to calibrate on. The begin of a pull is its rise and the rest a plateau that
hardly moves, so that R2 against the mean of that rest punishes any offset; most pulls do not begin
at zero. How the slow envelope (0.5 Hz) of the tested muscle goes with its force, and what the best
straight line of it would reach on the very recording that it is fitted to:
"""


GOAL = """The goal's baseline (ridge on envelopes: sitting 0.88 to 0.93, standing 0.90, gait 0.35 to
0.61) comes without its filter, lags, split and people. What a plain ridge on 4 Hz envelopes gives
on these knees, median of all people with the quarters between which half of them lie. Gait is met
forward in time; sitting and standing only by values drawn at random from the whole recording, which
puts neighbours of every value that is scored into the training, or by scoring the training itself.
`course` above is scored forward in time.
"""


def continuous_part(title: str, record: Mapping[str, Any]) -> list[str]:
    """The section."""
    lines = [f"## {title}", "", f"`{record['command']}`  "]
    how = f"; {record['how']}" if "how" in record else ""
    lines += [f"commit {record['commit'][:12]}, {record['machine']}{how}", "", PREFACE, ""]
    if record["left_out"]:
        lines += [f"Sets that were not there: {', '.join(record['left_out'])}.", ""]
    lines += [*table(record["rows"]), "", _seeds(record["rows"]), ""]
    lines += ["Where the network is not the best of its group:", ""]
    lines += [*beaten(record["rows"]), ""]
    lines += ["People on whom this form was chosen, and the others:", ""]
    lines += [*halves(record["rows"]), ""]
    if "followed" in record:
        lines += [FORCE, *followed(record["followed"]), ""]
    if "baseline" in record:
        lines += [GOAL, *baseline(record["baseline"]), ""]
    lines += [
        "The artifacts of two people each, through the live decoder, on what follows the "
        "calibration. int8: weights of the convolutions, one scale for each output; activations, "
        "head, linear and radial parts stay float. (With rounded activations too, 44 to 100 % of "
        "the estimates lay within a hundredth of the range of float's: the network's first input "
        "holds efforts beside their logarithms, which one scale for all rounds too coarsely, and "
        "each convolution's output was rounded once more.) Equal: within a hundredth of the "
        "range; apart: root of the mean squared difference from float, in the range:",
        "",
    ]
    return [*lines, *artifacts(record["artifacts"]), "", *lost(record["artifacts"]), ""]


def table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line for each task, group, setting and model."""
    out = [
        "| task | group | people | setting | model | R2 | 95 % of users' draws | median | worst "
        "| pooled | error | late ms | moved | seeds |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        low, high = row["r2_interval"]
        out.append(
            f"| {_task(row)} | {row['group']} | {row['users_n']} | {row['setting']} "
            f"| {row['model']} | {row['r2']:.2f} | {low:.2f} to {high:.2f} "
            f"| {row['r2_median']:.2f} | {row['r2_worst']:.2f} "
            f"| {row['r2_pooled']:.2f} | {row['rmse']:.2f} {row['unit']} "
            f"| {row['delay_ms']:.0f} | {row['r2_moved']:.2f} | {_spread(row)} |"
        )
    return out


def _spread(row: Mapping[str, Any]) -> str:
    """Between seeds; of what is worked in closed form there is none worth telling."""
    found = row["per_seed"]
    return f"{pstdev(found):.3f}" if len(found) > 1 and row["model"] == OURS else ""


def beaten(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Who beats the network where, and whether it beats the baseline everywhere."""
    found: dict[tuple[str, str, str], dict[str, float]] = {}
    for row in rows:
        found.setdefault((_task(row), row["group"], row["setting"]), {})[row["model"]] = row["r2"]
    out, reached = [], 0
    for key, r2 in found.items():
        reached += r2[OURS] > r2[BASELINE]
        best = max(r2, key=lambda model: r2[model])
        if best != OURS:
            where = ", ".join(word for word in key if word)
            out.append(f"- {where}: `{best}` {r2[best]:.3f}, network {r2[OURS]:.3f}")
    return [
        *(out or ["- nowhere"]),
        "",
        f"It beats the baseline `{BASELINE}` in {reached} of {len(found)} groups.",
        "",
        *_behind(found),
    ]


def _behind(found: Mapping[tuple[str, str, str], Mapping[str, float]]) -> list[str]:
    """Where the baseline is as good or better, and by how much."""
    out = []
    for key, r2 in found.items():
        if r2[OURS] <= r2[BASELINE]:
            where = ", ".join(word for word in key if word)
            out.append(f"- {where}: behind the baseline by {r2[BASELINE] - r2[OURS]:.3f}")
    return out


def _seeds(rows: Sequence[Mapping[str, Any]]) -> str:
    """How far seeds lie apart, field by field."""
    ours = [r for r in rows if r["model"] == OURS]
    seeds = ", ".join(str(s) for s in (ours or rows)[0]["seeds"])
    if not ours or len(ours[0]["seeds"]) < 2:
        return f"One seed: {seeds}."
    told = []
    for field in dict.fromkeys(r["field"] for r in ours):
        apart = [max(r["per_seed"]) - min(r["per_seed"]) for r in ours if r["field"] == field]
        told.append(f"{field} {sum(apart) / len(apart):.3f} (at most {max(apart):.3f})")
    return (
        f"Seeds {seeds}; rows are means over them. Between the best and the worst seed the "
        f"network's means over people differ by, in the mean of the groups: {', '.join(told)}."
    )


def halves(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The network's lead over the baseline, for people on whom its form was chosen and others."""
    out = [
        "| task | group | setting | chosen on | baseline | not | baseline |",
        "|---|---|---|---|---|---|---|",
    ]
    by = {(_task(r), r["group"], r["setting"], r["model"]): r for r in rows}
    for task, group, setting, model in by:
        if model != OURS:
            continue
        ours, theirs = (by[task, group, setting, name]["per_user"] for name in (OURS, BASELINE))
        cells = []
        for seen in (True, False):
            users = [u for u in ours if _chosen_on(task.split(":")[0], u) == seen]
            for r2 in (ours, theirs):
                cells.append(f"{sum(r2[u] for u in users) / len(users):.2f}" if users else "")
        out.append(f"| {task} | {group} | {setting} | {' | '.join(cells)} |")
    return out


def _chosen_on(field: str, user: str) -> bool:
    number = int("".join(c for c in user if c.isdigit()) or 0)
    return {"knee": number % 2 == 1, "force": 4 <= number <= 7}.get(field, number <= 2)


def baseline(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line for each filter, lags and split, the tasks beside one another."""
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    found: dict[tuple[str, str, str], dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault((row["filter"], row["lags"], row["split"]), {})[row["task"]] = row
    out = [
        f"| filter | lags | split | {' | '.join(tasks)} |",
        "|---|---|---" + "|---" * len(tasks) + "|",
    ]
    for key, cells in found.items():
        told = (
            f"{c['median']:.2f} ({c['lower_quarter']:.2f} to {c['upper_quarter']:.2f})"
            for c in (cells[task] for task in tasks)
        )
        out.append(f"| {' | '.join(key)} | {' | '.join(told)} |")
    return out


def followed(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line for each muscle."""
    out = ["| task | people | correlation, median | straight line, mean R2 |", "|---|---|---|---|"]
    for row in rows:
        name, people = row["task"].replace("_", " "), row["people_n"]
        out.append(f"| {name} | {people} | {row['correlation']:.2f} | {row['line_r2']:.2f} |")
    return out


def artifacts(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line for each artifact and form."""
    out = [
        "| task | user | form | R2 | equal | apart | params | kB | graph us |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = ["", ""]
        if row["form"] == "int8":
            cells = [
                f"{100 * row['int8_agreement']:.1f} %",
                f"{100 * row['int8_rmse_share']:.2f} %",
            ]
        out.append(
            f"| {_task(row)} | {row['user']} | {row['form']} | {row['r2']:.3f} "
            f"| {' | '.join(cells)} | {row['params']} | {row['bytes'] / 1000:.0f} "
            f"| {row['us']:.0f} |"
        )
    return out


def lost(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What int8 costs, for each field."""
    r2 = {(row["field"], row["task"], row["target"], row["user"], row["form"]): row for row in rows}
    found: dict[str, list[tuple[float, Mapping[str, Any]]]] = {}
    for key, row in r2.items():
        if row["form"] == "int8":
            lost = row["r2"] - r2[(*key[:-1], "float")]["r2"]
            found.setdefault(row["field"], []).append((lost, row))
    out = []
    for field, those in found.items():
        d = [lost for lost, _ in those]
        n, equal = len(d), min(row["int8_agreement"] for _, row in those)
        apart = max(row["int8_rmse_share"] for _, row in those)
        out.append(
            f"- {field}: int8 less float, R2, mean {sum(d) / n:+.4f}, worst {min(d):+.4f}, "
            f"{sum(v >= -LOSS for v in d)} of {n} lose at most {LOSS}; equal at least "
            f"{100 * equal:.1f} %, apart at most {100 * apart:.2f} % of the range"
        )
    return out


def _task(row: Mapping[str, Any]) -> str:
    which = f" ({row['target']})" if row["target"] in ("first", "second") else ""
    return f"{row['field']}: {row['task'].replace('_', ' ')}{which}"
