"""The families of networks as rows of the protocols: taught once, deployed for each wearer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from models.artifact import Artifact
from models.contract import Contract, Provenance, Quantization, Tensor
from models.linear_graph import linear_graph
from preprocessing.features import TimeDomain
from preprocessing.filters import Highpass
from preprocessing.stage import Chain
from preprocessing.windows import Windows
from training.covariance import features
from training.datasets import Segment
from training.days_artifact import linear
from training.export import NO_GOLDEN, write_artifact
from training.quantize import INPUT, NOTHING, OUTPUT
from training.raw_head import deploy_raw
from training.raw_tuned import for_anybody, for_wearer, teach
from training.recipe import STATIC, WEIGHTS, Fit, Recentring, Recipe, Signal
from training.windows import sessions

RING_N = 8
Made = tuple[Artifact, Artifact, float]
Make = Callable[..., Made]
"""(path, segments of the calibration, provenance, adaptive=, name=) -> (int8 artifact, float
artifact, seconds of the calibration)"""

PRETRAIN = Fit(
    500,
    256,
    3e-3,
    warmup_steps=50,
    average=0.99,
    mix=0.12,
    gain=0.2,
    channel_gain=0.2,
    noise=0.1,
)
FINETUNE = replace(PRETRAIN, steps=150, rate=1e-3, warmup_steps=20, average=0.98)
"""For every family the same. See docs/benchmarks.md for what was chosen on whom."""

RECENTRING = Recentring(prior_blocks=100)
"""26 s: of 0, 100, 300 and 1000 blocks the best on pre-training users who were left out, whose
other repetitions were moved as by another session."""

FAMILIES: Mapping[str, Recipe] = {
    name: Recipe(
        name,
        PRETRAIN,
        FINETUNE,
        network=name,
        width=width,
        recentring=RECENTRING,
        quantization=how,
    )
    for name, width, how in (
        ("second_order", 96, STATIC),
        ("raw_cnn", 64, STATIC),
        ("symmetric_cnn", 64, WEIGHTS),
        ("tcn", 64, WEIGHTS),
        ("gru", 48, WEIGHTS),
        ("lstm", 48, WEIGHTS),
        ("graph", 32, WEIGHTS),
        ("attention", 48, STATIC),
    )
} | {
    "dbn": Recipe(
        "dbn",
        replace(PRETRAIN, rate=1e-2),
        FINETUNE,
        network="dbn",
        width=96,
        features="log_covariance",
        recentring=RECENTRING,
    ),
    "second_order_episodic": Recipe(
        "second_order_episodic",
        replace(PRETRAIN, steps=1500, mix=0.06, gain=0.1, channel_gain=0.1),
        FINETUNE,
        network="second_order",
        width=96,
        recentring=RECENTRING,
    ),
    "mlp": Recipe(
        "mlp",
        PRETRAIN,
        FINETUNE,
        network="mlp",
        width=64,
        features="log_covariance",
        recentring=RECENTRING,
    ),
}
"""name -> its recipe, at the widths of docs/networks.md; weights alone are rounded where rounded
activations cost decisions, or more than they save"""

EPISODIC = ("second_order_episodic",)
"""Recipes whose pre-training plays calibrations (training.raw_episodes)."""

LINEAR: Mapping[str, tuple[str, ...]] = {
    "time_domain_lda": ("mav", "wl", "zc", "ssc"),
    "log_time_domain_lda": ("log_mav", "log_wl", "zc", "ssc"),
}
"""name -> features of a linear discriminant, in the wearer's own units, without any priors"""


def network_maker(
    general: Sequence[Segment],
    labels: tuple[str, ...],
    rest: str,
    recipe: Recipe,
    folder: Path,
    *,
    tune: bool,
) -> Make:
    """Deploys a network with a head on its embedding, the ring's turn found before it; `tune`:
    fitted to the wearer's calibration."""
    taught = teach(general, labels, recipe, RING_N, folder, episodes=recipe.name in EPISODIC)
    if not tune:
        _ = taught.family  # before the first wearer, whose calibration it is no part of
    golden = golden_of(general)
    last: dict[tuple[Any, ...], Any] = {}

    def make(path: Path, own: Sequence[Segment], origin: Provenance, **how: Any) -> Made:
        key = tuple((part.user, part.session, part.cycle, part.gesture) for part in own)
        if key not in last:
            last.clear()
            begin = time.perf_counter()
            found = for_wearer(taught, own, tune=tune) if own else for_anybody(taught)
            last[key] = found, time.perf_counter() - begin
        (family, head, chain), taken_s = last[key]
        made = deploy_raw(path, family, head, chain, labels, rest, origin, golden, **how)
        return *made, taken_s

    return make


def linear_maker(
    general: Sequence[Segment],
    labels: tuple[str, ...],
    rest: str,
    named: tuple[str, ...],
    window_samples: int,
) -> Make:
    """Deploys a linear discriminant of time-domain features: of the many where nothing is known
    of the wearer, else of the calibration alone. Float: two products are not worth rounding."""
    signal = replace(Signal(), window_samples=window_samples)
    golden = golden_of(general)
    chain = Chain(
        (
            Highpass(signal.highpass_hz, signal.highpass_order),
            Windows(signal.window_samples, signal.hop_samples),
            TimeDomain(named),
        )
    )

    def fitted(segments: Sequence[Segment]) -> tuple[Any, Any]:
        parts = [features(one, chain, labels, signal) for one in sessions(segments)]
        x = np.concatenate([found[held >= 0] for found, held, _ in parts])
        gestures = np.concatenate([held[held >= 0] for _, held, _ in parts])
        return linear(x, gestures, len(labels))

    @cache
    def everybody() -> tuple[Any, Any]:
        return fitted(general)

    def make(
        path: Path,
        own: Sequence[Segment],
        origin: Provenance,
        *,
        name: str,
        adaptive: bool = False,
    ) -> Made:
        begin = time.perf_counter()
        weights, offsets = fitted(own) if own else everybody()
        taken_s = time.perf_counter() - begin
        draft = Contract(
            name=name,
            spec=general[0].spec,
            chain=chain,
            decision=(),
            labels=labels,
            rest=rest,
            input=Tensor(INPUT, (1, len(weights)), "float32"),
            output=Tensor(OUTPUT, (1, len(labels)), "float32"),
            quantization=Quantization(NOTHING, "", 1.0, 0.0),
            golden=NO_GOLDEN,
            provenance=origin,
            digest="",
        )
        made = write_artifact(path, linear_graph(weights, offsets), draft, golden)
        return made, made, taken_s

    return make


def golden_of(general: Sequence[Segment]) -> Any:
    """(time, channel): a change of gesture."""
    return np.concatenate([general[0].samples[-80:], general[1].samples[:80]])
