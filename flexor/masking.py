"""What is done to a bad signal while the hand is driven, from when on, and what a person is told:
channels that are not to be believed are guessed, and mains interference is taken out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Chunk, Spec
from models.contract import Contract
from preprocessing.channels import Pick
from preprocessing.hum import Hum
from preprocessing.hum import State as HumState
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
    hum: HumState | None = None
    """what is known of the line, once it is taken out"""


def masking(contract: Contract) -> Masking:
    """No channel guessed."""
    window_n = contract.windows.length_samples
    mask = MASK.start(contract.spec, usual_of(contract))
    return Masking(contract.spec, mask, settled_n=window_n)


def usual_of(contract: Contract) -> NDArray[np.float64] | None:
    """(channel, channel) mean covariance of the calibration in the source's order of channels,
    where the contract tells it."""
    source = names = contract.spec.channels
    for stage in contract.chain.stages:
        if isinstance(stage, Pick):
            names = stage.channels
        if isinstance(stage, Recentre) and set(names) == set(source):
            order = [names.index(channel) for channel in source]
            return np.array(stage.reference, np.float64)[np.ix_(order, order)]
    return None


def masked(state: Masking, chunk: Chunk) -> Chunk:
    """The chunk without the line where there was much of it, and with the bad channels guessed."""
    state.since_n += len(chunk.samples) + chunk.lost
    if state.hum is not None:
        chunk = replace(chunk, samples=Hum().step(chunk.samples, state.hum))
    if not state.mask.bad:
        return chunk
    return replace(chunk, samples=MASK.step(chunk.samples, state.mask))


def cancel(state: Masking, findings: tuple[Finding, ...], line_hz: float) -> str:
    """Takes the line out from now on where it was found; a sentence when that begins."""
    if state.hum is not None or not any(f.kind == "line" for f in findings):
        return ""
    state.hum = Hum(line_hz).start(state.spec)
    return f"Mains interference of {line_hz:g} Hz is taken out of all channels from now on."


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
