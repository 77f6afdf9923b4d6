"""From chunks to the newest decision, with an eye on what the samples are worth."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from acquisition.stream import Chunk, Samples
from flexor.loop import Loop, note
from flexor.masking import MASK, cancel, follow, masked
from flexor.rate import count_rate
from flexor.rotation import FOUND, places_of, renamed, turned
from models.intent import Intent
from models.score import Decided, Prompt, asked

LATE_S = 0.050
"""A window this old is skipped when a newer one is there: bursts of old decisions, caught up
with, would stuff the votes and the hand."""
SOURCE_WORD = "source "
"""So begins what a device says of itself: lost, or back as a new stream."""
THIN_SPAN_S, THIN_LIMIT = 1.0, 0.05
"""More than this share of the last span lost, and the hand moves slowly (science 5.3, fault 6)."""
LOSS_SPAN_S, LOSS_LIMIT = 0.15, 0.15
"""More than this share of the last span lost, and the hand rests: what is left is guessed."""


def understand(loop: Loop, chunks: list[Chunk], now_s: float) -> Intent | None:
    """The newest decision on the chunks. Late windows are skipped and counted."""
    windows, efforts, tally = [], [], loop.tally
    if not loop.rate.right and count_rate(loop.rate, chunks, now_s) and loop.rate.told:
        note(loop, now_s, "wrong rate", loop.rate.told)
    for chunk in chunks:
        before_n = loop.state.sample_n + chunk.lost
        for marker in chunk.markers:
            gesture = asked(marker.text, loop.decoder.contract.labels)
            if gesture is not None:
                tally.prompts.append(Prompt(before_n + marker.sample_n, gesture))
            elif marker.text.startswith(SOURCE_WORD):
                kind, _, text = marker.text.partition(": ")
                note(loop, chunk.clock_s, kind, text)
        void = loop.state.counters.void_samples
        believed = renamed(loop.rotation, masked(loop.masking, chunk))
        came = loop.decoder.push(believed, loop.state)
        windows += came
        if loop.sites is not None:
            efforts += loop.sites.at(came, believed, loop.state)
        watch(loop, chunk, loop.state.counters.void_samples - void)
    intent = None
    loop.intents.clear()
    for i, window in enumerate(windows):
        if i + 1 < len(windows):  # the loop counts the newest when its command is out
            tally.missed_deadlines += now_s - window.clock_s > loop.decoder.contract.hop_s
            if now_s - window.clock_s > LATE_S:
                tally.skipped_windows += 1
                continue
        intent = loop.decoder.decide(window, loop.state)
        loop.intents.append(intent)
        tally.decided.append(Decided(window.sample_n, intent.gesture))
        tell_turned(loop, intent, now_s)
        if efforts:
            loop.efforts = efforts[i]
    tell_adapted(loop, now_s)
    return intent


def tell_turned(loop: Loop, intent: Intent, now_s: float) -> None:
    """Tells when the band is seen to be turned; begins anew where the channels change places."""
    places = loop.rotation.places
    told = turned(loop.rotation, intent, newest(loop))
    if told:
        note(loop, now_s, "turned", told)
    if loop.rotation.places != places:
        loop.decoder.restart(loop.state)


def tell_adapted(loop: Loop, now_s: float) -> None:
    """Tells when what was adapted is given up for the calibration, and when a ring has turned."""
    adaptive = loop.state.adaptive
    if adaptive is None:
        return
    if adaptive.counts.rollbacks > loop.rollbacks_n:
        loop.rollbacks_n = adaptive.counts.rollbacks
        text = "What was adapted no longer fits: the calibration decides again."
        note(loop, now_s, "adaptation taken back", text)
    if adaptive.counts.turns > loop.turns_n:
        loop.turns_n = adaptive.counts.turns
        note(loop, now_s, "turned", FOUND)


def watch(loop: Loop, chunk: Chunk, void_samples: int) -> None:
    """Keeps the findings about the signal, and the share that was lost."""
    if not math.isfinite(np.vdot(chunk.samples, chunk.samples)):
        note(loop, chunk.clock_s, "not a number", "The source gave values that are no numbers.")
    else:
        found, loop.quality_state = loop.quality.step(chunk.samples, loop.quality_state)
        if found != loop.findings:
            known = {str(f) for f in loop.findings}
            for finding in found:
                if str(finding) not in known:
                    note(loop, chunk.clock_s, finding.kind, str(finding))
            loop.findings = found
        learn(loop)
        told = follow(loop.masking, found, chunk)
        loop.state.guessed = places_of(loop.rotation, loop.masking.mask.bad)
        cleared = cancel(loop.masking, found, loop.quality.line_hz)
        if cleared:
            note(loop, chunk.clock_s, "line", cleared)
        if told:
            note(loop, chunk.clock_s, "masked", told)
    bad = chunk.lost + void_samples
    if bad or loop.recent:
        lose(loop, chunk, bad)
    if bad or loop.losses:
        thin(loop, chunk, bad)
    if bad or loop.gaps:
        doubt(loop, chunk, bad)


def newest(loop: Loop) -> Samples:
    """(time, channel) raw samples of the last second."""
    seen = loop.quality_state
    return seen.held[max(0, seen.held_n - seen.slow_n) : seen.held_n]


def learn(loop: Loop) -> None:
    """Shows what is healthy to what will guess a channel, once in a while."""
    seen = loop.quality_state
    if seen.since_slow_n == 0 and seen.held_n >= seen.slow_n and not loop.findings:
        MASK.learn(newest(loop), loop.masking.mask)


def doubt(loop: Loop, chunk: Chunk, bad: int) -> None:
    """Whether a window would rest on more than one guess about what was lost."""
    now_n = loop.state.sample_n
    if bad:
        loop.gaps.append(now_n)
    while loop.gaps and now_n - loop.gaps[0] > loop.decoder.contract.windows.length_samples:
        loop.gaps.popleft()
    doubtful = len(loop.gaps) > 1
    if doubtful and not loop.doubtful:
        text = "Samples were lost twice within one window: the hand pauses."
        note(loop, chunk.clock_s, "pause", text)
    loop.doubtful = doubtful


def thin(loop: Loop, chunk: Chunk, bad: int) -> None:
    """Whether the last second has so many holes that the hand had better be slow."""
    span = THIN_SPAN_S * loop.decoder.contract.spec.rate_hz
    lost = _lost(loop.losses, chunk, bad, span)
    is_thin = lost > THIN_LIMIT * span
    if is_thin and not loop.thin:
        text = f"{lost} samples of the last {THIN_SPAN_S:g} s were lost: the hand moves slowly."
        note(loop, chunk.clock_s, "thin signal", text)
    loop.thin = is_thin


def _lost(spans: deque[tuple[int, int]], chunk: Chunk, bad: int, span: float) -> int:
    """Samples lost of the last `span`, which is counted in samples; forgets what is older."""
    spans.append((chunk.lost + len(chunk.samples), bad))
    while len(spans) > 1 and sum(n for n, _ in spans) > span:
        spans.popleft()
    lost = sum(n for _, n in spans)
    if not lost:
        spans.clear()
    return lost


def lose(loop: Loop, chunk: Chunk, bad: int) -> None:
    """Whether too much of the last moment was lost."""
    span = LOSS_SPAN_S * loop.decoder.contract.spec.rate_hz
    lost = _lost(loop.recent, chunk, bad, span)
    lossy = lost > LOSS_LIMIT * span
    if lossy and not loop.lossy:
        text = f"{lost} samples of the last {LOSS_SPAN_S:g} s were lost: the hand holds."
        note(loop, chunk.clock_s, "loss", text)
    loop.lossy = lossy
