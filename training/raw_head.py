"""A network on raw windows with a head: what many users taught its filters stays as it is, and a
wearer is one closed-form head on its embedding, which may follow the wearer."""

from __future__ import annotations

import hashlib
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
from training.export import NO_GOLDEN, calibration_digest, write_artifact
from training.fit import Progress
from training.folding import folded
from training.head import Session, fit_head
from training.quantize import INPUT, METHOD, OUTPUT, feeds_of, to_int8, to_onnx
from training.recipe import Fit, Recipe, Signal
from training.train import Weights, pretrain
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
    *,
    both: bool = False,
) -> RawFamily:
    """From the sessions of many users; both: band covariances stand beside the network's embedding,
    one graph, one head. folder: keeps the network's weights for a later call with
    the same recipe and users."""
    spec, users = spec_of(segments), sessions(segments)
    network = network_for(recipe, len(spec.channels), len(labels))
    network.load_state_dict(dict(_weights(segments, labels, recipe, folder, progress)))
    network.eval()
    centres = [reference(parts, recipe) for parts in users]
    known, windows = [], []
    for parts in users:
        x, held, _ = _windows(parts, recipe, labels, both)
        known.append(Session(_embedded(network, x, recipe), held))
        windows.append(x[:: max(1, len(users) * len(x) // QUANTIZED_ON)])
    adaptation = adaptation_for(recipe.signal, spec)
    head = fit_head(known, len(labels), adaptation.block_windows)
    every = np.concatenate(windows)
    full = to_onnx(_Projected(_Joined(folded(network), recipe), head), (1, *every.shape[1:]))
    operators = cast("tuple[str, ...]", network.INT8)
    small = to_int8(full, feeds_of(full, every, None), operators)
    quantization = Quantization(METHOD, calibration_digest(every), 1.0, 0.0)
    chain = _chain(recipe, _mean(centres), both)
    return RawFamily(
        recipe, both, chain, head, network, adaptation, full, small, quantization, spec
    )


def wearers_raw(
    family: RawFamily, own: Sequence[Segment], labels: Sequence[str]
) -> tuple[Head, Chain]:
    """(head, chain centred on the calibration); `own` are segments of one session of the wearer."""
    x, held, cycles = _windows(own, family.recipe, labels, family.both)
    settings = family.adaptation
    head = calibrated(
        family.head,
        _embedded(family.network, x, family.recipe),
        held,
        cycles,
        settings.block_windows,
        settings.weight,
    )
    return head, _chain(family.recipe, reference(own, family.recipe), family.both)


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
        shape = (1, _bands_n(channels_n) + channels_n * family.recipe.signal.window_samples)
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
    """What the head's projection rests on: the network's embedding, of windows (window, channel, 1,
    time); or of band covariances with windows behind them, covariances first."""

    def __init__(self, network: nn.Module, recipe: Recipe) -> None:
        super().__init__()
        self.network, self.time_n = network, recipe.signal.window_samples
        self.channels_n = cast("nn.Conv2d", network.filters).in_channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.ndim > 2:
            return cast("torch.Tensor", self.network.embed(x))  # type: ignore[operator]
        bands_n = _bands_n(self.channels_n)
        window = x[:, bands_n:].reshape(-1, self.channels_n, 1, self.time_n)
        found = self.network.embed(window)  # type: ignore[operator]
        return torch.cat([found, x[:, :bands_n]], 1)


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


def _windows(
    parts: Sequence[Segment], recipe: Recipe, labels: Sequence[str], both: bool
) -> tuple[Samples, NDArray[np.int64], NDArray[np.int64]]:
    """(windows as the network takes them, gestures, cycles) of one session, centred on itself."""
    found = window_set([parts], recipe, labels, recipe.signal.hop_samples)
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


def _embedded(network: nn.Module, x: Samples, recipe: Recipe) -> NDArray[np.float32]:
    joined = _Joined(network, recipe)
    with torch.no_grad():
        found = [
            joined(torch.from_numpy(x[i : i + AT_ONCE])).numpy() for i in range(0, len(x), AT_ONCE)
        ]
    return np.concatenate(found)


def _chain(recipe: Recipe, centre: tuple[tuple[float, ...], ...], both: bool) -> Chain:
    chain = deployed_chain(recipe, centre)
    joined = (BandsAndWindow(recipe.signal.window_samples),) if both else ()
    return Chain((*chain.stages, *joined))


def _bands_n(channels_n: int) -> int:
    return len(BANDS) * channels_n * (channels_n + 1) // 2


def _weights(
    segments: Sequence[Segment],
    labels: Sequence[str],
    recipe: Recipe,
    folder: Path,
    progress: Progress | None,
) -> Weights:
    digest = hashlib.sha256(f"{recipe} {labels}".encode())
    for segment in segments:
        digest.update(f"{segment.user} {segment.session} {segment.gesture}".encode())
        digest.update(np.ascontiguousarray(segment.samples).tobytes())
    path = folder / f"{recipe.network}-{digest.hexdigest()[:16]}.pt"
    if path.exists():
        return cast("Weights", torch.load(path, weights_only=True))
    weights = pretrain(recipe, segments, labels, progress, folder / path.stem)
    torch.save(dict(weights), path)
    return weights


def _mean(centres: Sequence[tuple[tuple[float, ...], ...]]) -> tuple[tuple[float, ...], ...]:
    """Log-Euclidean mean of covariances."""
    logs = [symmetric_log(np.array(centre)) for centre in centres]
    values, vectors = np.linalg.eigh(np.mean(logs, axis=0))
    mean = (vectors * np.exp(values)) @ vectors.T
    return tuple(tuple(float(v) for v in row) for row in (mean + mean.T) / 2)


def signal_of(recipe: Recipe, window_samples: int) -> Recipe:
    """The recipe with windows of another length."""
    return replace(recipe, signal=replace(Signal(), window_samples=window_samples))
