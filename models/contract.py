"""The contract: all that a deployed network promises and demands (JSON: contract_json)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from acquisition.stream import Refused, Spec
from models.adapt import Adaptation
from models.first_turn import FirstTurn
from models.guessed import Guessed
from models.head import Head
from preprocessing.stage import Array, Chain
from preprocessing.windows import Windows

SCHEMA = 1
"""Raised whenever a reader of the old contracts would misunderstand a new one."""


@dataclass(frozen=True)
class Tensor:
    """One input or output of the network."""

    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Target:
    """One continuous output of a regression network."""

    name: str
    unit: str
    low: float
    high: float
    """The decoder keeps the output within these: nothing beyond them was trained on."""


@dataclass(frozen=True)
class Stream:
    """How a network runs on the newest samples alone: what it remembers goes in and out as
    further tensors of the graph, all zero at first."""

    input: Tensor
    """(1, channel, 1, hop): the newest samples of the window"""
    states: tuple[Tensor, ...]
    after: tuple[str, ...]
    """name of the output that holds each state afterwards, of the same shape"""


@dataclass(frozen=True)
class Quantization:
    """How the network was made small, and what that cost."""

    method: str
    """e.g. "static QDQ, uint8 activations, int8 weights per channel", or "none"."""
    calibration_digest: str
    agreement: float
    """Share of held-out windows on which the small network decides as the float one."""
    max_error: float
    """Largest difference of a logit from the float network on them."""


@dataclass(frozen=True)
class Golden:
    """A short recording and what must come of it, checked at every load."""

    samples: Array
    """(time, channel), as the source gives them"""
    windows: tuple[int, ...]
    """numbers of the windows whose features are kept"""
    features: Array
    """(window, ...): what the chain makes of those windows"""
    logits: Array
    """(window, output): of all windows"""
    features_tolerance: float
    """largest allowed difference, relative to the largest feature"""
    logits_tolerance: float
    """largest allowed difference of a logit: a few steps of the output's quantization"""


@dataclass(frozen=True)
class Provenance:
    """Where the weights come from."""

    data: str
    data_digest: str
    users: Mapping[str, tuple[str, ...]]
    """split -> who was in it"""
    seed: int
    commit: str
    """git commit of the code that made it, "+dirty" behind it when files were changed"""
    metrics: Mapping[str, float]
    """name (of a user, or "mean") -> share of windows decided rightly"""


@dataclass(frozen=True)
class Contract:
    """What is deployed. Written by training/export.py alone, read by models/artifact.py alone."""

    name: str
    spec: Spec
    chain: Chain
    decision: tuple[Any, ...]
    labels: tuple[str, ...]
    rest: str
    input: Tensor
    output: Tensor
    quantization: Quantization
    golden: Golden
    provenance: Provenance
    digest: str
    """SHA-256 of the graph without this contract"""
    schema: int = SCHEMA
    targets: tuple[Target, ...] = ()
    """What a regression network gives, in order; its only label is rest."""
    stream: Stream | None = None
    """None: the graph takes the whole window."""
    head: Head | None = None
    """What decides on the graph's output; None: that output holds the logits itself."""
    adaptation: Adaptation | None = None
    """How the head follows the wearer; None: it stays as it is."""
    guessed: Guessed | None = None
    """What a guessed channel does to what the head decides on; None: nobody measured it."""
    first_turn: FirstTurn | None = None
    """How a ring's turn is told in the first seconds; None: only later."""

    def __post_init__(self) -> None:
        if self.schema != SCHEMA:
            raise Refused(
                f"The artifact follows contract schema {self.schema} and this version reads "
                f"{SCHEMA}; export it again with this version, or update this one."
            )
        if self.rest not in self.labels or len(set(self.labels)) != len(self.labels):
            raise Refused(
                f'The contract calls "{self.rest}" rest, and its labels are {list(self.labels)}; '
                f"labels must be distinct and one of them rest."
            )
        what = "targets" if self.targets else "labels"
        want_n = len(self.targets or self.labels)
        if self.head is not None:
            self._check_head(self.head)
            what, want_n = "dimensions", self.head.means.shape[1]
        elif self.adaptation is not None:
            raise Refused("The contract wants to adapt and has no head; export it again.")
        if self.guessed is not None:
            self._check_guessed(self.guessed)
        if self.first_turn is not None:
            self._check_first_turn(self.first_turn)
        if self.output.shape[-1] != want_n:
            raise Refused(
                f"The network has {self.output.shape[-1]} outputs and the contract "
                f"{want_n} {what}; export it again."
            )
        if self.targets and (len(self.labels) > 1 or self.decision):
            raise Refused(
                f"The contract has the targets {[t.name for t in self.targets]} and decides "
                f"gestures as well; train one network for each."
            )
        if sum(isinstance(stage, Windows) for stage in self.chain.stages) != 1:
            raise Refused("The contract's chain must cut windows exactly once.")

    def _check_head(self, head: Head) -> None:
        gestures_n, features_n = len(head.means), len(head.projection)
        size = self.output.shape[-1] if self.follows_output else self.input.shape[-1]
        if gestures_n != len(self.labels) or features_n != size or self.targets or self.stream:
            raise Refused(
                f"The head decides {gestures_n} gestures on {features_n} features, and the "
                f"contract has {len(self.labels)} labels and {size} of what the head follows; "
                f"export it again."
            )

    def _check_guessed(self, guessed: Guessed) -> None:
        dimensions_n = 0 if self.head is None else self.head.means.shape[1]
        if (guessed.channels_n, guessed.dimensions_n) != (len(self.spec.channels), dimensions_n):
            raise Refused(
                f"The contract tells what a guess of {guessed.channels_n} channels does to "
                f"{guessed.dimensions_n} dimensions, and has {len(self.spec.channels)} channels "
                f"and {dimensions_n} dimensions of a head; export it again."
            )
        guessed.tables()

    def _check_first_turn(self, first: FirstTurn) -> None:
        features_n = 0 if self.head is None else self.head.turn_spread.shape[1]
        if first.features_n != features_n or self.adaptation is None:
            raise Refused(
                f"The contract tells how shifts of {first.features_n} features scatter, for a head "
                f"that adapts and finds turns by {features_n}; export it again."
            )
        first.table()

    @property
    def follows_output(self) -> bool:
        """Whether the head remembers the graph's output, as behind a network on windows, and not
        its input, as behind features."""
        shape, head = self.input.shape, self.head
        return len(shape) > 2 or (head is not None and shape[-1] != len(head.projection))

    @property
    def windows(self) -> Windows:
        """The stage that cuts windows."""
        return next(stage for stage in self.chain.stages if isinstance(stage, Windows))

    @property
    def hop_s(self) -> float:
        """Seconds from one decision to the next."""
        return self.windows.hop_samples / self.spec.rate_hz

    @property
    def delay_s(self) -> float:
        """How old the middle of what a decision rests on is: window and filters, no computing."""
        return self.chain.delay_s(self.spec)
