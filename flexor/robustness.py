"""The live path without a hand: a stream, its checks and mends, and the decisions on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acquisition.session import Session
from acquisition.stream import Chunk
from flexor.masking import MASK, cancel, follow, masked, masking, usual_of
from models.artifact import Artifact
from models.decoder import open_decoder
from models.score import Decided
from preprocessing.quality import Quality

if TYPE_CHECKING:
    from training.robustness import Heard


def hear(artifact: Artifact, session: Session) -> Heard:
    """Every decision on the session, hop by hop, as `flexor run` makes them: bad channels guessed
    from the others once they are found, the line taken out, short gaps bridged."""
    from training.robustness import Heard

    decoder = open_decoder(artifact, session.spec)
    contract, state, quality = artifact.contract, decoder.start(), Quality()
    mending, seen = masking(contract), quality.start(contract.spec, usual_of(contract))
    decided, rejected = [], []
    for chunk in _hops(session, contract.windows.hop_samples):
        for window in decoder.push(masked(mending, chunk), state):
            intent = decoder.decide(window, state)
            decided.append(Decided(window.sample_n, intent.gesture))
            rejected.append(intent.rejected)
        found, seen = quality.step(chunk.samples, seen)
        if seen.since_slow_n == 0 and seen.held_n >= seen.slow_n and not found:
            MASK.learn(seen.held[seen.held_n - seen.slow_n : seen.held_n], mending.mask)
        follow(mending, found, chunk)
        state.guessed = mending.mask.bad
        cancel(mending, found, quality.line_hz)
    return Heard(tuple(decided), tuple(rejected))


def _hops(session: Session, hop_samples: int) -> list[Chunk]:
    from training.evaluate import pieces

    out = []
    for piece in pieces(session):
        for at in range(0, len(piece.samples), hop_samples):
            lost = 0 if at else piece.lost
            clock_s = piece.clock_s + at / session.spec.rate_hz
            out.append(Chunk(piece.samples[at : at + hop_samples], clock_s, lost))
    return out
