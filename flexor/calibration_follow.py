"""How well a moving target was followed, and the muscle that followed it best. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np

from acquisition.stream import Refused
from firmware_bridge.levels import site_levels
from flexor.calibration import Guide, Take
from flexor.calibration_look import CALM_S
from flexor.calibration_plan import HOLD, target_at
from flexor.efforts import ENVELOPE_HZ, HIGHPASS_HZ
from preprocessing.envelope import Envelope
from preprocessing.filters import Highpass
from preprocessing.stage import Chain, offline

LATEST_S = 1.0
"""Nobody who follows is further behind."""
STEP_S = 0.025
HIGH = 0.7
"""Of the target: there the contraction is a comfortable one."""


def followed(guide: Guide) -> list[dict[str, Any]]:
    """One row for each moving target: how alike target and effort were (correlation, 0 .. 1), how
    far behind the wearer was, and the levels of the channel that followed best, as a site."""
    return [_row(guide, take) for take in guide.takes.values() if take.task.shape != HOLD]


def _row(guide: Guide, take: Take) -> dict[str, Any]:
    spec, task, ready_n = guide.spec, take.task, take.ready_n
    chain = Chain((Highpass(HIGHPASS_HZ), Envelope(ENVELOPE_HZ)))
    envelope = offline(chain, take.samples - take.samples[:1], spec).astype(np.float64)
    late_s = chain.delay_s(spec)
    seconds = (np.arange(len(envelope)) - ready_n) / spec.rate_hz
    held = envelope[ready_n:]
    best = (-1.0, 0.0, 0)
    for delay in np.arange(0.0, LATEST_S, STEP_S):
        target = np.array([target_at(task, float(s - delay)) for s in seconds[ready_n:]])
        alike = _correlations(held, target)
        channel = int(alike.argmax())
        best = max(best, (float(alike[channel]), float(delay), channel))
    alike_most, delay_s, channel = best
    target = np.array([target_at(task, float(s - delay_s)) for s in seconds])
    calm = envelope[round(CALM_S * spec.rate_hz) : ready_n, channel]
    row: dict[str, Any] = {
        "gesture": task.gesture,
        "shape": task.shape,
        "correlation": round(max(alike_most, 0.0), 3),
        "behind_s": round(max(0.0, delay_s - late_s), 3),
        "channels": [spec.channels[channel]],
        "low": None,
        "high": None,
        "problem": "",
    }
    try:
        low, high = site_levels(calm.tolist(), envelope[target >= HIGH, channel].tolist())
    except Refused as error:
        return {**row, "problem": str(error)}
    return {**row, "low": round(low, 2), "high": round(high, 2)}


def _correlations(envelope: Any, target: Any) -> Any:
    """(channel,) of each channel with the target; 0 where either stands still."""
    x, y = envelope - envelope.mean(axis=0), target - target.mean()
    size = np.sqrt((x * x).sum(axis=0) * float(y @ y))
    return np.where(size > 0, (x * y[:, None]).sum(axis=0) / np.maximum(size, 1e-12), 0.0)
