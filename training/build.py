"""The network that a recipe asks for, in the size that the data has."""

from __future__ import annotations

import torch
from torch import nn

from acquisition.stream import Refused
from models.contract import Stream, Tensor
from training.networks import Size, make_network
from training.recipe import Recipe
from training.windows import any_spec, features_stage


def network_for(recipe: Recipe, channels_n: int, outputs_n: int) -> nn.Module:
    """Fresh weights, by the recipe's seed. Refuses what `make_network` refuses."""
    torch.manual_seed(recipe.seed)
    stage, signal = features_stage(recipe), recipe.signal
    features_n = len(stage.start(any_spec(channels_n))[1].channels) if stage else 0
    size = Size(channels_n, outputs_n, signal.window_samples, signal.hop_samples, features_n)
    return make_network(recipe.network, size, recipe.width, recipe.options)


def input_shape(recipe: Recipe, channels_n: int) -> tuple[int, ...]:
    """Of one window as the network takes it."""
    stage = features_stage(recipe)
    if stage:
        return 1, len(stage.start(any_spec(channels_n))[1].channels)
    return 1, channels_n, 1, recipe.signal.window_samples


def stream_of(module: nn.Module, recipe: Recipe, channels_n: int) -> Stream | None:
    """How the module runs on newest samples alone, where the recipe wants that.

    Refuses a family without such a form.
    """
    if not recipe.streaming:
        return None
    if not hasattr(module, "state_shapes"):
        raise Refused(
            f'The network "{recipe.network}" has no streaming form; take "tcn", or set '
            f"streaming = false."
        )
    states = tuple(
        Tensor(f"state{i}", shape, "float32")
        for i, shape in enumerate(module.state_shapes())  # type: ignore[operator]
    )
    newest = Tensor("x", (1, channels_n, 1, recipe.signal.hop_samples), "float32")
    return Stream(newest, states, tuple(f"after{i}" for i in range(len(states))))
