"""A network on raw windows with a head: what many users taught its filters stays as it is, and a
wearer is one closed-form head on its embedding, which may follow the wearer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from acquisition.stream import Samples, Spec
from models.adapt import Adaptation
from models.artifact import Artifact
from models.calibrate import calibrated
from models.contract import Contract, Provenance, Quantization, Tensor
from models.head import Head
from preprocessing.bands import BANDS, BandsAndWindow
from preprocessing.features import symmetric_log
from preprocessing.stage import Chain
from training.build import input_shape, network_for
from training.covariance import adaptation_for
from training.datasets import Segment
from training.export import NO_GOLDEN, write_artifact
from training.fit import Progress
from training.folding import folded
from training.head import DIMENSIONS, Session, Views, fit_head
from training.quantize import INPUT, OUTPUT, to_onnx
from training.raw_rounding import rounded
from training.raw_weights import kept_weights
from training.recipe import Fit, Recipe, Signal
from training.windows import deployed_chain, reference, sessions, spec_of, window_set

RECIPE = Recipe(
    "second_order",
    Fit(
        2000,
        256,
        3e-3,
        warmup_steps=50,
        average=0.99,
        mix=0.06,
        gain=0.15,
        channel_gain=0.1,
        noise=0.05,
    ),
    Fit(200),
    network="second_order",
    width=96,
)
"""The settings of the quick comparison in docs/networks.md with four times the steps; none of them
was searched for. `finetune` is not used."""
QUANTIZED_ON = 1024
"""Windows that the quantization is calibrated on."""
AT_ONCE = 512


@dataclass(frozen=True, eq=False)
class RawFamily:
    """What many users taught: the same graph for everybody, and the head of somebody new."""

    recipe: Recipe
    both: bool
    """the head rests on band covariances as well"""
    chain: Chain
    """re-centring from the users' mean covariance"""
    head: Head
    """projects what the network gives before the projection; see `behind`"""
    network: nn.Module
    adaptation: Adaptation
    full: bytes
    small: bytes
    quantization: Quantization
    spec: Spec


def fit_raw_family(
    segments: Sequence[Segment],
    labels: Sequence[str],
    recipe: Recipe,
    folder: Path,
    progress: Progress | None = None,
) -> RawFamily:
    """From the sessions of many users. folder: keeps the network's weights for a later call with
    the same recipe and users."""
    spec, users = spec_of(segments), sessions(segments)
    network = network_for(recipe, len(spec.channels), len(labels))
    network.load_state_dict(dict(kept_weights(segments, labels, recipe, folder, progress)))
    network.eval()
    known = [windows_of(parts, recipe, labels, recipe.signal.hop_samples) for parts in users]
    chain = chain_of(recipe, mean_of([reference(parts, recipe) for parts in users]))
    adaptation = adaptation_for(recipe.signal, spec)
    told = [(x, held) for x, held, _ in known]
    return family_of(network, told, labels, recipe, chain, spec, adaptation.block_windows)


def family_of(
    network: nn.Module,
    known: Sequence[tuple[Samples, NDArray[np.int64]]],
    labels: Sequence[str],
    recipe: Recipe,
    chain: Chain,
    spec: Spec,
    block_windows: int,
    *,
    both: bool = False,
    dimensions_n: int = DIMENSIONS,
    views: Views = (),
) -> RawFamily:
    """The head and the graphs of a network that is fitted already.

    known: (windows as the network takes them, gestures) of each user, in stream order;
    block_windows: how many of them make half a second; both: of windows with band covariances
    before them, one graph and one head on both; views: see training.head.fit_head.
    """
    embedded = [Session(_embedded(network, x, recipe, both), held) for x, held in known]
    head = fit_head(embedded, len(labels), block_windows, dimensions_n=dimensions_n, views=views)
    some = [x[:: max(1, len(known) * len(x) // QUANTIZED_ON)] for x, _ in known]
    every = np.concatenate(some)
    joined = _Joined(folded(network), recipe, both)
    full = to_onnx(_Projected(joined, head), (1, *every.shape[1:]))
    operators = cast("tuple[str, ...] | None", network.INT8)
    small, quantization = rounded(full, every, operators, recipe.quantization)
    adaptation = adaptation_for(recipe.signal, spec)
    return RawFamily(
        recipe, both, chain, head, network, adaptation, full, small, quantization, spec
    )


def wearers_raw(
    family: RawFamily, own: Sequence[Segment], labels: Sequence[str]
) -> tuple[Head, Chain]:
    """(head, chain centred on the calibration); `own` are segments of one session of the wearer."""
    recipe, both = family.recipe, family.both
    x, held, cycles = windows_of(own, recipe, labels, recipe.signal.hop_samples, both)
    settings = family.adaptation
    head = calibrated(
        family.head,
        _embedded(family.network, x, recipe, both),
        held,
        cycles,
        settings.block_windows,
        settings.weight,
    )
    return head, chain_of(recipe, reference(own, recipe), both)


def behind(head: Head) -> Head:
    """The same head behind a graph that holds its projection."""
    n = head.projection.shape[1]
    return replace(head, projection=np.eye(n), offset=np.zeros(n))


def deploy_raw(
    path: Path,
    family: RawFamily,
    head: Head,
    chain: Chain,
    labels: tuple[str, ...],
    rest: str,
    origin: Provenance,
    golden: Samples,
    *,
    adaptive: bool,
    name: str,
) -> tuple[Artifact, Artifact]:
    """(int8 artifact at `path`, float artifact beside it)."""
    channels_n = len(family.spec.channels)
    shape = input_shape(family.recipe, channels_n)
    if family.both:
        shape = (1, bands_n(channels_n) + channels_n * family.recipe.signal.window_samples)
    draft = Contract(
        name=name,
        spec=family.spec,
        chain=chain,
        decision=(),
        labels=labels,
        rest=rest,
        input=Tensor(INPUT, shape, "float32"),
        output=Tensor(OUTPUT, (1, head.projection.shape[1]), "float32"),
        quantization=family.quantization,
        golden=NO_GOLDEN,
        provenance=origin,
        digest="",
        head=behind(head),
        adaptation=family.adaptation if adaptive else None,
    )
    plain = replace(draft, quantization=Quantization("none", "", 1.0, 0.0))
    beside = path.with_name(f"{path.stem}.float.onnx")
    whole = write_artifact(beside, family.full, plain, golden)
    return write_artifact(path, family.small, draft, golden), whole


class _Joined(nn.Module):
    """What the head's projection rests on: the network's embedding, of what the network takes; or
    both, of band covariances with windows behind them, covariances first."""

    def __init__(self, network: nn.Module, recipe: Recipe, both: bool) -> None:
        super().__init__()
        self.network, self.time_n, self.both = network, recipe.signal.window_samples, both
        self.channels_n = cast("nn.Conv2d", network.filters).in_channels if both else 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.both:
            return cast("torch.Tensor", self.network.embed(x))  # type: ignore[operator]
        before_n = bands_n(self.channels_n)
        window = x[:, before_n:].reshape(-1, self.channels_n, 1, self.time_n)
        found = self.network.embed(window)  # type: ignore[operator]
        return torch.cat([found, x[:, :before_n]], 1)


class _Projected(nn.Module):
    """What the head's projection rests on, and the projection behind it."""

    def __init__(self, network: nn.Module, head: Head) -> None:
        super().__init__()
        self.network = network
        features_n, dimensions_n = head.projection.shape
        self.projection = nn.Linear(features_n, dimensions_n)
        with torch.no_grad():
            self.projection.weight.copy_(torch.from_numpy(head.projection.T.copy()))
            self.projection.bias.copy_(torch.from_numpy(head.offset.copy()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return cast("torch.Tensor", self.projection(self.network(x)))


def windows_of(
    parts: Sequence[Segment],
    recipe: Recipe,
    labels: Sequence[str],
    hop_samples: int,
    both: bool = False,
) -> tuple[Samples, NDArray[np.int64], NDArray[np.int64]]:
    """(windows as the network takes them, gestures, cycles) of one session, centred on itself."""
    found = window_set([parts], recipe, labels, hop_samples)
    ends = np.cumsum([len(part.samples) for part in parts])
    owner = np.searchsorted(ends, found.starts, side="right")
    cycles = np.array([part.cycle for part in parts])[owner]
    x = found.windows(np.arange(len(found)))
    if both:
        stage = BandsAndWindow(recipe.signal.window_samples)
        x = stage.step(x, stage.start(parts[0].spec)[0])[0]
    else:
        x = found.inputs(x)
    return x, found.gestures, cycles


def _embedded(network: nn.Module, x: Samples, recipe: Recipe, both: bool) -> NDArray[np.float32]:
    joined = _Joined(network, recipe, both)
    with torch.no_grad():
        found = [
            joined(torch.from_numpy(x[i : i + AT_ONCE])).numpy() for i in range(0, len(x), AT_ONCE)
        ]
    return np.concatenate(found)


def chain_of(recipe: Recipe, centre: tuple[tuple[float, ...], ...], both: bool = False) -> Chain:
    """The stages before the graph, re-centred from this mean covariance."""
    chain = deployed_chain(recipe, centre)
    joined = (BandsAndWindow(recipe.signal.window_samples),) if both else ()
    return Chain((*chain.stages, *joined))


def bands_n(channels_n: int) -> int:
    """How many numbers BandCovariance gives."""
    return len(BANDS) * channels_n * (channels_n + 1) // 2


def mean_of(centres: Sequence[tuple[tuple[float, ...], ...]]) -> tuple[tuple[float, ...], ...]:
    """Log-Euclidean mean of covariances."""
    logs = [symmetric_log(np.array(centre)) for centre in centres]
    values, vectors = np.linalg.eigh(np.mean(logs, axis=0))
    mean = (vectors * np.exp(values)) @ vectors.T
    return tuple(tuple(float(v) for v in row) for row in (mean + mean.T) / 2)


def signal_of(recipe: Recipe, window_samples: int) -> Recipe:
    """The recipe with windows of another length."""
    return replace(recipe, signal=replace(Signal(), window_samples=window_samples))
