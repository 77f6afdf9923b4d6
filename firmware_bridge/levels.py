"""A wearer's levels: which contraction is none yet, and which is a comfortable one. Pure.

The decoder gives strength 1 at the strong level of the training data. What a wearer can hold in
comfort lies below it, and differs between gestures: these levels bring them to one effort.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from acquisition.stream import Refused
from firmware_bridge.control import Grips

HELD_N = 20
"""Values of a contraction, or of rest, below which a percentile says nothing: half a second."""
COMFORTABLE, LIGHT, NOISE = 0.75, 0.10, 0.95
"""Percentiles. A held contraction sways by a fifth: its upper quarter reaches full effort, so that
full speed can be held. A light one is the lowest tenth of a ramp; noise, the highest of rest."""
LIGHT_SHARE = 0.25
"""A contraction that was held, and not ramped, has no light part: low is then a quarter of high, so
that most of the way to comfort is speed."""
LEAST_SPAN = 0.05
"""Of nearer levels the strength's own noise would swing the speed between none and full."""


def levels_of(strengths: Mapping[str, Sequence[float]]) -> dict[str, tuple[float, float]]:
    """Gesture -> (low, high), from the decoder's strengths while the wearer made each gesture in
    comfort, or ramped it up and down.

    Refuses gestures with fewer than HELD_N strengths, and those that were too weak to tell.
    """
    found = {}
    for gesture, values in strengths.items():
        _enough(f"The calibration of {gesture}", values)
        high = min(percentile(values, COMFORTABLE), 1.0)
        low = min(percentile(values, LIGHT), LIGHT_SHARE * high)
        if not high - low >= LEAST_SPAN:
            raise Refused(
                f"The calibration of {gesture} reached strength {high:.2f}, and {LEAST_SPAN} above "
                f"the lightest is needed: contract more firmly, or train that gesture again."
            )
        found[gesture] = (round(low, 3), round(high, 3))
    return found


def site_levels(rest: Sequence[float], held: Sequence[float]) -> tuple[float, float]:
    """(low, high) of one site, in the signal's unit, from its envelope at rest and during a
    comfortable contraction. Refuses a contraction that does not rise to twice the rest."""
    _enough("The rest", rest)
    _enough("The contraction", held)
    low, high = percentile(rest, NOISE), percentile(held, COMFORTABLE)
    if not high >= 2.0 * low or high <= 0.0:
        raise Refused(
            f"The site reached {high:.3g} in contraction and {low:.3g} at rest, and twice the rest "
            f"is needed: move the electrode onto the muscle."
        )
    return low, high


def with_levels(grips: Grips, levels: Mapping[str, tuple[float, float]]) -> Grips:
    """The grips, each at its gesture's (low, high). Refuses levels of gestures without a grip."""
    known = [grip.gesture for grip in grips.grips]
    unknown = sorted(set(levels) - set(known))
    if unknown:
        raise Refused(
            f"There are levels for {unknown}, and grips for {known}: remove or rename them."
        )
    return Grips(
        tuple(
            replace(grip, low=levels[grip.gesture][0], high=levels[grip.gesture][1])
            if grip.gesture in levels
            else grip
            for grip in grips.grips
        ),
        grips.rest,
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of them does not exceed."""
    return sorted(values)[round(share * (len(values) - 1))]


def _enough(what: str, values: Sequence[float]) -> None:
    if len(values) < HELD_N:
        raise Refused(f"{what} has {len(values)} values, and {HELD_N} are needed: hold it longer.")
