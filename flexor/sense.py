"""From chunks to the newest decision, with an eye on what the samples are worth."""

from __future__ import annotations

from acquisition.stream import Chunk
from flexor.loop import Loop, note
from models.intent import Intent
from models.score import Decided, Prompt, asked

LATE_S = 0.050
"""A window this old is skipped when a newer one is there: bursts of old decisions, caught up
with, would stuff the votes and the hand."""
SOURCE_WORD = "source "
"""So begins what a device says of itself: lost, or back as a new stream."""
LOSS_SPAN_S, LOSS_LIMIT = 0.15, 0.15
"""More than this share of the last span lost, and the hand rests: what is left is guessed."""


def understand(loop: Loop, chunks: list[Chunk], now_s: float) -> Intent | None:
    """The newest decision on the chunks. Late windows are skipped and counted."""
    windows, tally = [], loop.tally
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
        windows += loop.decoder.push(chunk, loop.state)
        watch(loop, chunk, loop.state.counters.void_samples - void)
    intent = None
    for i, window in enumerate(windows):
        if i + 1 < len(windows):  # the loop counts the newest when its command is out
            tally.missed_deadlines += now_s - window.clock_s > loop.decoder.contract.hop_s
            if now_s - window.clock_s > LATE_S:
                tally.skipped_windows += 1
                continue
        intent = loop.decoder.decide(window, loop.state)
        tally.decided.append(Decided(window.sample_n, intent.gesture))
    return intent


def watch(loop: Loop, chunk: Chunk, void_samples: int) -> None:
    """Keeps the findings about the signal, and the share that was lost."""
    if not void_samples:
        found, loop.quality_state = loop.quality.step(chunk.samples, loop.quality_state)
        if found != loop.findings:
            known = {(f.channel, f.kind) for f in loop.findings}
            for finding in found:
                if (finding.channel, finding.kind) not in known:
                    note(loop, chunk.clock_s, finding.kind, str(finding))
            loop.findings = found
    else:
        note(loop, chunk.clock_s, "not a number", "The source gave values that are no numbers.")
    bad = chunk.lost + void_samples
    if bad or loop.recent:
        lose(loop, chunk, bad)
    if bad or loop.gaps:
        doubt(loop, chunk, bad)


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


def lose(loop: Loop, chunk: Chunk, bad: int) -> None:
    """Whether too much of the last moment was lost; the span is counted in samples."""
    loop.recent.append((chunk.lost + len(chunk.samples), bad))
    span = LOSS_SPAN_S * loop.decoder.contract.spec.rate_hz
    while len(loop.recent) > 1 and sum(n for n, _ in loop.recent) > span:
        loop.recent.popleft()
    lost = sum(n for _, n in loop.recent)
    lossy = lost > LOSS_LIMIT * span
    if lossy and not loop.lossy:
        text = f"{lost} samples of the last {LOSS_SPAN_S:g} s were lost: the hand holds."
        note(loop, chunk.clock_s, "loss", text)
    loop.lossy = lossy
    if not lost:
        loop.recent.clear()
