"""Adaptation keeps the ground of calibrated gestures, goes back where it cannot, and knows rest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from models import adapt, adapt_guard
from models.adapt import Adaptation, Adapter
from models.adapt_guard import KEPT, bounded, leads
from models.adapt_refit import refit
from models.adapt_rest import QUIET, WEAK, energies, levels
from models.calibrate import calibrated
from models.head import Head, logits, start_means
from tests.test_adapt import GESTURES_N, PEOPLE, SETTINGS, TURNING, People, run, share, trained

USER = PEOPLE.user(shift=0.3)
OWN = calibrated(
    trained(People()), *PEOPLE.windows(USER, [*range(GESTURES_N)] * 2), 5, SETTINGS.weight
)
REFERENCE = start_means(OWN, SETTINGS.own)


def embedded(head: Head, features: Any) -> Any:
    return features @ head.projection + head.offset


def crept(share_of_way: float) -> Any:
    """The reference, with gesture 1 on its way to where gesture 2 is."""
    means = REFERENCE.copy()
    means[1] += share_of_way * (means[2] - means[1])
    return means


def test_means_that_leave_every_gesture_its_ground_are_taken_as_they_are() -> None:
    means, step = bounded(OWN, REFERENCE + 0.7, REFERENCE)
    assert step == 1.0
    np.testing.assert_allclose(means, REFERENCE + 0.7)


@pytest.mark.parametrize("way", [0.4, 0.8, 1.2])
def test_means_on_another_gestures_ground_go_part_of_the_way_at_most(way: float) -> None:
    means, step = bounded(OWN, crept(way), REFERENCE)
    assert step < 1.0
    carried = OWN.labelled + (means - REFERENCE).mean(axis=0)
    if step:
        kept = leads(OWN, carried, means) - KEPT * leads(OWN, OWN.labelled, REFERENCE)
        assert kept.min() >= 0
    else:
        assert means is REFERENCE


def test_without_a_calibration_no_ground_is_known() -> None:
    head = trained(People())
    reference = start_means(head, 0.8)
    assert bounded(head, reference[::-1], reference)[1] == 1.0


def astray(seed: int, shift: float, style: float, blend: float) -> tuple[Head, Any, Any, int]:
    """(head, features, gestures, windows before they count) of a calibrated wearer who, for long,
    rests and makes two movements that were never calibrated, and then every gesture as it was."""
    people = People(seed)
    people.means *= 0.45
    people._styles *= 0.6
    head, user = trained(people), people.user(shift=0.3)
    own = calibrated(head, *people.windows(user, [*range(GESTURES_N)]), 5, SETTINGS.weight)
    stranger = people.user(shift=shift, style=style)[[0, 2, 1, 4, 3]]
    unknown = (1 - blend) * user + blend * stranger
    unknown[0] = user[0]
    strange, _, _ = people.windows(unknown, [0, 1, 2] * 6)
    usual, held, _ = people.windows(user, [*range(GESTURES_N)])
    return own, np.concatenate([strange, usual]), held, len(strange)


@pytest.mark.parametrize("use", [(1, 1.0, 3.0, 1.0), (3, 0.3, 2.0, 0.6), (6, 0.3, 2.0, 0.6)])
def test_unknown_movements_cost_no_calibrated_gesture_anything(
    use: tuple[int, float, float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    head, x, held, before_n = astray(*use)
    fixed = share(run(head, None, x)[0][before_n:], held)
    guarded, state = run(head, SETTINGS, x)
    assert share(guarded[before_n:], held) >= fixed - 0.003
    assert state.counts.rollbacks > 0
    monkeypatch.setattr(adapt_guard, "KEPT", -1e9)
    monkeypatch.setattr(adapt, "KNOWN", 1e9)
    assert share(run(head, SETTINGS, x)[0][before_n:], held) < fixed - 0.01


def test_where_no_part_of_the_way_keeps_the_ground_the_calibration_decides_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("models.adapt.fits", lambda *_: True)
    monkeypatch.setattr("models.adapt.refit", lambda *_: crept(40.0))
    adapter = Adapter(OWN, SETTINGS)
    state = adapter.start()
    state.means = REFERENCE + 0.1
    x, _, _ = PEOPLE.windows(USER, [0, 1])
    for row in x[: SETTINGS.block_windows * SETTINGS.refit_blocks]:
        adapter.learn(row[None], state)
    assert state.counts.rollbacks == 1
    assert state.means is adapter.reference
    assert state.paused_n == SETTINGS.pause_blocks


@pytest.mark.parametrize("gesture", range(1, GESTURES_N))
def test_a_tone_in_the_arm_is_rest_once_calibrated(gesture: int) -> None:
    adapter = Adapter(OWN, None)
    state = adapter.start()
    rest, full = REFERENCE[0], REFERENCE[gesture]
    tone = rest + 0.9 * (1 + WEAK) / 2 * (full - rest)
    assert adapter.logits(tone, state).argmax() == 0
    assert adapter.logits(full, state).argmax() == gesture
    assert logits(OWN, tone, REFERENCE).argmax() == gesture


def test_a_tone_in_the_arm_teaches_the_gesture_that_it_resembles_nothing() -> None:
    rest, full = REFERENCE[0], REFERENCE[1]
    noise = np.random.default_rng(0).normal(0, 0.1, (40, len(rest)))
    tones = rest + 0.9 * (1 + WEAK) / 2 * (full - rest) + noise
    made = full + 1.0 + noise
    np.testing.assert_allclose(refit(OWN, tones, REFERENCE, SETTINGS, 0), REFERENCE, atol=1e-6)
    moved = refit(OWN, made, REFERENCE, SETTINGS, 0)[1] - full
    np.testing.assert_allclose(moved, 1.0, atol=0.5)


def loud(gain: float, n: int = 100) -> Any:
    """Blocks of a ring with rest at 0 and some gesture in turn, `gain` louder in ln of power."""
    rng = np.random.default_rng(1)
    x = rng.normal(0, 0.05, (n, TURNING.projection.shape[0]))
    x[::5] += gain
    return x.astype(np.float32)


def test_a_session_tells_its_levels_only_once_it_was_quiet_and_loud() -> None:
    assert levels(TURNING, loud(1.0)) is None
    assert levels(TURNING, loud(4.0, 8)) is None
    assert levels(OWN, loud(4.0)) is None, "calibrated, and no ring"
    found = levels(TURNING, loud(4.0))
    assert found is not None
    assert found.quiet == pytest.approx(0.0, abs=0.1)
    assert found.loud == pytest.approx(4.0, abs=0.1)
    assert found.quiet_ones(np.array([0.9 * 4 * QUIET, 1.1 * 4 * QUIET])).tolist() == [True, False]


def test_a_quiet_window_is_rest_whatever_its_shape_and_only_where_levels_are_known() -> None:
    adapter = Adapter(TURNING, Adaptation())
    state = adapter.start()
    random = np.random.default_rng(0).normal(0, 1, (1, TURNING.projection.shape[0]))
    window: Any = random.astype(np.float32)
    shaped = adapter.reference[3]
    assert adapter.logits(shaped, state, window).argmax() == 3
    state.levels = levels(TURNING, loud(40.0))
    assert float(energies(TURNING, window)[0]) < 5
    assert adapter.logits(shaped, state, window).argmax() == 0
    assert adapter.logits(shaped, state).argmax() == 3


def test_a_rollback_forgets_the_levels() -> None:
    adapter = Adapter(TURNING, Adaptation())
    state = adapter.start()
    state.levels = levels(TURNING, loud(4.0))
    adapter.roll_back(state)
    assert state.levels is None
