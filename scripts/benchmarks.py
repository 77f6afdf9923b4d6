"""Keeps benchmark tables, and renders docs/benchmarks.md from them; its tables are never typed.

scripts/benchmarks.py measure NAME... --data PATH    runs the commands of those names (or of all)
scripts/benchmarks.py render                         writes the page from the files that are there
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from scripts.benchmark_combined import COMBINED  # noqa: E402
from scripts.benchmark_continuous import continuous_part  # noqa: E402
from scripts.benchmark_days import days_part, days_svg  # noqa: E402
from scripts.benchmark_families import RAW, families_part, families_svg  # noqa: E402
from scripts.benchmark_pages import robustness_part, robustness_svg  # noqa: E402
from scripts.benchmark_preface import PREFACE, TITLE  # noqa: E402
from scripts.benchmark_summary import GOALS, WORST_GOAL, summary  # noqa: E402
from scripts.figures import FLEXOR, FOLDER, commit, machine  # noqa: E402 - a script's own place

PARTS = {
    "days": (days_part, days_svg),
    "robustness": (robustness_part, robustness_svg),
    "myo-families": (families_part, families_svg),
}
TEXTS = {"benchmark-myo-combined": COMBINED}
"""name of the file in docs/figures -> what stands above its table"""
FEATURES = "--models covariance,covariance_adaptive"
BENCHMARKS: dict[str, tuple[str, str]] = {
    "benchmark-myo": (
        "MyoArmbandDataset, balanced blocks",
        f"flexor benchmark --protocol myo --data {{data}} --cycles 0,1,2,4 {FEATURES}",
    ),
    "benchmark-myo-raw": (
        "The same with a network on raw windows",
        "flexor benchmark --protocol myo --data {data} --cycles 0,1,2,4 "
        "--models second_order,second_order_adaptive",
    ),
    "benchmark-myo-combined": (
        "Covariances beside a network, in one artifact",
        "flexor benchmark --protocol myo --data {data} --cycles 0,1,2,4 --models combined_adaptive",
    ),
    "benchmark-myo-combined-skewed": (
        "Covariances beside a network, in skewed use",
        "flexor benchmark --protocol myo-skewed --data {data} --cycles 1 "
        "--models combined,combined_adaptive",
    ),
    "benchmark-myo-families": (
        "Every family of networks on the same people",
        "flexor benchmark --protocol myo-families --data {data} --cycles 0,1",
    ),
    "benchmark-myo-skewed": (
        "The same people in skewed use: 80 % rest, two gestures never made, unknown movements",
        f"flexor benchmark --protocol myo-skewed --data {{data}} --cycles 0,1 {FEATURES}",
    ),
    "benchmark-myo-150ms": (
        "The same with windows of 150 ms",
        f"flexor benchmark --protocol myo-150ms --data {{data}} --cycles 0,1,2,4 {FEATURES}",
    ),
    "benchmark-continuous": (
        "Continuous control: knee angle, force, wrist",
        "flexor benchmark --protocol continuous --data {data}",
    ),
    "benchmark-days": (
        "Other days, places, people and data sets",
        "flexor benchmark --protocol days --data {data}",
    ),
    "benchmark-robustness": (
        "Damage to the signal",
        "flexor benchmark --protocol robustness --data {data}",
    ),
}
"""name of the file in docs/figures -> (title, command)"""


def main() -> None:
    """See the top of this file."""
    words = sys.argv[1:]
    data = words[words.index("--data") + 1] if "--data" in words else ""
    if words[:1] == ["measure"]:
        names = [word for word in words[1:] if word in BENCHMARKS]
        for name in names or BENCHMARKS:
            measure(name, data)
    render()


def measure(name: str, data: str) -> None:
    """Runs one command and keeps its whole table with the command, the commit and the machine."""
    command = BENCHMARKS[name][1]
    part = FOLDER / f"{name}.part.json"
    words = command.format(data=data).split()
    subprocess.run([FLEXOR, *words[1:], "--json", str(part)], cwd=ROOT, check=True)
    result = json.loads(part.read_text())
    part.unlink()
    record = {"command": command.format(data="PATH"), "commit": commit(), "machine": machine()}
    (FOLDER / f"{name}.json").write_text(
        json.dumps({**record, **result, **record}, indent=1) + "\n"
    )


def render() -> None:
    """docs/benchmarks.md and its pictures."""
    records = {
        name: json.loads(path.read_text())
        for name in BENCHMARKS
        if (path := FOLDER / f"{name}.json").exists()
    }
    lines = [TITLE, *summary(records), PREFACE, RAW]
    for name, record in records.items():
        lines += _part(name, BENCHMARKS[name][0], record)
    (ROOT / "docs" / "benchmarks.md").write_text("\n".join(lines))


def _part(name: str, title: str, record: Mapping[str, Any]) -> list[str]:
    if record.get("protocol") == "continuous":
        return continuous_part(title, record)
    if record.get("protocol") in PARTS:
        return _drawn(name, title, record, *PARTS[record["protocol"]])
    rows = record["rows"]
    picture = FOLDER / f"{name}.svg"
    picture.write_text(users_svg(rows))
    lines = [
        f"## {title}",
        "",
        f"`{record['command']}`  ",
        f"commit {record['commit'][:12]}, {record['machine']}"
        + (f"; {record['how']}" if "how" in record else ""),
        "",
        *([TEXTS[name]] if name in TEXTS else []),
        *table(rows),
        "",
        f"![per user](figures/{picture.name})",
        "",
    ]
    lines += [*goals(rows, record), ""]
    best = max(rows, key=lambda row: float(row["mean"]))
    lines += [
        f"Confusion of `{best['model']}`, {best['cycles']} cycles (rows: what was asked):",
        "",
    ]
    return [*lines, *confusion(best["confusion"]), ""]


def _drawn(name: str, title: str, record: Mapping[str, Any], part: Any, svg: Any) -> list[str]:
    """A section with its picture."""
    (FOLDER / f"{name}.svg").write_text(svg(record))
    lines = [f"## {title}", "", f"`{record['command']}`  "]
    how = f"; {record['how']}" if "how" in record else ""
    lines += [f"commit {record['commit'][:12]}, {record['machine']}{how}", ""]
    return [*lines, f"![{title}](figures/{name}.svg)", "", *part(record)]


def table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The rows as a table in Markdown, shares in percent."""
    out = [
        "| model | cycles | mean | 95 % of users' draws | worst | float | int8 = float "
        "| rest moved | held, rolled back | params | kB | graph us | decision us |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        low, high = row["ci95"]
        out.append(
            f"| {row['model']} | {row['cycles']} | {100 * row['mean']:.2f} "
            f"| {100 * low:.1f} to {100 * high:.1f} | {100 * row['worst']:.2f} "
            f"| {100 * row['float_mean']:.2f} | {100 * row['int8_agreement']:.2f} "
            f"| {100 * row['rest_false_activation']:.2f} "
            f"| {row.get('held', '')}, {row.get('rollbacks', '')} | {row['params']} "
            f"| {row['bytes'] / 1000:.0f} | {row['us']:.0f} | {row['decision_us']:.0f} |"
        )
    return out


ADAPTIVE = "_adaptive"
COST_GOAL, REST_GOAL = 0.003, 0.995
"""Of what adapting may cost; of windows of rest that move nothing."""


def goals(rows: Sequence[Mapping[str, Any]], record: Mapping[str, Any]) -> list[str]:
    """Which goals the adaptive rows reach."""
    out = []
    for model in dict.fromkeys(row["model"] for row in rows):
        told = _goals_of(model, rows, record) if model.endswith(ADAPTIVE) else []
        out += [f"Goals of `{model}`:", "", *told, ""] if told else []
    return out[:-1]


def _goals_of(
    model: str, rows: Sequence[Mapping[str, Any]], record: Mapping[str, Any]
) -> list[str]:
    found = {(row["model"], row["cycles"]): row for row in rows}
    out = []
    for (name, count), row in found.items():
        if name != model:
            continue
        fixed = found.get((model.removesuffix(ADAPTIVE), count))
        if record["skewed"] and fixed:
            out.append(_told(f"{count} cycles, mean", fixed["mean"] - COST_GOAL, row["mean"]))
            pairs = [(row["per_user"][u] - v, u) for u, v in fixed["per_user"].items()]
            lost, user = min(pairs)
            out.append(_told(f"{count} cycles, {user} against fixed", -COST_GOAL, lost))
        elif record["window_samples"] == 52:
            out.append(_told(f"{count} cycles, mean", GOALS[count], row["mean"]))
            if count == 1:
                out.append(_told("1 cycle, worst user", WORST_GOAL, row["worst"]))
        if record["window_samples"] == 52:
            still = 1 - row["rest_false_activation"]
            out.append(_told(f"{count} cycles, rest that moves nothing", REST_GOAL, still))
    return out


def _told(what: str, goal: float, seen: float) -> str:
    word = "reached" if seen >= goal else f"missed by {100 * (goal - seen):.2f}"
    return f"- {what}: at least {100 * goal:.2f}, seen {100 * seen:.2f}: {word}"


def confusion(counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Asked -> decided, in percent of the asked one's windows."""
    labels = list(counts)
    out = [f"| | {' | '.join(labels)} |", "|---" * (len(labels) + 1) + "|"]
    for want in labels:
        row, whole = counts[want], sum(counts[want].values())
        cells = [f"{100 * row.get(got, 0) / whole:.1f}" for got in labels]
        out.append(f"| {want} | {' | '.join(cells)} |")
    return out


def users_svg(rows: Sequence[Mapping[str, Any]]) -> str:
    """One column per row of the table, one dot per user, a bar at the mean."""
    low, height, step = 0.4, 260, 110
    colours = {row["model"]: colour for row, colour in zip(rows, ["#777"] * len(rows), strict=True)}
    colours |= {model: "#0a6" for model in colours if model.endswith(ADAPTIVE)}
    parts = []
    for share in (0.4, 0.6, 0.8, 0.9, 1.0):
        y = _y(share, low, height)
        parts.append(
            f'<line x1="40" x2="{60 + step * len(rows)}" y1="{y}" y2="{y}" stroke="#ddd"/>'
        )
        parts.append(f'<text x="4" y="{y + 4}">{100 * share:.0f}%</text>')
    for i, row in enumerate(rows):
        x, colour = 95 + step * i, colours[row["model"]]
        for n, share in enumerate(row["per_user"].values()):
            at = x - 16 + 4 * n
            y = _y(share, low, height)
            parts.append(f'<circle cx="{at}" cy="{y}" r="3" fill="{colour}" fill-opacity=".7"/>')
        y = _y(row["mean"], low, height)
        parts.append(f'<line x1="{x - 24}" x2="{x + 24}" y1="{y}" y2="{y}" stroke="{colour}"/>')
        label = row["model"].replace("covariance", "cov").replace("second_order", "raw")
        parts.append(f'<text x="{x - 40}" y="{height + 30}">{label} {row["cycles"]}</text>')
    width = 70 + step * len(rows)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height + 40}" '
        f'font-family="sans-serif" font-size="11">' + "".join(parts) + "</svg>\n"
    )


def _y(share: float, low: float, height: int) -> int:
    return round(10 + (1 - max(share, low)) / (1 - low) * height)


if __name__ == "__main__":
    main()
