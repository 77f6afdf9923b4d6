"""The live path without a hand: a stream, its checks and mends, and the decisions on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acquisition.session import Session
from acquisition.stream import Chunk
from flexor.masking import MASK, cancel, follow, masked, masking, usual_of
from flexor.rotation import places_of, renamed, rotation, turned
from models.artifact import Artifact
from models.contract import Contract
from models.decoder import State, Window, open_decoder
from models.familiar import Familiar
from models.foreign import Foreign
from models.score import Decided
from preprocessing.quality import Quality

if TYPE_CHECKING:
    from training.robustness import Heard


def hear(artifact: Artifact, session: Session) -> Heard:
    """Every decision on the session, hop by hop, as `flexor run` makes them: bad channels guessed
    from the others once they are found, the line taken out, short gaps bridged, channels of a
    turned band renamed."""
    from training.robustness import Heard

    decoder = open_decoder(artifact, session.spec)
    contract, state, quality = artifact.contract, decoder.start(), Quality()
    mending, seen = masking(contract), quality.start(contract.spec, usual_of(contract))
    band, decided, rejected = rotation(contract), [], []
    strange: list[float] = []
    for chunk in _hops(session, contract.windows.hop_samples):
        for window in decoder.push(renamed(band, masked(mending, chunk)), state):
            intent, places = decoder.decide(window, state), band.places
            turned(band, intent, seen.held[max(0, seen.held_n - seen.slow_n) : seen.held_n])
            if band.places != places:
                decoder.restart(state)
            decided.append(Decided(window.sample_n, intent.gesture))
            rejected.append(intent.rejected)
            strange += _strangeness(contract, window, state)
        found, seen = quality.step(chunk.samples, seen)
        if seen.since_slow_n == 0 and seen.held_n >= seen.slow_n and not found:
            MASK.learn(seen.held[seen.held_n - seen.slow_n : seen.held_n], mending.mask)
        follow(mending, found, chunk)
        state.guessed = places_of(band, mending.mask.bad)
        cancel(mending, found, quality.line_hz)
    return Heard(tuple(decided), tuple(rejected), tuple(strange))


def _strangeness(contract: Contract, window: Window, state: State) -> list[float]:
    """Of the window that was decided last, where a stage asks for it."""
    for stage, memory in zip(contract.decision, state.decision, strict=True):
        if isinstance(stage, Foreign):
            return [memory.newest]
        if isinstance(stage, Familiar) and window.power is not None:
            return [float(stage.nearest(window.power[None], memory)[0])]
    return []


def _hops(session: Session, hop_samples: int) -> list[Chunk]:
    from training.evaluate import pieces

    out = []
    for piece in pieces(session):
        for at in range(0, len(piece.samples), hop_samples):
            lost = 0 if at else piece.lost
            clock_s = piece.clock_s + at / session.spec.rate_hz
            out.append(Chunk(piece.samples[at : at + hop_samples], clock_s, lost))
    return out
