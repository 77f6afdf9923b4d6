"""What the wearer wants, as the decoder understands it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Intent:
    """One decision. It rests on samples up to `clock_s`, and on nothing later."""

    gesture: str
    """Label of the decided gesture; the rest label when nothing was decided."""
    strength: float
    """Effort, 0 (rest) .. 1 (calibrated strong contraction)."""
    confidence: float
    """Probability of the decided gesture, 0 .. 1, before any vote or hold."""
    clock_s: float
    """Monotonic seconds of the newest sample that it rests on."""
    decision_n: int
    """Number of the decision since the stream began; never repeats."""
    rejected: bool = False
    """The network's answer was not trusted; `gesture` is then the rest label."""
    targets: tuple[float, ...] = ()
    """Continuous targets in the contract's units, for regression artifacts."""
