"""Windows as another donning, another day or a worse contact might have given them."""

from __future__ import annotations

import numpy as np

from acquisition.stream import Samples
from preprocessing.stage import Array
from training.recipe import Fit


def augmented(x: Samples, how: Fit, rng: np.random.Generator) -> Array:
    """Windows (window, channel, time), each changed in its own way.

    In this order: turned on the ring by whole electrodes, channels lost, channels mixed, gains,
    noise. A setting of 0 changes nothing and draws nothing. Shifts in time are drawn with the
    windows' places (training.windows), where the samples beyond a window are at hand.
    """
    windows_n, channels_n, _ = x.shape
    if how.rotate_electrodes:
        reach = how.rotate_electrodes
        turns = np.asarray(rng.integers(-reach, reach + 1, windows_n))
        ring = (np.arange(channels_n) - turns[:, None]) % channels_n
        x = x[np.arange(windows_n)[:, None], ring]
    if how.lose_channel:
        x = x * (rng.random((windows_n, channels_n, 1)) >= how.lose_channel)
    if how.mix or how.gain or how.channel_gain:
        square = (windows_n, channels_n, channels_n)
        mixing = np.eye(channels_n) + how.mix * rng.standard_normal(square)
        gains = how.gain * rng.standard_normal((windows_n, 1, 1))
        gains = gains + how.channel_gain * rng.standard_normal((windows_n, channels_n, 1))
        x = np.matmul((mixing * np.exp(gains)).astype(np.float32), x.astype(np.float32))
    if how.noise:
        x = x + how.noise * rng.standard_normal(x.shape, np.float32)
    return np.ascontiguousarray(x, np.float32)
