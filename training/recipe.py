"""An experiment's settings, read once from its TOML."""

from __future__ import annotations

from dataclasses import dataclass, field

from models.decision import Hold, Proportional, Ramp, Reject, Vote, levels_from


@dataclass(frozen=True)
class Signal:
    """What stands before the network."""

    highpass_hz: float = 2.0
    highpass_order: int = 3
    window_samples: int = 52
    """260 ms at 200 Hz, as the published protocol has it"""
    hop_samples: int = 5


@dataclass(frozen=True)
class Recentring:
    """See preprocessing.recentre."""

    prior_blocks: int = 300
    """80 s of signal; accuracy on the MyoArmbandDataset is flat from 10 s to 160 s"""
    block_samples: int = 52
    ridge: float = 1.0
    bound: float = 2.0


@dataclass(frozen=True)
class Fit:
    """One run of the optimizer (AdamW, cosine schedule, averaged weights)."""

    steps: int
    batch: int = 128
    rate: float = 1e-3
    warmup_steps: int = 30
    weight_decay: float = 1e-3
    label_smoothing: float = 0.1
    average: float = 0.98
    """decay per step of the averaged weights that are kept in the end"""
    mix: float = 0.04
    """augmentation: standard deviation of a random mixing of channels"""
    gain: float = 0.0
    """of the logarithm of a gain common to all channels"""
    channel_gain: float = 0.0
    """of the logarithm of each channel's gain"""
    noise: float = 0.0
    """of white noise, against the session's usual level"""


@dataclass(frozen=True)
class Decisions:
    """Which decision stages ride in the artifact."""

    min_confidence: float = 0.0
    votes_n: int = 1
    hold_decisions: int = 1
    ramp_decisions: int = 1

    def stages(self, levels: dict[str, float]) -> tuple[object, ...]:
        """The stages, with each gesture's calibrated level."""
        made: list[object] = [Proportional(levels_from(levels))]
        if self.min_confidence > 0:
            made.insert(0, Reject(self.min_confidence))
        if self.votes_n > 1:
            made.append(Vote(self.votes_n))
        if self.hold_decisions > 1:
            made.append(Hold(self.hold_decisions))
        if self.ramp_decisions > 1:
            made.append(Ramp(self.ramp_decisions))
        return tuple(made)


@dataclass(frozen=True)
class Recipe:
    """Everything a training depends on, but the data."""

    name: str
    pretrain: Fit
    finetune: Fit
    seed: int = 0
    network: str = "raw_cnn"
    width: int = 64
    signal: Signal = field(default_factory=Signal)
    recentring: Recentring = field(default_factory=Recentring)
    decision: Decisions = field(default_factory=Decisions)
