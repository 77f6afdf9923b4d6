"""What the page of benchmarks tells at first: where a network earns its place, and where not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from textwrap import fill
from typing import Any

Record = Mapping[str, Any]
GOALS = {0: 0.93, 1: 0.994, 2: 0.995, 4: 0.996}
WORST_GOAL = 0.96
"""Of the mean after so many cycles; of the worst user after one."""
CYCLES = tuple(GOALS)
CRAFTED = "covariance_adaptive"
RAW = "second_order_episodic_tuned_adaptive"
BOTH = "combined_adaptive"
GESTURES = (
    ("best hand-crafted features", "benchmark-myo", CRAFTED),
    ("best network on raw windows", "benchmark-myo-families", RAW),
    ("both, in one artifact", "benchmark-myo-combined", BOTH),
)
FIELDS = {"knee": "knee angle", "wrist": "wrist, two at once", "force": "force of the leg"}
NETWORK, BASELINE = "course", "ridge-envelope"
REFUSING = "covariance_adaptive, foreign"


def summary(records: Mapping[str, Record]) -> list[str]:
    """The section, of the records (name -> record) that are there."""
    told = [*_days(records), *_damage(records), *_rounded(records)]
    lines = ["## In short", "", *_gestures(records), "", *_continuous(records), ""]
    return [*lines, *(fill(line, 100, subsequent_indent="  ") for line in told), ""]


def _gestures(records: Mapping[str, Record]) -> list[str]:
    goals = ", ".join(f"{100 * goal:g}" for goal in GOALS.values())
    asked = (
        "Nine people with an armband, seven gestures, right of 100 decisions, after 0, 1, 2 and 4 "
        f"cycles of 35 s (goals {goals}; worst person after one: {100 * WORST_GOAL:g}):"
    )
    out = [
        fill(asked, 100),
        "",
        "| | 0 | 1 | 2 | 4 | worst person after 1 |",
        "|---|---|---|---|---|---|",
    ]
    means: dict[str, dict[int, float]] = {}
    for title, name, model in GESTURES:
        found = records.get(name, {}).get("rows", ())
        rows = {row["cycles"]: row for row in found if row["model"] == model}
        if set(rows) >= set(CYCLES):
            means[model] = {n: rows[n]["mean"] for n in CYCLES}
            told = " | ".join(_percent(mean) for mean in means[model].values())
            out.append(f"| {title} (`{model}`) | {told} | {_percent(rows[1]['worst'])} |")
    for model in (RAW, BOTH):
        if {model, CRAFTED} <= set(means):
            apart = ", ".join(f"{100 * (means[model][n] - means[CRAFTED][n]):+.2f}" for n in CYCLES)
            out += ["", f"`{model}` less `{CRAFTED}`: {apart} points."]
    return out


def _continuous(records: Mapping[str, Record]) -> list[str]:
    found: dict[tuple[str, ...], dict[str, float]] = {}
    for row in records.get("benchmark-continuous", {}).get("rows", ()):
        key = tuple(row[word] for word in ("field", "task", "target", "group", "setting"))
        found.setdefault(key, {})[row["model"]] = row["r2"]
    out = [
        "Angles and forces, the network against a ridge on envelopes, by task and group:",
        "",
        "| | network ahead | its R2, calibrated | of somebody unknown |",
        "|---|---|---|---|",
    ]
    for field, title in FIELDS.items():
        mine = {key: r2 for key, r2 in found.items() if key[0] == field}
        ahead = sum(r2[NETWORK] > r2[BASELINE] for r2 in mine.values())
        spans = [
            _span(r2[NETWORK] for key, r2 in mine.items() if key[4] == setting)
            for setting in ("calibrated", "unseen")
        ]
        out.append(f"| {title} | {ahead} of {len(mine)} | {spans[0]} | {spans[1]} |")
    return out


def _days(records: Mapping[str, Record]) -> list[str]:
    rows = [r for r in records.get("benchmark-days", {}).get("rows", ()) if "before" in r]
    gains = [r["mean"] - r["before"] for r in rows]
    if not gains:
        return []
    return [
        f"- Other days, places, people: following the wearer gains or costs nothing in "
        f"{sum(gain >= 0 for gain in gains)} of {len(gains)} rows, from {100 * min(gains):+.1f} to "
        f"{100 * max(gains):+.1f} points."
    ]


def _damage(records: Mapping[str, Record]) -> list[str]:
    rows = {
        (r["artifact"], r["damage"], str(r["amount"])): r
        for r in records.get("benchmark-robustness", {}).get("rows", ())
    }
    lost = rows.get((REFUSING, "lost electrode", "1"))
    strange = rows.get((REFUSING, "unknown gesture", "2"))
    if not lost or not strange:
        return []
    return [
        f"- Damage, with unknown movements refused: one lost electrode of eight costs "
        f"{100 * lost['cost']:.1f} points ({100 * lost['worst_cost']:.1f} at worst); of gestures "
        f"that were never calibrated {100 * strange['rejected']:.1f} % are refused, and "
        f"{100 * strange['known_rejected']:.1f} % of the known."
    ]


def _rounded(records: Mapping[str, Record]) -> list[str]:
    names = [n for n in records if n.startswith("benchmark-myo")] + ["benchmark-days"]
    rows = [row for name in names for row in records.get(name, {}).get("rows", ())]
    rows = [row for row in rows if "int8_agreement" in row]
    if not rows:
        return []
    least = min(row["int8_agreement"] for row in rows)
    apart = max(abs(row["mean"] - row["float_mean"]) for row in rows)
    return [
        f"- int8 against float, over {len(rows)} rows: at least {100 * least:.2f} % equal "
        f"decisions, means at most {100 * apart:.2f} points apart, artifacts of at most "
        f"{max(row['bytes'] for row in rows) / 1000:.0f} kB."
    ]


def _span(values: Iterable[float]) -> str:
    found: Sequence[float] = sorted(values)
    return f"{found[0]:.2f} to {found[-1]:.2f}" if found else ""


def _percent(share: float) -> str:
    return f"{100 * share:.2f}"
