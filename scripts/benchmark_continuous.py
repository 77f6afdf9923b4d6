"""The part of docs/benchmarks.md on continuous control; its tables are never typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

BASELINE, OURS = "ridge-envelope", "course"
PREFACE = """Estimates rest on past samples alone (the last second, in steps of 25 ms) and are held
against the truth at the newest sample, so all delay counts. `late`: by how much the estimates would
have to be moved to follow best; `moved`: squared correlation then.

- `unseen`: people left out of the training in groups (knee 8 groups of 2, force 5 of 4, wrist 3 of
  2: nobody is tested by a network that learnt from them), nothing known but the signal so far.
- `calibrated`: the first 60 % of each recording are known, the rest is scored.
- Angles and forces are learnt as shares of each recording's usual range (2nd to 98th percentile of
  its truth; knees bend positive): sign and zero of the goniometers differ between people, and so
  does strength. So `unseen` knows the range, and tells where in it the joint is.
- `ridge-envelope`: ridge on envelopes with 0.5 s of lags, the baseline. `ridge-log`: on envelopes,
  their logarithms and wave lengths, with 1 s of lags. `kernel-log`: radial functions of the same.
  All three are hand-crafted. `course`: the network (dilated convolutions, a linear and a radial
  part of the same inputs under one head), deployed as one artifact. Penalties are chosen by leaving
  blocks (calibrated) or people (unseen) of the training part out.
- Users A.. have a knee disorder. A2's sitting and standing are exchanged, for they are published
  under each other's names. In force, most of a recording is one steady pull: what follows 60 % of
  it hardly moves, so R2 (against the mean of that rest) punishes any offset; look at the error.
- Wrist: 6 virtual wearers of an 8-channel armband who move two degrees of freedom at once, half a
  minute each; the first is flexion against extension, the second radial against ulnar deviation
  (wrist) or closing against opening (wrist and hand).
- The network's head weighs body, ridges and kernel. Calibrated, by what each missed on blocks of
  the calibration that it was not fitted to; unseen, a third is the body's and the rest goes by what
  each missed on other people.
- No untouched test: ridge settings were looked at on all knees, and a first form of the head (mean
  of body, ridge-log and kernel) was scored on all people of all three before this one was chosen,
  for it lost to `ridge-envelope` on the calibrated wrist and its artifacts passed 150 kB. The form
  that is shown gained there and lost in gait (knee disorder, calibrated: 0.864 before). Differences
  between `course`, `ridge-log` and `kernel-log` mostly lie within the intervals: that the network
  is better than good hand-crafted features is not shown here. One seed.
- The baseline of the goal (R2 0.88 to 0.93, 0.90 and 0.35 to 0.61) comes without its split, and was
  not met again: `ridge-envelope` is measured here, forward in time. Against those numbers the
  network passes in gait, and does not pass in sitting and standing.
- The command was run in parts (folds and artifacts at dd0b0e1, kept in its output folder) and then
  put together; it was not timed as a whole.
- Force is not solved: below 0 everywhere, whatever the model."""


def continuous_part(title: str, record: Mapping[str, Any]) -> list[str]:
    """The section."""
    lines = [f"## {title}", "", f"`{record['command']}`  "]
    lines += [f"commit {record['commit'][:12]}, {record['machine']}", "", PREFACE, ""]
    if record["left_out"]:
        lines += [f"Sets that were not there: {', '.join(record['left_out'])}.", ""]
    lines += [*table(record["rows"]), "", "Where the network is not the best of its group:", ""]
    lines += [*beaten(record["rows"]), ""]
    lines += [
        "The artifacts of one person, through the live decoder (calibrated). That int8 and float "
        "agree is counted on windows of the calibration; later they differ more, as their R2 tell, "
        "probably where the signal leaves the range that int8 was scaled to:",
        "",
    ]
    return [*lines, *artifacts(record["artifacts"]), ""]


def table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line for each task, group, setting and model."""
    out = [
        "| task | group | people | setting | model | R2 | 95 % of users' draws | median | worst "
        "| error | late ms | moved |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        low, high = row["r2_interval"]
        out.append(
            f"| {_task(row)} | {row['group']} | {row['users_n']} | {row['setting']} "
            f"| {row['model']} | {row['r2']:.2f} | {low:.2f} to {high:.2f} "
            f"| {row['r2_median']:.2f} | {row['r2_worst']:.2f} | {row['rmse']:.2f} {row['unit']} "
            f"| {row['delay_ms']:.0f} | {row['r2_moved']:.2f} |"
        )
    return out


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
    ]


def artifacts(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line for each artifact and form."""
    out = [
        "| task | user | form | R2 | equal in calibration | params | kB | graph us |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        share = f"{100 * row['int8_agreement']:.1f} %" if row["form"] == "int8" else ""
        out.append(
            f"| {_task(row)} | {row['user']} | {row['form']} | {row['r2']:.3f} | {share} "
            f"| {row['params']} | {row['bytes'] / 1000:.0f} | {row['us']:.0f} |"
        )
    return out


def _task(row: Mapping[str, Any]) -> str:
    which = f" ({row['target']})" if row["target"] in ("first", "second") else ""
    return f"{row['field']}: {row['task'].replace('_', ' ')}{which}"
