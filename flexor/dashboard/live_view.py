"""What a browser draws, ten times a second: it asks when it has drawn, so a slow one asks less.

Nothing waits in a queue for anybody: that is what bounds it.
"""

from __future__ import annotations

import time
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.command import Mode
from flexor.dashboard.electrode_layout import layout
from flexor.dashboard.hub import Hub
from flexor.dashboard.words import sentence
from flexor.tally import spread

POINTS_S = 100
"""Columns per second of signal that are drawn; each has its least and its greatest value."""
SPECTRUM_S = 1.0
LEVEL_S = 0.25
EVENTS_N = 30
BINS_MS = (2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 50.0, 75.0, 100.0, 125.0, 150.0)
"""Upper edges of the histogram of latencies; the last bin has what is beyond."""
JITTER_BINS_MS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
"""The same, of how far each is from the median."""
BUDGET_MS = (100.0, 125.0)
"""Beyond which a hand is felt to lag (Farrell and Weir 2007)."""
ASKED_S = 0.3
"""A command older than this is none that the hand still follows."""
LEAD_S = 0.25
"""How far ahead a speed is drawn as a place."""
STALE_S = 1.0


def live_view(hub: Hub, since_n: int, *, spectrum: bool = False) -> dict[str, Any]:
    """The state of the run, and the signal since sample `since_n`, as JSON takes it."""
    if not hub.alive or hub.spec is None:
        return {"alive": False, "events": _events(hub)}
    view = {
        "alive": True,
        "stale": time.monotonic() - hub.heard_s > STALE_S,
        "source": hub.source,
        "channels": list(hub.spec.channels),
        "unit": hub.spec.unit,
        "full_scale": hub.spec.full_scale,
        "rate_hz": hub.spec.rate_hz,
        "n": hub.taken_n,
        "lost": hub.lost_n,
        "levels": levels(hub),
        "trace": trace(hub, since_n),
        "about": hub.about,
        "status": hub.status,
        "intent": _intent(hub),
        "joints_asked": list(hub.command.command.joints) if hub.command else [],
        "asked": asked(hub),
        "layout": layout(hub.source, len(hub.spec.channels)),
        "decisions": [[g, round(c, 3), r] for _, g, c, r in list(hub.decisions)[-60:]],
        "latency": histogram(list(hub.latencies_ms), BINS_MS) | over_budget(list(hub.latencies_ms)),
        "jitter": histogram(jitter(list(hub.latencies_ms)), JITTER_BINS_MS),
        "events": _events(hub),
    }
    if spectrum:
        view["spectrum"] = power(hub)
    return view


def spoken(view: dict[str, Any], language: str) -> dict[str, Any]:
    """The same, with what the control loop says in the browser's language."""
    status = dict(view.get("status", {}))
    if status:
        status["cause"] = sentence(status.get("cause", ""), language)
        status["findings"] = [
            {
                **found,
                "said": sentence(found["kind"], language),
                "mend": sentence(found["mend"], language),
            }
            for found in status.get("findings", [])
        ]
    if status.get("hand_says"):
        status["hand_says"] = [sentence(text, language) for text in status["hand_says"]]
    events = [[at, sentence(text, language)] for at, text in view["events"]]
    return {**view, "status": status, "events": events}


def trace(hub: Hub, since_n: int) -> dict[str, Any]:
    """The signal since then in columns: {"first": sample of the first, "each": samples of one,
    "low": (column, channel), "high": (column, channel)}; null where samples were lost."""
    rate_hz = hub.spec.rate_hz if hub.spec is not None else 1.0
    each = max(1, round(rate_hz / POINTS_S))
    last = hub.taken_n // each
    first = max(-(-since_n // each), last - len(hub.scope) // each + 1, 0)
    columns = max(0, last - first)
    rows = np.arange(first * each, (first + columns) * each) % max(1, len(hub.scope))
    block = hub.scope[rows].reshape(columns, each, hub.scope.shape[1])
    return {
        "first": first * each,
        "each": each,
        "low": _numbers(block.min(axis=1)),
        "high": _numbers(block.max(axis=1)),
    }


def levels(hub: Hub) -> list[float | None]:
    """(channel,) root mean square about the mean of the newest moment."""
    rate_hz = hub.spec.rate_hz if hub.spec is not None else 1.0
    newest = hub.newest(max(2, round(LEVEL_S * rate_hz)))
    kept = newest[~np.isnan(newest).any(axis=1)] if len(newest) else newest
    if len(kept) < 2:
        return [None] * hub.scope.shape[1]
    return [round(float(v), 4) for v in kept.std(axis=0)]


def power(hub: Hub) -> dict[str, Any]:
    """Mean power spectrum of the channels over the newest second: {"hz": [...], "db": [...]}."""
    rate_hz = hub.spec.rate_hz if hub.spec is not None else 1.0
    newest = hub.newest(round(SPECTRUM_S * rate_hz)).astype(np.float64)
    if len(newest) < 16 or np.isnan(newest).any():
        return {"hz": [], "db": []}
    window = np.hanning(len(newest))[:, None]
    spectrum = np.abs(np.fft.rfft((newest - newest.mean(axis=0)) * window, axis=0)) ** 2
    mean = spectrum.mean(axis=1) / (window**2).sum() / rate_hz
    hz = np.fft.rfftfreq(len(newest), 1 / rate_hz)
    keep = hz <= min(500.0, rate_hz / 2)
    return {
        "hz": [round(float(v), 2) for v in hz[keep]],
        "db": [round(float(v), 2) for v in 10 * np.log10(mean[keep] + 1e-12)],
    }


def histogram(values_ms: list[float], edges_ms: tuple[float, ...]) -> dict[str, Any]:
    """{"edges_ms", "counts", "p50", "p99", "max"}; the last count is of what is beyond."""
    counts = np.bincount(np.searchsorted(edges_ms, values_ms), minlength=len(edges_ms) + 1)
    return {
        "edges_ms": list(edges_ms),
        "counts": [int(n) for n in counts],
        **(spread([v / 1e3 for v in values_ms], 1e3) or {}),
    }


def over_budget(latencies_ms: list[float]) -> dict[str, Any]:
    """{"budget_ms", "over"}: the share of commands later than each of the two."""
    n = max(1, len(latencies_ms))
    over = [round(sum(v > most for v in latencies_ms) / n, 4) for most in BUDGET_MS]
    return {"budget_ms": list(BUDGET_MS), "over": over}


def jitter(latencies_ms: list[float]) -> list[float]:
    """How far each is from the median of all."""
    middle = sorted(latencies_ms)[len(latencies_ms) // 2] if latencies_ms else 0.0
    return [abs(v - middle) for v in latencies_ms]


def asked(hub: Hub) -> dict[str, Any] | None:
    """{"mode", "joints", "deg"}: what the hand was last asked for, and (joint,) where that is, as
    far as it is a place; None where it follows nothing now."""
    told = hub.command
    if told is None or hub.status.get("clock_s", told.at_s) - told.at_s > ASKED_S:
        return None
    mode, joints = told.command.mode, list(told.command.joints)
    deg: list[float] = []
    if mode is Mode.POSITION:
        deg = joints
    elif mode is Mode.VELOCITY:
        at = [joint[1] for joint in hub.status.get("joints", [])]
        deg = [a + LEAD_S * v for a, v in zip(at, joints, strict=False)]
    bounds = [(j["low_deg"], j["high_deg"]) for j in hub.about.get("joints", [])]
    if len(bounds) == len(deg):
        deg = [min(high, max(low, v)) for v, (low, high) in zip(deg, bounds, strict=True)]
    return {
        "mode": mode.name.lower(),
        "joints": [round(v, 2) for v in joints],
        "deg": [round(v, 1) for v in deg],
    }


def _intent(hub: Hub) -> dict[str, Any] | None:
    if hub.intent is None:
        return None
    i = hub.intent.intent
    return {
        "gesture": i.gesture,
        "strength": round(i.strength, 3),
        "confidence": round(i.confidence, 3),
        "rejected": i.rejected,
        "targets": list(i.targets),
    }


def _events(hub: Hub) -> list[list[Any]]:
    return [[round(at, 2), text] for at, text in list(hub.events)[-EVENTS_N:]]


def _numbers(block: NDArray[np.float32]) -> list[list[float | None]]:
    return [[None if isnan(v) else round(v, 3) for v in row] for row in block.tolist()]
