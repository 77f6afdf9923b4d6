"""An experiment's settings, read once from its TOML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from acquisition.stream import Refused
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
    rotate_electrodes: int = 0
    """augmentation: turns the ring by up to so many electrodes either way"""
    lose_channel: float = 0.0
    """augmentation: share of channels that are lost, and guessed from the others as in use"""
    shift_samples: int = 0
    """augmentation: moves a window by up to so many samples either way, over the edge of a gesture
    too: a decision is due while the hand still moves"""
    check_steps: int = 0
    """steps from one check on held-out data to the next; 0 holds nothing out"""
    patience_checks: int = 5
    """stops early after so many checks without a better loss"""


SUPERVISED, MASKED, PREDICTIVE = "supervised", "masked", "predictive"
PSEUDO = "pseudo"
STATIC, AWARE, WEIGHTS, FLOAT = "static", "aware", "weights", "float"


@dataclass(frozen=True)
class Unlabelled:
    """How windows without labels teach while the network is fitted to a wearer."""

    method: str = ""
    """"": they do not. "pseudo": the averaged network's confident decisions are labels."""
    weight: float = 1.0
    """of their loss against that of the labelled windows"""
    min_confidence: float = 0.6
    """Below it a pseudo-label does not count. Smoothed labels and little data keep confidence low;
    on virtual wearers 0.6 gained 14 points with few labels, and 0.9 nothing."""
    begin_share: float = 0.4
    """of the steps, before which only labels teach"""


@dataclass(frozen=True)
class Teacher:
    """A larger network that is trained first and then imitated (Hinton, arXiv 1503.02531)."""

    network: str = ""
    """"": nobody teaches"""
    width: int = 128
    options: Mapping[str, Any] = field(default_factory=dict)
    weight: float = 0.5
    """of the imitation's loss; the labels' has the rest"""
    temperature: float = 1.0
    """Above 1 the student learns more slowly: 200 steps were too few at 2 and 3."""


@dataclass(frozen=True)
class Decisions:
    """Which decision stages ride in the artifact."""

    min_confidence: float = 0.0
    votes_n: int = 1
    hold_decisions: int = 1
    ramp_decisions: int = 1
    familiar: bool = False
    """refuse windows that look like nothing in the calibration (models.familiar)"""

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
    options: Mapping[str, Any] = field(default_factory=dict)
    """settings of the network's family; see docs/networks.md"""
    features: str = ""
    """what the network takes instead of the window: "time_domain" or "log_covariance" """
    targets: tuple[str, ...] = ()
    """continuous targets to estimate, by name; without any, the network decides gestures"""
    streaming: bool = False
    """the artifact runs on the newest samples alone; for families that have such a form"""
    pretraining: str = SUPERVISED
    """what `pretrain` teaches: "supervised" gestures; or, without labels, "masked" (what hidden
    channels and moments held) or "predictive" (which window comes next)"""
    unlabelled: Unlabelled = field(default_factory=Unlabelled)
    teacher: Teacher = field(default_factory=Teacher)
    quantization: str = STATIC
    """"static"; "aware", trained to be rounded, where static int8 costs too much; "weights", these
    alone, for estimates; or "float" """
    signal: Signal = field(default_factory=Signal)
    recentring: Recentring = field(default_factory=Recentring)
    decision: Decisions = field(default_factory=Decisions)

    def __post_init__(self) -> None:
        for name, value, known in (
            ("pretraining", self.pretraining, (SUPERVISED, MASKED, PREDICTIVE)),
            ("unlabelled method", self.unlabelled.method, ("", PSEUDO)),
            ("quantization", self.quantization, (STATIC, AWARE, WEIGHTS, FLOAT)),
        ):
            if value not in known:
                words = ", ".join(f'"{word}"' for word in known)
                raise Refused(f'The recipe\'s {name} is "{value}"; it can be {words}.')
