"""Whether one contraction is worth learning from, and if not, why not and what to do. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from acquisition.stream import Samples, Spec
from flexor.calibration_fit import discriminant, windowed
from flexor.calibration_look import LEVEL_SHARE, Look
from flexor.calibration_plan import HOLD, rises_s

WEAK_RATIO = 2.0
"""Of rest's level: what does not rise to twice the rest is too weak (firmware_bridge.levels)."""
NOISY_RATIO = 6.0
"""Of the median channel's power at rest, as a ratio of levels: one channel hears something else
than muscles (preprocessing.quality has 5 over minutes; a short rest varies more)."""
CLIPPED_SHARE = 0.15
"""Of a contraction's samples at full scale: less flattens a few peaks, as an 8-bit armband does in
every firm one."""
EARLY_S, LATE_S = -0.15, 1.0
"""Nobody reacts within 0.1 s; who begins before the prompt spoils the rest before it. A second late
is inattention."""
SHORT_SHARE = 0.25
"""Of the way from rest to the contraction: a hold that ends below it was let go early."""
OWN_SHARE = 0.4
"""Of the windows that the other repetitions take for this gesture: below, it was another one."""
LEAST_WINDOWS = 10

REASONS: dict[str, str] = {
    "flat": "channel {what} said nothing: press the electrode and check its lead",
    "clipped": "channel {what} was cut off: contract more gently, or move the electrode",
    "noisy": "channel {what} is noisy at rest: moisten the skin or tighten the band",
    "weak": "it was too weak beside rest: contract more firmly",
    "early": "it began before the prompt: relax until you are asked",
    "late": "it began late ({what} s): begin with the prompt",
    "short": "it was let go too early: hold it until the bar is full",
    "unlike": "it looked like {what}: make it as the other times",
}
"""why a contraction is asked for again -> the sentence, and the mend"""


@dataclass(frozen=True)
class Verdict:
    """What is said of one contraction."""

    reason: str = ""
    """a key of REASONS; "" where it is good"""
    what: str = ""
    """the channel, the seconds or the other gesture that the reason names"""
    reaction_s: float | None = None
    """from the prompt to the contraction; None where there was none"""
    ratio: float = 0.0
    """of its level to rest's"""

    @property
    def good(self) -> bool:
        return not self.reason

    def __str__(self) -> str:
        return REASONS[self.reason].format(what=self.what) if self.reason else "good"


def check(
    look: Look, samples: Samples, ready_n: int, spec: Spec, before: Sequence[Look], rest: str
) -> Verdict:
    """The verdict on a contraction, in the light of the good ones before it.

    samples: (time, channel) as the source gave them, a rest of `ready_n` first.
    """
    reaction = None if np.isnan(look.onset_s) else round(look.onset_s, 3)
    floors = [other.rest_level for other in before] + [look.rest_level]
    floor = max(float(np.median(floors)), 1e-12)
    ratio = round(look.level / floor, 2)

    def verdict(reason: str = "", what: str = "") -> Verdict:
        return Verdict(reason, what, reaction, ratio)

    found = _electrodes(look, samples, ready_n, spec)
    if found is not None:
        return verdict(*found)
    if reaction is None or ratio < WEAK_RATIO:
        return verdict("weak")
    if reaction < EARLY_S:
        return verdict("early")
    late_s = reaction - rises_s(look.task, LEVEL_SHARE)
    if late_s > LATE_S:
        return verdict("late", f"{late_s:.1f}")
    fallen = look.tail_level < look.rest_level + SHORT_SHARE * (look.level - look.rest_level)
    if look.task.shape == HOLD and fallen:
        return verdict("short")
    if look.held.sum() < LEAST_WINDOWS or look.resting.sum() < 1:
        return verdict("weak")
    other = unlike(look, before, rest)
    return verdict("unlike", other) if other else verdict()


def _electrodes(look: Look, samples: Samples, ready_n: int, spec: Spec) -> tuple[str, str] | None:
    """(reason, channel) where a channel cannot be believed."""
    held = samples[ready_n:]
    flat = np.flatnonzero(np.ptp(held, axis=0) == 0.0)
    if len(flat):
        return "flat", spec.channels[flat[0]]
    if spec.full_scale is not None:
        shares = (np.abs(held) >= 0.99 * spec.full_scale).mean(axis=0)
        if shares.max() > CLIPPED_SHARE:
            return "clipped", spec.channels[int(shares.argmax())]
    quiet = look.power[look.resting]
    if len(quiet) and len(spec.channels) > 2:
        noise = np.sqrt(quiet.mean(axis=0))
        usual = max(float(np.median(noise)), spec.scale / 2)
        if noise.max() > NOISY_RATIO * usual:
            return "noisy", spec.channels[int(noise.argmax())]
    return None


def unlike(look: Look, before: Sequence[Look], rest: str) -> str:
    """The gesture that this contraction looks like, where it does not look like its own; "" where
    it does, or where there is nothing of its own in this position to compare it with."""
    known = [other for other in before if other.task.position == look.task.position]
    known = [other for other in known if other.task.key != look.task.key]
    if all(other.task.gesture != look.task.gesture for other in known):
        return ""
    labels = (rest, *dict.fromkeys(other.task.gesture for other in known))
    x = windowed(known, labels)
    decided = discriminant(x.features, x.gestures, len(labels)).logits(look.features[look.held])
    counts = np.bincount(decided.argmax(axis=1), minlength=len(labels))
    own = labels.index(look.task.gesture)
    best = int(counts.argmax())
    return labels[best] if best != own and counts[own] < OWN_SHARE * counts.sum() else ""
