"""Scores an artifact through the decoder that runs live."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from acquisition.session import Session
from acquisition.stream import Chunk
from models.artifact import Artifact
from models.decoder import open_decoder
from models.score import SETTLE_S, Decided, Prompt, Score, asked, score

CHUNK_SAMPLES = 2048
"""Any size gives the same decisions; this one keeps the windows in memory few."""


def evaluate(artifact: Artifact, session: Session, settle_s: float = SETTLE_S) -> Score:
    """How right the artifact is about a session, window by window.

    Refuses a session of another rate, channel order or unit than the artifact's.
    """
    contract = artifact.contract
    return score(
        decisions(artifact, session),
        prompts(session, contract.labels),
        window_samples=contract.windows.length_samples,
        rate_hz=contract.spec.rate_hz,
        rest=contract.rest,
        settle_s=settle_s,
    )


def decisions(artifact: Artifact, session: Session) -> list[Decided]:
    """Every decision on the session, in order."""
    decoder = open_decoder(artifact, session.spec)
    state = decoder.start()
    return [
        Decided(window.sample_n, decoder.decide(window, state).gesture)
        for chunk in pieces(session)
        for window in decoder.push(chunk, state)
    ]


def pieces(session: Session) -> Iterator[Chunk]:
    """The session as chunks, its gaps before those that they precede."""
    lost, clock_n = dict(session.gaps), 0
    edges = sorted({*range(0, len(session.samples), CHUNK_SAMPLES), *lost, len(session.samples)})
    for first, last in pairwise(edges):
        gap = lost.get(first, 0)
        clock_n += gap
        yield Chunk(session.samples[first:last], clock_n / session.spec.rate_hz, gap)
        clock_n += last - first


def prompts(session: Session, labels: tuple[str, ...]) -> list[Prompt]:
    """What was asked for, counted in stream samples."""
    out = []
    for index, text in session.markers:
        before = sum(n for at, n in session.gaps if at <= index)
        gesture = asked(text, labels)
        if gesture is not None:
            out.append(Prompt(index + before, gesture))
    return out
