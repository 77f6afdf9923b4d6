"""Reports as a person reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

SHOWN_EVENTS = 12
LINE = 60
"""Characters of a list that still stand on one line."""


def print_run(report: dict[str, Any], console: Console | None = None) -> None:
    """What a live run came to."""
    console = console or Console()
    table = Table(title=f"{report['source']} to {report['hand']}", show_header=False)
    table.add_column(style="bold")
    table.add_column()
    for name, text in _run_rows(report):
        table.add_row(name, text)
    console.print(table)
    events = report["event_log"]
    for event in events[:SHOWN_EVENTS]:
        console.print(f"  {event['kind']}: {event['text']}", style="dim", highlight=False)
    if len(events) > SHOWN_EVENTS:
        console.print(f"  and {len(events) - SHOWN_EVENTS} events more", style="dim")
    if report["error"]:
        console.print(report["error"], style="bold red", highlight=False)
    elif "ok" in report:
        good = "every bar of the demo was reached"
        console.print(
            good if report["ok"] else "a bar of the demo was missed",
            style="bold green" if report["ok"] else "bold red",
        )


def _run_rows(report: dict[str, Any]) -> list[tuple[str, str]]:
    rate, nominal = report["decision_rate_hz"], report["nominal_rate_hz"]
    rows = [
        ("artifact", f"{report['artifact']['name']} on {report['artifact']['runtime']}"),
        ("decisions", f"{report['decisions']} at {_number(rate)} of {nominal:g} per second"),
        ("right when settled", _percent(report["accuracy_settled"], report["settled_n"])),
        ("right, all windows", _percent(report["accuracy"], report["windows_n"])),
        ("rest that moved", _percent(report["rest_false_activation"])),
        (
            "commands",
            f"{report['commands']} sent, {report['stops']} of them stops, "
            f"{report['commands_stale']} on a stale decision",
        ),
        ("sample to command", _spread(report["latency_ms"], "ms")),
        ("jitter of that", _spread(report["jitter_ms"], "ms")),
        ("compute per decision", _spread(report["compute_us"], "us")),
        ("delay of the signal path", f"{report['delay_ms']:g} ms (window and filters)"),
        (
            "samples",
            f"{report['samples']}, lost {report['lost_samples']} "
            f"(bridged {report['concealed_samples']}), void {report['void_samples']}, "
            f"dropped {report['dropped_samples']}, restarts {report['restarts']}",
        ),
        ("link", ", ".join(f"{n} {k.replace('_', ' ')}" for k, n in report["link"].items())),
        (
            "late",
            f"{report['missed_deadlines']} deadlines missed, "
            f"{report['skipped_windows']} windows skipped",
        ),
        ("first decision", f"{_number(report['first_decision_s'])} s after the start"),
        ("memory", f"{_number(report['memory_mb'])} MB (proportional set size)"),
        ("state at the end", report["final_state"]),
    ]
    if report.get("device"):
        rows.append(("device", device_text(report["device"])))
    if report.get("recording"):
        recording = report["recording"]
        rows.append(
            ("recorded", f"{recording['path']}, {recording['dropped_messages']} messages dropped")
        )
    return rows


def print_calibration(report: dict[str, Any], console: Console | None = None) -> None:
    """What a calibration came to, and what to do next; the gestures were told of before."""
    console = console or Console()
    table = Table(title="calibration", show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    tried = report["trial"].get("accuracy")
    apart = report["separability"] or {}
    rows = {
        "right on the last repetition": _percent(report["held_out_accuracy"]),
        "right when it was tried": "not tried" if tried is None else _percent(tried),
        "hardest to tell apart": " and ".join((apart.get("nearest") or ["-"])[:2]),
        "too weak": ", ".join(report["weak"]) or "none",
        "repeated": f"{sum(row['tries'] > 1 for row in report['rows'])} of {len(report['rows'])}",
        "profile": report["profile"] or "not kept",
        "recording": report["recording"],
    }
    for name, text in rows.items():
        table.add_row(name, escape(text))
    console.print(table)
    if report["kept"]:
        console.print(f"Next: flexor run --profile {report['profile']}", highlight=False)


def device_text(counts: Mapping[str, int]) -> str:
    """What happened between the device and us: all that did, and how many samples came of it."""
    told = {k: n for k, n in counts.items() if n or k in {"samples", "lost_samples"}}
    return ", ".join(f"{n} {k.replace('_', ' ')}" for k, n in told.items())


def print_report(report: dict[str, Any], console: Console | None = None) -> None:
    """Any other report: plain values in a table, lists of rows in tables of their own."""
    console = console or Console()
    plain = Table(show_header=False)
    plain.add_column(style="bold")
    plain.add_column()
    for key, value in report.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            continue
        for name, text in _flat(key, value):
            plain.add_row(name, escape(text))
    if plain.row_count:
        console.print(plain)
    for key, value in report.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            table = Table(title=key.replace("_", " "))
            names = [
                name
                for name in value[0]
                if any(row.get(name) != "" for row in value)
                and not isinstance(value[0][name], (dict, list))
            ]
            for name in names:
                title = name.replace("_", " ")
                table.add_column(
                    title,
                    overflow="fold",
                    no_wrap=name == names[0] and all(len(str(r[name])) <= 20 for r in value),
                    min_width=max(map(len, title.split())),
                )
            for row in value:
                table.add_row(*(escape(_text(row.get(name))) for name in names))
            console.print(table)


def _flat(key: str, value: Any) -> list[tuple[str, str]]:
    name = key.replace("_", " ")
    if isinstance(value, dict):
        return [row for part, item in value.items() for row in _flat(f"{key} {part}", item)]
    return [(name, _text(value))]


def _text(value: Any) -> str:
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, list):
        parts = [_text(item) for item in value]
        return ("\n" if sum(map(len, parts)) > LINE else ", ").join(parts)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _percent(share: float | None, n: int | None = None) -> str:
    if share is None:
        return "-"
    return f"{100 * share:.2f} %" + ("" if n is None else f" of {n} windows")


def _spread(value: dict[str, float] | None, unit: str) -> str:
    if value is None:
        return "-"
    return f"p50 {value['p50']:g}, p99 {value['p99']:g}, max {value['max']:g} {unit}"
