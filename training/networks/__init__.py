"""The families of networks: one file each, all ending in a linear `head`.

What a family promises beside `forward` (batch, ...) -> (batch, output):
`TAKES`, "window" for (batch, channel, 1, time) or "features" for (batch, feature);
`INT8`, the ONNX operators to quantize, None for all that can be, () where int8 gains nothing;
`embed`, what the head rests on, (batch, embedding).

Plain operators only, so that both converters keep them whole. One-dimensional convolutions are
written as two-dimensional ones with kernels 1 x k: TensorFlow Lite has no other, and the converter
then adds no transposes.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from torch import nn

from acquisition.stream import Refused
from acquisition.tables import look_up

NETWORKS: dict[str, tuple[str, str]] = {
    "raw_cnn": ("training.networks.cnn", "RawCnn"),
    "symmetric_cnn": ("training.networks.symmetric", "SymmetricCnn"),
    "tcn": ("training.networks.tcn", "Tcn"),
    "gru": ("training.networks.recurrent", "Gru"),
    "lstm": ("training.networks.recurrent", "Lstm"),
    "graph": ("training.networks.graph", "Graph"),
    "attention": ("training.networks.attention", "ConvolutionAttention"),
    "second_order": ("training.networks.second_order", "SecondOrder"),
    "mlp": ("training.networks.mlp", "Mlp"),
    "dbn": ("training.networks.dbn", "DeepBelief"),
    "course": ("training.networks.course", "CourseNetwork"),
}
"""name -> (module, class of (size, width, **options))"""


@dataclass(frozen=True)
class Size:
    """What goes in and what comes out."""

    channels_n: int
    outputs_n: int
    """gestures, or continuous targets"""
    window_samples: int
    hop_samples: int
    features_n: int = 0
    """0: the network takes the window itself"""


def make_network(
    name: str, size: Size, width: int, options: Mapping[str, Any] | None = None
) -> nn.Module:
    """A network with fresh weights.

    Refuses an unknown name, an option that the family does not have, and a family that takes
    features where the recipe computes none, or the other way round.
    """
    family = look_up(NETWORKS, name, "network")
    known = [
        p.name for p in inspect.signature(family).parameters.values() if p.kind is p.KEYWORD_ONLY
    ]
    unknown = sorted(set(options or {}) - set(known))
    if unknown:
        has = f"the options {known}" if known else "no options"
        raise Refused(f'The network "{name}" has {has}, not {unknown}.')
    if (family.TAKES == "features") != (size.features_n > 0):
        gets = "features" if size.features_n else "windows"
        mend = "drop" if size.features_n else "set"
        raise Refused(
            f'The network "{name}" takes {family.TAKES} and the recipe gives it {gets}; {mend} '
            f"the recipe's features."
        )
    return cast("nn.Module", family(size, width, **(options or {})))
