"""Signal quality: each fault is found in time, and healthy signals are left alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from acquisition.stream import Spec
from preprocessing.quality import MENDS, Finding, Quality

pytestmark = pytest.mark.edge

SPEC = Spec(200.0, tuple(f"emg{i + 1}" for i in range(8)), "raw", 1.0, 127.0)


def muscle(seconds: float, seed: int = 0) -> Any:
    x = np.random.default_rng(seed).normal(size=(round(seconds * 200), 8)) * 15
    return np.clip(x.round(), -127, 127).astype(np.float32)


ARMBAND = 100.0 * (np.eye(8) + 0.4 * (np.roll(np.eye(8), 1, 0) + np.roll(np.eye(8), -1, 0)))
"""covariance of a calibration in which neighbours hear each other"""


def findings(x: Any, chunk: int = 2, usual: Any = ARMBAND) -> list[tuple[float, Finding]]:
    """(second, finding) of all that is found, in chunks as an armband sends them."""
    quality = Quality()
    state = quality.start(SPEC, usual)
    out = []
    for i in range(0, len(x), chunk):
        found, state = quality.step(x[i : i + chunk], state)
        out += [((i + chunk) / 200, f) for f in found]
    return out


def test_healthy_muscle_and_quiet_rest_give_no_finding() -> None:
    rest = np.random.default_rng(1).normal(size=(4000, 8)).round().astype(np.float32)
    assert findings(np.concatenate([muscle(10), rest, muscle(5)])) == []


def test_a_flat_channel_stops_the_hand_within_150_ms() -> None:
    x = muscle(3)
    x[400:, 4] = 0
    first = findings(x)[0]
    assert 2.0 < first[0] <= 2.15
    assert first[1].channel == "emg5"
    assert first[1].kind == "flat"
    assert first[1].fault


def test_a_saturated_channel_stops_the_hand_within_150_ms() -> None:
    x = muscle(3)
    x[400:, 2] = 127
    first = findings(x)[0]
    assert 2.0 < first[0] <= 2.15
    assert first[1].kind == "clipped"
    assert first[1].fault


def test_some_clipping_is_a_warning_only() -> None:
    x = muscle(3)
    x[::40, 2] = -127
    found = {(f.kind, f.fault) for _, f in findings(x)}
    assert found == {("clipped", False)}


def test_the_mains_line_is_named() -> None:
    x = muscle(5) + 30 * np.sin(2 * np.pi * 50 * np.arange(1000) / 200 + 0.5)[:, None]
    found = findings(np.clip(x, -126, 126).round().astype(np.float32))
    assert {f.kind for _, f in found if f.channel == "emg1"} == {"line"}


def test_bridged_neighbours_are_named() -> None:
    x = muscle(3)
    x[:, 5] = x[:, 4]
    found = {(f.channel, f.other, f.kind, f.fault) for _, f in findings(x)}
    assert found == {("emg5", "emg6", "bridged", False)}


def test_two_bridged_channels_are_named_wherever_they_sit() -> None:
    x = muscle(3)
    x[:, 6] = x[:, 1]
    said = {str(f) for _, f in findings(x)}
    assert said == {"emg2 bridged with emg7: dry the skin between the two electrodes"}


def resting(seconds: float, seed: int = 1) -> Any:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(round(seconds * 200), 8)) * 2).round().astype(np.float32)


def test_an_electrode_that_comes_off_stops_the_hand_within_150_ms() -> None:
    x = resting(5)
    x[600:, 3] *= 5
    first = findings(x)[0]
    assert 3.0 < first[0] <= 3.15
    assert (first[1].channel, first[1].kind, first[1].fault) == ("emg4", "lifted", True)


def test_muscles_that_no_neighbour_hears_are_no_lifted_electrodes() -> None:
    x = resting(5)
    x[600:, 3] *= 5
    assert findings(x, usual=100.0 * np.eye(8)) == findings(x, usual=None) == []


def test_an_electrode_that_sits_again_is_believed_again() -> None:
    x = resting(5)
    x[600:700, 3] *= 5
    assert max(t for t, _ in findings(x)) < 4.0


def test_a_muscle_that_neighbours_hear_is_no_lifted_electrode() -> None:
    x = resting(6)
    one, other = np.random.default_rng(2).normal(size=(2, 600)) * 25
    x[600:, 3] += one
    x[600:, 4] += 0.5 * one + 0.5 * other
    assert findings(x.round()) == []


def test_a_channel_noisier_than_the_rest_is_named() -> None:
    rest = np.random.default_rng(1).normal(size=(4000, 8)) * 1.5
    rest[:, 6] *= 12
    found = findings(rest.round().astype(np.float32))
    assert {(f.channel, f.kind) for _, f in found} == {("emg7", "noisy")}


def test_a_healed_channel_is_believed_again() -> None:
    x = muscle(6)
    x[400:480, 4] = 0
    assert max(t for t, _ in findings(x)) < 4.5


def test_every_finding_tells_its_mend() -> None:
    for kind, mend in MENDS.items():
        assert str(Finding("emg5", kind, True, 0.0)) == f"emg5 {kind}: {mend}"
