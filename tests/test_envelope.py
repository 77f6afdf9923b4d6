"""The envelope follows the muscle: its level, in time, and nothing below zero."""

from __future__ import annotations

import numpy as np
import pytest

from acquisition.stream import Refused, Spec
from preprocessing.envelope import Envelope
from preprocessing.stage import offline

pytestmark = pytest.mark.edge

SPEC = Spec(1000.0, ("a", "b"), "uV")


def made(x: np.ndarray) -> np.ndarray:
    return offline(Envelope(3.0), x.astype(np.float32), SPEC)


def test_it_settles_at_the_mean_of_the_rectified_signal() -> None:
    x = np.random.default_rng(0).normal(size=(4000, 2)) * (10.0, 40.0)
    level = made(x)[1000:].mean(axis=0)
    assert level == pytest.approx(np.sqrt(2 / np.pi) * np.array([10.0, 40.0]), rel=0.1)


def test_a_step_is_followed_without_overshoot_and_is_half_there_when_the_delay_says() -> None:
    x = np.zeros((2000, 2))
    x[500:] = -8.0
    y = made(x)[:, 0]
    assert y.max() <= 8.0 + 1e-5
    assert y.min() >= 0.0
    assert np.all(np.diff(y) >= -1e-6)
    assert (np.argmax(y > 4.0) - 500) / 1000 == pytest.approx(
        Envelope(3.0).delay_s(SPEC), abs=0.015
    )


def test_half_the_power_of_a_sway_at_its_frequency_passes() -> None:
    t = np.arange(8000) / 1000
    sway = 10.0 + 3.0 * np.sin(2 * np.pi * 3.0 * t)
    y = made(np.stack([sway, sway], axis=1))[4000:, 0]
    assert (y.max() - y.min()) / 6.0 == pytest.approx(np.sqrt(0.5), rel=0.01)


@pytest.mark.parametrize("low_hz", [0.0, 100.0, -1.0, float("nan")])
def test_an_envelope_that_does_not_fit_the_rate_is_refused(low_hz: float) -> None:
    with pytest.raises(Refused, match="does not fit a stream at 1000"):
        Envelope(low_hz).start(SPEC)
