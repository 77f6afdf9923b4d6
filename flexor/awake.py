"""A machine that slept, or a clock that ran back: a gap like any other, and the hand is let go."""

from __future__ import annotations

from dataclasses import replace

from acquisition.stream import Chunk
from firmware_bridge.safety_state import Request
from flexor.listen import want
from flexor.loop import Loop, note

SLEPT_S = 0.050
"""A sleep is longer; the two clocks that tell of it agree to microseconds."""


def woke(loop: Loop, chunks: list[Chunk], now_s: float) -> list[Chunk]:
    """The chunks that this turn may rest on.

    After a sleep none of those that waited: monotonic time stands still meanwhile, so that what
    is an hour old looks fresh. What was missed counts as lost before the next samples, and the
    hand is disarmed: it and the wearer have moved on.
    """
    least_s, most_s = loop.asleep()
    slept_s, back_s = least_s - loop.slept_s, loop.turn_s - now_s
    loop.slept_s, loop.turn_s = most_s, now_s
    rate_hz = loop.decoder.contract.spec.rate_hz
    if slept_s > SLEPT_S or back_s > 0.0:
        loop.unheard_n += sum(chunk.lost + len(chunk.samples) for chunk in chunks)
        loop.unheard_n += max(1, round(max(slept_s, back_s) * rate_hz))
        what = f"The computer slept for {slept_s:.1f} s"
        if slept_s <= SLEPT_S:
            what = f"The clock ran back by {back_s:.3f} s"
        note(loop, now_s, "gap in time", f"{what}: the hand is let go; arm it again.")
        want(loop, Request.DISARM)
        return []
    if loop.unheard_n and chunks:
        first = replace(chunks[0], lost=chunks[0].lost + loop.unheard_n)
        loop.unheard_n = 0
        return [first, *chunks[1:]]
    return chunks
