"""Mains interference is taken out of a stream, and little else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition.stream import Samples, Spec
from preprocessing.hum import Hum

pytestmark = pytest.mark.edge

SPEC = Spec(250.0, ("a", "b"), "uV", 0.1)


def muscle(seconds: float = 6.0) -> Samples:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(round(seconds * SPEC.rate_hz), 2)) * 10 + (300.0, -200.0)
    return x.astype(np.float32)


def mains(n: int, line_hz: float = 50.0, uv: float = 100.0) -> Samples:
    t = np.arange(n) / SPEC.rate_hz
    waves = [np.sin(2 * np.pi * k * line_hz * t + k) / k**2 for k in range(1, 5)]
    return uv * np.sum(waves, axis=0)[:, None].repeat(2, axis=1)


def cleaned(x: Samples, n: int = 5, hum: Hum | None = None) -> Samples:
    hum = hum or Hum()
    state = hum.start(SPEC)
    return np.concatenate([hum.step(x[i : i + n], state) for i in range(0, len(x), n)])


def settled_rms(x: Samples) -> float:
    return float(np.sqrt(np.square(x[500:]).mean()))


@pytest.mark.parametrize("line_hz", [50.0, 49.95, 50.05])
def test_the_line_and_its_harmonics_go_even_where_they_fold_down(line_hz: float) -> None:
    x = muscle()
    noisy = (x + mains(len(x), line_hz)).astype(np.float32)
    assert settled_rms(noisy - x) > 70
    assert settled_rms(cleaned(noisy) - x) < 11


def test_muscles_alone_pass_nearly_whole() -> None:
    x = muscle()
    assert settled_rms(cleaned(x) - x) < 3


def test_another_grid_is_another_frequency() -> None:
    x = muscle()
    noisy = (x + mains(len(x), 60.0)).astype(np.float32)
    assert settled_rms(cleaned(noisy) - x) > 50
    assert settled_rms(cleaned(noisy, hum=Hum(60.0)) - x) < 5


@settings(max_examples=10, deadline=None)
@given(n=st.integers(1, 20))
def test_it_follows_in_chunks_of_any_length(n: int) -> None:
    x = muscle(4.0)
    noisy = (x + mains(len(x))).astype(np.float32)
    assert settled_rms(cleaned(noisy, n) - x) < 6


def test_an_empty_chunk_changes_nothing() -> None:
    hum = Hum()
    state = hum.start(SPEC)
    empty = np.empty((0, 2), np.float32)
    assert hum.step(empty, state) is empty
