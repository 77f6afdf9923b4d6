"""The loop's figures as Prometheus reads them, from the page's view of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TYPES = {
    "flexor_up": ("gauge", "1 while a run tells of itself"),
    "flexor_armed": ("gauge", "1 while the hand may move"),
    "flexor_samples_total": ("counter", "samples that came"),
    "flexor_lost_samples_total": ("counter", "samples that were lost on the way"),
    "flexor_decisions_total": ("counter", "decisions of the model"),
    "flexor_missed_deadlines_total": ("counter", "decisions that came later than a hop"),
    "flexor_restarts_total": ("counter", "times that a gap ended the signal path's state"),
    "flexor_latency_ms": ("gauge", "newest sample to command, of the last 400 commands"),
    "flexor_findings": ("gauge", "electrodes with a finding, by what it is"),
}
"""name -> (type, help)"""
COUNTS = {
    "decisions": "flexor_decisions_total",
    "lost samples": "flexor_lost_samples_total",
    "missed deadlines": "flexor_missed_deadlines_total",
    "restarts": "flexor_restarts_total",
}


def metrics_text(alive: bool, taken_n: int, status: Mapping[str, Any]) -> str:
    """The exposition format, version 0.0.4."""
    rows: dict[str, list[tuple[str, float]]] = {"flexor_up": [("", float(alive))]}
    if alive:
        rows["flexor_armed"] = [("", float(status.get("state") == "armed"))]
        rows["flexor_samples_total"] = [("", float(taken_n))]
        for name, n in status.get("counts", {}).items():
            if name in COUNTS:
                rows[COUNTS[name]] = [("", float(n))]
        latency = status.get("latency_ms") or {}
        rows["flexor_latency_ms"] = [
            (f'{{quantile="{q}"}}', float(latency[part]))
            for q, part in (("0.5", "p50"), ("0.99", "p99"), ("1", "max"))
            if part in latency
        ]
        kinds = [str(finding["kind"]) for finding in status.get("findings", [])]
        rows["flexor_findings"] = [
            (f'{{kind="{kind}"}}', float(kinds.count(kind))) for kind in sorted(set(kinds))
        ]
    lines = []
    for name, (kind, text) in TYPES.items():
        if rows.get(name):
            lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
            lines += [f"{name}{label} {value:g}" for label, value in rows[name]]
    return "\n".join(lines) + "\n"
