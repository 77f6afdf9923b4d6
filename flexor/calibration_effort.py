"""How firmly the wearer contracts now, beside what is comfortable: what a cursor shows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from flexor.calibration import Guide

EFFORT_SPAN_S = 0.2
"""Of signal that the cursor shows."""
USUAL_RATIO = 8.0
"""Of a contraction's level to rest's, until one was seen."""
MOST = 1.3


def effort_now(guide: Guide, newest: NDArray[np.float32]) -> float | None:
    """0 .. 1 (a comfortable contraction of what is asked for) .. MOST, of the newest samples.

    newest: (time, channel), EFFORT_SPAN_S of them. None until rest was seen, and where samples
    are missing.
    """
    looks = guide.looks
    if not looks or not len(newest) or np.isnan(newest).any():
        return None
    task = guide.task
    own = [at.level for at in looks if task is not None and at.task.gesture == task.gesture]
    rest = float(np.median([at.rest_level for at in looks]))
    comfort = float(np.median(own)) if own else USUAL_RATIO * rest
    level = float(np.sqrt(np.mean(newest.var(axis=0))))
    return round(min(MOST, max(0.0, (level - rest) / max(1e-9, comfort - rest))), 3)
