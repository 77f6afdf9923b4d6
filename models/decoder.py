"""The decoder: chunks in, intents out, the same offline and live."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from acquisition.stream import Chunk, Spec
from models.adapt import Adapter
from models.adapt import State as Adaptive
from models.artifact import Artifact, check_spec
from models.decision import Decision
from models.familiar import Familiar
from models.first_turn import Seen, first_turn, seen
from models.foreign import Foreign
from models.guessed import Doubt, doubt_of
from models.head import logits as densities
from models.intent import Intent
from models.slip import as_calibrated
from models.still import Still
from preprocessing.ring import order_of
from preprocessing.stage import Array, Chain


class Window(NamedTuple):
    """What one decision will rest on."""

    x: Array
    """(1, ...) input of the network"""
    level: float
    """root mean square behind the filters"""
    clock_s: float
    """monotonic seconds of its newest sample"""
    sample_n: int
    """samples of the stream before its newest one"""
    power: Array | None = None
    """(channel,) mean square behind the filters, where a decision stage asks for it"""


@dataclass
class Counters:
    """What happened to the samples. Loss is a value, shown at the end."""

    samples: int = 0
    lost_samples: int = 0
    concealed_samples: int = 0
    """lost ones that were bridged by repeating the last sample"""
    void_samples: int = 0
    """dropped because a value was not a finite number"""
    restarts: int = 0
    """times that a gap ended the state and the chain began again"""
    decisions: int = 0
    rejected: int = 0


@dataclass
class State:
    """All that the decoder remembers."""

    before: Any
    after: Any
    decision: list[Any]
    network: Any = None
    """what a streaming network remembers"""
    adaptive: Adaptive | None = None
    """what follows the wearer; it outlives a gap"""
    started_sample_n: int = 0
    """samples of the stream before the chain's start"""
    sample_n: int = 0
    """samples of the stream so far, lost ones included"""
    last: Array | None = None
    guessed: tuple[int, ...] = ()
    """channels that somebody guesses: how loud they are tells nothing of the gesture"""
    doubt: Doubt | None = None
    """what is known of decisions while they are guessed"""
    doubted: tuple[int, tuple[int, ...]] = (0, ())
    """(turn, guessed) that it is known of"""
    first: Seen | None = None
    """of the first seconds of somebody who did not calibrate"""
    counters: Counters = field(default_factory=Counters)


class Decoder:
    """Settings and tools; what changes is in the State that `start` gives."""

    def __init__(self, artifact: Artifact) -> None:
        contract = artifact.contract
        cut = contract.chain.stages.index(contract.windows)
        self.contract = contract
        self.runtime = artifact.runtime
        self._before = Chain(contract.chain.stages[: cut + 1])
        self._after = Chain(contract.chain.stages[cut + 1 :])
        self._shape = contract.input.shape
        self._rest = contract.labels.index(contract.rest)
        self._decision = contract.decision
        self._spread = any(isinstance(stage, (Familiar, Still)) for stage in contract.decision)
        self._foreign = any(isinstance(stage, Foreign) for stage in contract.decision)
        self._labels = contract.labels
        self._rate_hz = contract.spec.rate_hz
        self._length = contract.windows.length_samples
        self._hop = contract.windows.hop_samples
        head, settings = contract.head, contract.adaptation
        self.adapter = None if head is None else Adapter(head, settings, self._rest)
        """None: the network's output holds the logits"""
        self._turn = 0 if head is None else head.turn
        self._guesses = contract.guessed.tables() if contract.guessed else None
        first = contract.first_turn
        asks = first and head and not head.calibrated and settings and settings.turn_blocks
        self._shifts = (first.table(), first.rest) if first and asks else None
        self._follows_output = contract.follows_output
        self.max_concealed_n = contract.windows.hop_samples
        """A gap of at most one hop is bridged by the last sample; a longer one ends the state."""

    def start(self) -> State:
        """A state that has seen nothing. Refuses a chain that does not fit its spec."""
        before, between = self._before.start(self.contract.spec)
        after, _ = self._after.start(between)
        labels, rest = self.contract.labels, self.contract.rest
        decision = [s.start(labels, rest) for s in self.contract.decision]
        adaptive = self.adapter.start() if self.adapter else None
        first = seen(self.adapter.head) if self.adapter and self._shifts else None
        return State(before, after, decision, self.runtime.start(), adaptive, first=first)

    def push(self, chunk: Chunk, state: State) -> list[Window]:
        """The windows that the chunk completes. Never raises for what a stream can bring: gaps
        are bridged or end the state, and a chunk with NaN or infinity is a gap."""
        counters, x = state.counters, chunk.samples
        lost = chunk.lost
        counters.samples += len(x)
        counters.lost_samples += lost
        # One product tells NaN and infinity at once, and beyond 1e19 nothing is EMG either.
        if not math.isfinite(np.vdot(x, x)):
            counters.void_samples += len(x)
            self.restart(state, lost + len(x))
            return []
        if lost and state.last is not None and lost <= self.max_concealed_n:
            counters.concealed_samples += lost
            x = np.concatenate([np.repeat(state.last, lost, axis=0), x])
        elif lost:
            self.restart(state, lost)
        if not len(x):
            return []
        state.last = x[-1:]
        state.sample_n += len(x)
        newest_s = chunk.clock_s + (len(chunk.samples) - 1) / self._rate_hz
        cut, state.before = self._before.step(x, state.before)
        return self._windows(cut, newest_s, state) if len(cut) else []

    def decide(self, window: Window, state: State) -> Intent:
        """One decision on one window. Every window in turn: a streaming network rests on it, and
        what adapts learns from it for the windows after it."""
        logits, embedding = self._logits(window.x, state)
        if self.contract.targets:
            return self._aimed(logits, window, state)
        top = max(logits)
        gesture = logits.index(top)
        confidence = 1 / sum([math.exp(v - top) for v in logits])
        power, adaptive = window.power, state.adaptive
        if power is not None and adaptive and self.adapter and adaptive.turn != self._turn:
            power = as_calibrated(self.adapter.head, power, adaptive.turn)
        decision = Decision(gesture, confidence, window.level, 1.0, False, power)
        if self._foreign:
            decision = self._with_density(decision, embedding, state)
        for settings, memory in zip(self._decision, state.decision, strict=True):
            decision = settings.step(decision, memory)
        if self.adapter and adaptive and not state.doubt:
            learned = embedding[None] if self._follows_output else window.x
            self.adapter.learn(learned, adaptive, strange=self._foreign and decision.rejected)
            if state.first is not None:
                self._ask_first(window.x[0], state.first, self.adapter, adaptive)
        state.counters.decisions += 1
        state.counters.rejected += decision.rejected
        return Intent(
            self._labels[decision.gesture],
            0.0 if decision.gesture == self._rest else decision.strength,
            decision.confidence,
            window.clock_s,
            state.counters.decisions,
            decision.rejected,
        )

    def _logits(self, x: Array, state: State) -> tuple[list[float], Any]:
        """(logits, embedding or None)"""
        adapter, adaptive = self.adapter, state.adaptive
        if adapter is None or adaptive is None:
            out: list[float] = self.runtime.run(x, state.network)[0].tolist()
            return out, None
        embedding = self.runtime.run(adapter.arranged(x, adaptive), state.network)[0]
        doubt = state.doubt = self._doubting(adapter, adaptive.turn, state)
        if doubt is not None:
            adapter, embedding = doubt.adapter, embedding - doubt.shift
        decided: list[float] = adapter.logits(embedding, adaptive, x).tolist()
        return decided, embedding

    def _ask_first(self, x: Any, first: Seen, adapter: Adapter, adaptive: Adaptive) -> None:
        """Whether the ring is worn in another way. What was learnt by then is found afresh."""
        if self._shifts is None:
            return
        turn = first_turn(adapter.head, self._shifts, x, adaptive.turn, self._rest, first)
        if turn != adaptive.turn:
            adaptive.turn, adaptive.means, adaptive.watch = turn, adapter.reference, 0.0
            adaptive.counts.turns += 1

    def _doubting(self, adapter: Adapter, turn: int, state: State) -> Doubt | None:
        """What is known of decisions on channels that are guessed now."""
        if not state.guessed or self._guesses is None:
            return None
        if state.doubt is not None and state.doubted == (turn, state.guessed):
            return state.doubt
        state.doubted = turn, state.guessed
        order = order_of(turn, len(self.contract.spec.channels))
        places = tuple(sorted(order.index(channel) for channel in state.guessed))
        return doubt_of(adapter, self._guesses, places)

    def _with_density(self, decision: Decision, embedding: Any, state: State) -> Decision:
        """The decision with what Foreign asks for, where there is a head."""
        if self.adapter is None or state.adaptive is None:
            return decision
        own, doubt = self.adapter.head, state.doubt
        head = own if doubt is None else doubt.adapter.head
        each = densities(head, embedding, state.adaptive.means) + (own.scales - head.scales)
        spread = None if doubt is None else doubt.spread
        return decision._replace(likely=float(each.max()), embedding=embedding, spread=spread)

    def _aimed(self, outputs: list[float], window: Window, state: State) -> Intent:
        """The intent of a regression network: its outputs, within the contract's ranges."""
        state.counters.decisions += 1
        aims = zip(outputs, self.contract.targets, strict=True)
        targets = tuple(min(max(v, target.low), target.high) for v, target in aims)
        n = state.counters.decisions
        return Intent(self.contract.rest, 0.0, 1.0, window.clock_s, n, targets=targets)

    def step(self, chunk: Chunk, state: State) -> list[Intent]:
        """Every decision that the chunk completes."""
        return [self.decide(window, state) for window in self.push(chunk, state)]

    def restart(self, state: State, lost: int = 0) -> None:
        """A gap ends the state: a filter must not ring across a hole, nor a window span it. So do
        channels that change their places."""
        fresh = self.start()
        state.before, state.after, state.decision = fresh.before, fresh.after, fresh.decision
        state.network = fresh.network
        if self.adapter and state.adaptive:
            self.adapter.forget_block(state.adaptive)
        if state.first is not None:
            state.first.forget_block()
        state.sample_n += lost
        state.started_sample_n = state.sample_n
        state.last = None
        state.counters.restarts += 1

    def _windows(self, cut: Array, newest_s: float, state: State) -> list[Window]:
        features, state.after = self._after.step(cut, state.after)
        since = state.sample_n - state.started_sample_n - self._length
        behind = since % self._hop + (len(cut) - 1) * self._hop
        out = []
        for i in range(len(cut)):
            window = cut[i]
            level = math.sqrt(np.vdot(window, window) / window.size)
            x = features[i].reshape(self._shape)
            at_s, at_n = newest_s - behind / self._rate_hz, state.sample_n - 1 - behind
            power = np.square(window).mean(axis=1) if self._spread else None
            if power is not None and state.guessed:
                power[list(state.guessed)] = np.nan
            out.append(Window(x, level, at_s, at_n, power))
            behind -= self._hop
        return out


def open_decoder(artifact: Artifact, source_spec: Spec) -> Decoder:
    """A decoder for a live stream. Refuses a stream that the artifact was not trained for."""
    check_spec(artifact.contract, source_spec)
    decoder = Decoder(artifact)
    decoder.start()
    return decoder
