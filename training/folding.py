"""Folds batch normalisation into the layers beside it, for export."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval


def folded(module: nn.Module) -> nn.Module:
    """An eval-mode copy in which every sequence's batch normalisation went into the convolution
    or linear layer before it, or into the 1 x 1 convolution behind it."""
    module = copy.deepcopy(module).eval()
    for parent in list(module.modules()):
        if isinstance(parent, nn.Sequential):
            layers = _merged(list(parent))
            del parent[:]
            parent.extend(layers)
    return module


def _merged(layers: list[nn.Module]) -> list[nn.Module]:
    merged: list[nn.Module] = []
    for layer in layers:
        last = merged[-1] if merged else None
        if isinstance(layer, nn.BatchNorm2d) and isinstance(last, nn.Conv2d):
            merged[-1] = fuse_conv_bn_eval(last, layer)
        elif isinstance(layer, nn.BatchNorm1d) and isinstance(last, nn.Linear):
            merged[-1] = fuse_linear_bn_eval(last, layer)
        elif isinstance(last, nn.BatchNorm2d) and isinstance(layer, nn.Conv2d):
            merged[-1] = _behind(last, layer)
        else:
            merged.append(layer)
    return merged


def _behind(scale: nn.BatchNorm2d, layer: nn.Conv2d) -> nn.Conv2d:
    """The 1 x 1 convolution of normalised values as one of the values themselves."""
    mean, variance = scale.running_mean, scale.running_var
    if mean is None or variance is None or layer.bias is None:  # none of ours
        raise ValueError("a normalisation before a convolution needs statistics and a bias")
    with torch.no_grad():
        factor = scale.weight / torch.sqrt(variance + scale.eps)
        offset = scale.bias - mean * factor
        layer.bias += layer.weight.sum((2, 3)) @ offset
        layer.weight *= factor[None, :, None, None]
    return layer
