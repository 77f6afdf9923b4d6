"""Which channels are guessed while the hand is driven, from when on, and what a person is told."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from acquisition.stream import Chunk, Spec
from models.contract import Contract
from preprocessing.mask import Mask
from preprocessing.mask import State as MaskState
from preprocessing.quality import Finding
from preprocessing.recentre import Recentre

HEALED_S = 1.0
"""A channel is believed again when nothing was found in it for so long."""
MASK = Mask()


@dataclass
class Masking:
    """One run's guessed channels."""

    spec: Spec
    mask: MaskState
    since_n: int = 0
    """samples since the guessed channels last changed"""
    settled_n: int = 0
    """samples after which no window holds what a channel gave before it was guessed"""
    well_n: int = 0
    """samples since a fault was last found in a channel that is guessed"""


def masking(contract: Contract) -> Masking:
    """No channel guessed."""
    usual = next((s.reference for s in contract.chain.stages if isinstance(s, Recentre)), None)
    known = None if usual is None else np.array(usual, np.float64)
    window_n = contract.windows.length_samples
    return Masking(contract.spec, MASK.start(contract.spec, known), settled_n=window_n)


def masked(state: Masking, chunk: Chunk) -> Chunk:
    """The chunk with the bad channels guessed."""
    state.since_n += len(chunk.samples) + chunk.lost
    if not state.mask.bad:
        return chunk
    return replace(chunk, samples=MASK.step(chunk.samples, state.mask))


def follow(state: Masking, findings: tuple[Finding, ...], chunk: Chunk) -> str:
    """Guesses the channels with a fault, where they are few; a sentence where that changed."""
    names = state.spec.channels
    faulty = {names.index(f.channel) for f in findings if f.fault}
    if faulty and faulty <= set(state.mask.bad):
        state.well_n = 0
        return ""
    if not faulty and not state.mask.bad:
        return ""
    state.well_n = 0 if faulty else state.well_n + len(chunk.samples)
    if not faulty and state.well_n < HEALED_S * state.spec.rate_hz:
        return ""
    wanted = tuple(sorted(faulty | set(state.mask.bad))) if faulty else ()
    if not MASK.can(wanted, state.mask):
        wanted = ()
    if wanted == state.mask.bad:
        return ""
    MASK.choose(wanted, state.mask)
    state.since_n = state.well_n = 0
    if not wanted:
        return "All channels are believed again." if not faulty else ""
    guessed = ", ".join(names[i] for i in wanted)
    return f"{guessed} left out and guessed from the other channels: relax to go on without."


def stands_for(state: Masking, finding: Finding) -> bool:
    """Whether that channel is guessed, and no window holds anything else of it any more."""
    index = state.spec.channels.index(finding.channel)
    return index in state.mask.bad and state.since_n > state.settled_n
