"""What a wearer never calibrated is refused, also where people must tell what it looks like."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from acquisition.stream import Refused
from models.adapt import Adaptation, Adapter
from models.calibrate import calibrated
from models.decision import DECISIONS, Decision
from models.foreign import LEAST, MOST, OWN_SHARE, Foreign, foreign_from, narrowed, own_limit
from models.head import Head, logits
from preprocessing.stage import from_row, to_row
from tests.test_adapt import GESTURES_N, HEAD, PEOPLE

OWN = Adaptation().own
KNOWN, LEFT = [0, 1, 2, 3], 4
LABELS = ("a", "b", "c", "d")
WEARER = PEOPLE.user(shift=0.3)


def head_of(user: Any) -> Head:
    """Of a wearer who calibrated all but one gesture."""
    x, held, times = PEOPLE.windows(user, KNOWN * 2)
    return calibrated(narrowed(HEAD, KNOWN), x, held, times, 5, 0.5)


OWNED = head_of(WEARER)
STAGE = foreign_from(HEAD, KNOWN, OWNED, OWN)


def strangeness(stage: Foreign, gestures: list[int], head: Head = OWNED) -> Any:
    state = stage.start(LABELS, "a")
    means = Adapter(head, None).reference
    x, _, _ = PEOPLE.windows(WEARER, gestures)
    out = []
    for row in x @ head.projection + head.offset:
        likely = float(logits(head, row, means).max())
        decision = Decision(1, 0.9, 1.0, 0.5, False, None, likely, row)
        out.append(stage.strangeness(decision, state))
    return np.array(out)


def test_a_gesture_that_others_make_and_the_wearer_never_calibrated_is_strange() -> None:
    known, strange = strangeness(STAGE, KNOWN), strangeness(STAGE, [LEFT] * 3)
    assert np.mean(strange > np.quantile(known, 0.98)) > 0.95


def test_people_tell_more_of_it_than_the_distance_alone_does() -> None:
    """Between two gestures of others: near to a known one, and nearer to what is not known."""
    mixed = 0.55 * PEOPLE.means[LEFT] + 0.45 * PEOPLE.means[1]
    state, alone = STAGE.start(LABELS, "a"), Foreign(STAGE.dimensions_n)
    row = mixed @ HEAD.projection + HEAD.offset
    likely = float(logits(OWNED, row, Adapter(OWNED, None).reference).max())
    decision = Decision(1, 0.9, 1.0, 0.5, False, None, likely, row)
    bare = alone.strangeness(decision, alone.start(LABELS, "a"))
    assert STAGE.strangeness(decision, state) > bare + 1


def test_what_is_strange_is_refused_as_rest_and_the_rest_goes_through() -> None:
    stage = replace(STAGE, limit=float(np.quantile(strangeness(STAGE, KNOWN), 0.99)))
    state = stage.start(LABELS, "b")
    near = Decision(2, 0.9, 1.0, 0.5, False, None, 0.0, np.full(STAGE.dimensions_n, 1e3))
    assert stage.step(near, state) is near  # others are far away, and it is likely
    far = near._replace(likely=-1e4)
    assert stage.step(far, state)[:5] == (1, 0.9, 1.0, 0.5, True)
    assert state.newest > stage.limit


def test_a_decision_without_a_head_passes_unseen() -> None:
    decision = Decision(1, 0.9, 1.0, 0.5, False)
    assert STAGE.step(decision, STAGE.start(LABELS, "a")) is decision


def test_who_calibrated_everything_is_asked_for_the_distance_alone() -> None:
    x, held, times = PEOPLE.windows(WEARER, [*range(GESTURES_N)] * 2)
    stage = foreign_from(HEAD, [*range(GESTURES_N)], calibrated(HEAD, x, held, times, 5, 0.5), OWN)
    assert stage == Foreign(HEAD.means.shape[1])


def test_a_wearers_own_limit_is_what_nearly_all_known_windows_are_within() -> None:
    n = 10
    asked = np.linspace(0.0, 2.5 * n / OWN_SHARE, 1001)
    assert own_limit(asked, n) == pytest.approx(2.5 * n)
    assert own_limit(asked / 100, n) == LEAST * n
    assert own_limit(asked * 100, n) == MOST * n


def test_it_survives_the_contract() -> None:
    assert from_row(DECISIONS, to_row(DECISIONS, STAGE), "decision stage") == STAGE


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dimensions_n": 3}, "do not fit 3 dimensions"),
        ({"means": "no base64"}, "not base64"),
        ({"means": ""}, "do not fit"),
        ({"limit": float("nan")}, "above 0"),
    ],
)
def test_movements_of_others_that_do_not_fit_are_refused(
    change: dict[str, Any], words: str
) -> None:
    with pytest.raises(Refused, match=words):
        replace(STAGE, **change).start(LABELS, "a")


def test_what_is_refused_teaches_nothing_but_how_a_ring_is_worn() -> None:
    adapter = Adapter(OWNED, Adaptation(block_windows=5, bound=80.0))
    state = adapter.start()
    x, _, _ = PEOPLE.windows(WEARER, [LEFT] * 5)
    for row in x:
        adapter.learn(row[None], state, strange=True)
    assert (state.counts.blocks, state.held_n) == (0, 0)
    for row in x:
        adapter.learn(row[None], state)
    assert state.held_n > 0
