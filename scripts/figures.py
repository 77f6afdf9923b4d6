"""Measures, and renders docs/figures.md from what was measured; nothing in that page is typed.

scripts/figures.py measure NAME... [--data PATH]     runs the commands of those names (or of all)
scripts/figures.py render                            writes the page from the files that are there
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "figures"
FLEXOR = str(Path(sys.executable).parent / "flexor")
MYO = "EvaluationDataset/Male1/Test0"

FIGURES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "faults": ("Faults, end to end", "flexor faults", ("rows", "lost_packets")),
    "demo": (
        "The demo, live",
        "flexor demo --seconds 20",
        (
            "decision_rate_hz",
            "nominal_rate_hz",
            "accuracy_settled",
            "rest_false_activation",
            "lost_samples",
            "missed_deadlines",
            "commands",
            "commands_stale",
            "latency_ms",
            "compute_us",
            "delay_ms",
            "first_decision_s",
            "memory_mb",
        ),
    ),
    "bench-latency": (
        "One hop, 8 channels at 200 Hz, beside the bare runtime",
        "flexor bench latency --repeats 5000",
        (
            "stages_us",
            "pipeline_us",
            "hop_us",
            "runtime_us",
            "runtime_bound_us",
            "ratio",
            "ratio_hop",
            "ratio_bound",
            "share_of_one_core",
        ),
    ),
    "bench-sleeve": (
        "One hop, 16 channels at 2 kHz, every 10 ms",
        "flexor bench latency --repeats 5000 --artifact runs/sleeve/artifact.onnx",
        ("stages_us", "pipeline_us", "hop_us", "runtime_us", "ratio", "share_of_one_core"),
    ),
    "bench-start": (
        "Help, beside an interpreter that imports numpy",
        "flexor bench start",
        ("help_ms", "numpy_ms", "ratio"),
    ),
    "bench-sources": (
        "Bytes to samples: milliseconds of one core per second of signal",
        "flexor bench sources",
        ("sources",),
    ),
    "link-robustness": (
        "Noise and damaged frames on the link to the hand",
        "make firmware-fuzz",
        ("rows",),
    ),
    "link-timing": (
        "The link to the hand: a frame's bytes, and there and back over a pseudo-terminal",
        "scripts/link_timing.py",
        ("rows",),
    ),
    "fitts": (
        "Fitts' law by simulated wearers who see, decide late and correct, in a closed loop",
        "flexor assess fitts --calibrate --user 0 --user 1 --user 2 --user 3 --user 4 --runs 3",
        ("test", "artifact", "wearers", "runs_each", "rows"),
    ),
    "jitter": (
        "The beat of the control loop beside two programs that never rest, in turns",
        "flexor doctor --latency --seconds 90",
        ("hogs", "cores", "goal_ms", "rows"),
    ),
    "page-load": (
        "The control loop beside the page, in turns",
        "scripts/page_load.py",
        ("rows",),
    ),
    "within-user": (
        "MyoArmbandDataset within user: 9 people, per window, no vote, int8, live decoder",
        "flexor benchmark --data {data} --cycles 4,2,1 --out runs/benchmark",
        ("rows",),
    ),
    "real-offline": (
        "A held-out session, offline",
        "flexor evaluate runs/male1/artifact.onnx --session {data}/" + MYO,
        ("windows_n", "accuracy", "settled_n", "accuracy_settled", "rest_false_activation"),
    ),
    "real-live": (
        "The same session, live, through the simulated hand",
        "flexor run --source replay:{data}/" + MYO + " --artifact runs/male1/artifact.onnx --arm",
        (
            "windows_n",
            "accuracy",
            "settled_n",
            "accuracy_settled",
            "rest_false_activation",
            "skipped_windows",
            "missed_deadlines",
            "commands",
            "commands_stale",
            "latency_ms",
            "compute_us",
            "memory_mb",
        ),
    ),
}
"""name -> (title, command, keys that are shown)"""


def main() -> None:
    """See the top of this file."""
    words = sys.argv[1:]
    data = words[words.index("--data") + 1] if "--data" in words else ""
    if words[:1] == ["measure"]:
        names = [word for word in words[1:] if word in FIGURES]
        for name in names or FIGURES:
            measure(name, data)
    render()


def measure(name: str, data: str) -> None:
    """Runs one command and keeps its figures with the command, the commit and the machine."""
    command = FIGURES[name][1]
    if not command.startswith("flexor "):
        return  # it writes its own file
    out, load = FOLDER / f"{name}.json", round(os.getloadavg()[0], 1)
    FOLDER.mkdir(parents=True, exist_ok=True)
    part = FOLDER / f"{name}.part"
    words = command.format(data=data).split()
    subprocess.run([FLEXOR, *words[1:], "--json", str(part)], cwd=ROOT, check=False)
    result = json.loads(part.read_text())
    part.unlink()
    kept = {key: result[key] for key in FIGURES[name][2]}
    on = f"{machine()}, load {load} before"
    record = {"command": command.format(data="PATH"), "commit": commit(), "machine": on}
    out.write_text(json.dumps({**record, "figures": kept}, indent=2) + "\n")


def render() -> None:
    """docs/figures.md from the files in docs/figures."""
    lines = [
        "# Figures",
        "",
        "Rendered by `scripts/figures.py render` from `docs/figures/*.json`, which `make figures`",
        "measures. Times are of the machine named, and say nothing of a Raspberry Pi.",
        "",
    ]
    for name, (title, _, _) in FIGURES.items():
        path = FOLDER / f"{name}.json"
        if not path.exists():
            continue
        record = json.loads(path.read_text())
        lines += [f"## {title}", "", f"`{record['command']}`", ""]
        lines += table(record["figures"])
        lines += ["", f"{record['machine']}; commit {record['commit'][:12]}.", ""]
    lines += libemg()
    (ROOT / "docs" / "figures.md").write_text("\n".join(lines))


def libemg() -> list[str]:
    """LibEMG beside Flexor, from what `make bench-libemg` left."""
    path = ROOT / "docs" / "bench-libemg.json"
    if not path.exists():
        return []
    record = json.loads(path.read_text())
    theirs, ours, on = record["libemg"], record["flexor"], record["machine"]
    lines = [
        "## Beside LibEMG, in one go",
        "",
        "`make bench-libemg`: 8 channels at 200 Hz, a decision every 25 ms, from the window's last",
        "sample to the output. LibEMG: HTD features and LDA on noise, output on a UDP socket;",
        "Flexor: the demo, output on a pseudo-terminal. CPU and memory are of both process trees.",
        "",
        f"| | LibEMG {on['libemg']} | Flexor |",
        "|---|---|---|",
    ]
    lines += [
        f"| {key.replace('_', ' ')} | {text(theirs[key])} | {text(ours[key])} |" for key in ours
    ]
    machine_line = f"{on['cpu']}, {on['cores_n']} virtual cores, Python {on['python']}, "
    return [*lines, "", f"{machine_line}load before {on['load_before']:.1f}.", ""]


def table(figures: dict[str, Any]) -> list[str]:
    """A Markdown table: of rows where there are some, else of names and values."""
    rows = figures.get("rows") or figures.get("sources")
    if rows:
        names = [key for key in rows[0] if not isinstance(rows[0][key], dict)]
        users = list(rows[0].get("per_user", ()))
        head = [*names, *(user.split("/")[1] for user in users)]
        lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
        for row in rows:
            cells = [text(row[name]) for name in names]
            cells += [text(row["per_user"][user]) for user in users]
            lines.append("| " + " | ".join(cells) + " |")
        if "lost_packets" in figures:
            lines += ["", *table({"rows": figures["lost_packets"]})]
        return lines
    return [
        "| | |",
        "|---|---|",
        *(f"| {key.replace('_', ' ')} | {text(value)} |" for key, value in figures.items()),
    ]


def text(value: Any) -> str:
    """A value as the page shows it."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {text(item)}" for key, item in value.items())
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def commit() -> str:
    """Of the code that was measured."""
    words = ["git", "rev-parse", "HEAD"]
    return subprocess.run(
        words, cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()


def machine() -> str:
    """What a time rests on."""
    rows = Path("/proc/cpuinfo").read_text().splitlines()
    name = next((row.split(":")[1].strip() for row in rows if row.startswith("model name")), "")
    cores_n = sum(row.startswith("processor") for row in rows)
    return (
        f"{name or platform.machine()}, {cores_n} virtual cores, Python {platform.python_version()}"
    )


if __name__ == "__main__":
    main()
