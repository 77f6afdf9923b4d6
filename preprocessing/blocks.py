"""Stages that learn from blocks of samples: what each sample meets, whatever the chunks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from preprocessing.stage import Array


class Filling(Protocol):
    """A block that fills."""

    block: Array
    """(time, channel): the newest samples, until they fill it"""
    filled_n: int


def through_blocks(
    x: Array, state: Filling, act: Callable[[Array], Array], learn: Callable[[], None]
) -> Array:
    """(time, channel) -> what `act` makes of every sample, in order.

    `learn` is called whenever the block is full: after its last sample was acted upon, and before
    the next one is.
    """
    done, length = [], len(state.block)
    while state.filled_n + len(x) >= length:
        cut = length - state.filled_n
        done.append(act(x[:cut]))
        state.block[state.filled_n :] = x[:cut]
        state.filled_n = 0
        learn()
        x = x[cut:]
    state.block[state.filled_n : state.filled_n + len(x)] = x
    state.filled_n += len(x)
    last = act(x)
    return np.concatenate([*done, last]) if done else last
