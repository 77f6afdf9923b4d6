"""Windows as another donning, another day or a worse contact might have given them."""

from __future__ import annotations

from typing import Any

import numpy as np

from acquisition.stream import Samples
from preprocessing.mask import Mask
from preprocessing.stage import Array
from training.recipe import Fit


def augmented(x: Samples, how: Fit, rng: np.random.Generator, own: Any = None) -> Array:
    """Windows (window, channel, time), each changed in its own way.

    In this order: turned on the ring by whole electrodes, channels lost, channels mixed, gains,
    noise. A setting of 0 changes nothing and draws nothing. Shifts in time are drawn with the
    windows' places (training.windows), where the samples beyond a window are at hand.
    own: (window, channel, channel), see training.windows.WindowSet; without it each channel of x
    is an electrode's alone.
    """
    windows_n, channels_n, _ = x.shape
    if how.rotate_electrodes:
        reach = how.rotate_electrodes
        turns = np.asarray(rng.integers(-reach, reach + 1, windows_n))
        ring = (np.arange(channels_n) - turns[:, None]) % channels_n
        x = x[np.arange(windows_n)[:, None], ring]
    if how.lose_channel:
        gone = rng.random((windows_n, channels_n)) < how.lose_channel
        x = guessed(x, gone, np.eye(channels_n) if own is None else own, rng)
    if how.mix or how.gain or how.channel_gain:
        square = (windows_n, channels_n, channels_n)
        mixing = np.eye(channels_n) + how.mix * rng.standard_normal(square)
        gains = how.gain * rng.standard_normal((windows_n, 1, 1))
        gains = gains + how.channel_gain * rng.standard_normal((windows_n, channels_n, 1))
        x = np.matmul((mixing * np.exp(gains)).astype(np.float32), x.astype(np.float32))
    if how.noise:
        x = x + how.noise * rng.standard_normal(x.shape, np.float32)
    return np.ascontiguousarray(x, np.float32)


def guessed(x: Samples, gone: Any, own: Any, rng: np.random.Generator) -> Array:
    """Windows as the live path gives them when electrodes are lost (preprocessing.mask): what only
    such an electrode told is noise, as loud as the others are. A network that is to go on without
    an electrode must have seen what stands for it.

    gone: (window, channel); own: (channel, channel) or one for each window, unit rows: what only
    that electrode tells.
    """
    x = x.astype(np.float32)
    windows_n, channels_n, length = x.shape
    own = np.broadcast_to(own, (windows_n, channels_n, channels_n))
    for channel in np.flatnonzero(gone.any(axis=0)):
        which = gone[:, channel]
        along = own[which, channel].astype(np.float32)[:, :, None]
        told = x[which] - along * (along * x[which]).sum(axis=1, keepdims=True)
        loud = np.square(told).sum(axis=1).mean(axis=1) / (channels_n - 1)
        noise = rng.standard_normal((which.sum(), 1, length), np.float32)
        x[which] = told + along * noise * (Mask().own_share * np.sqrt(loud)[:, None, None])
    return x
