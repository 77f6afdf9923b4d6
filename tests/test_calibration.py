"""A guided calibration: what it asks for, what it says of each contraction, and what it teaches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition.stream import Chunk, Refused
from flexor.calibration import Guide, Phase, again, begin, go_on, pause, take
from flexor.calibration_check import REASONS
from flexor.calibration_fit import report
from flexor.calibration_plan import (
    FOLLOW,
    HOLD,
    RAMP,
    RETRIES_N,
    Task,
    Wanted,
    rises_s,
    seconds_of,
    target_at,
    tasks_of,
)
from tests.calibration_rig import FOUR, TWO, good, guided, noise, reasons, told, usual

pytestmark = pytest.mark.edge


def test_every_gesture_is_asked_for_in_every_position_and_the_last_repetition_is_held() -> None:
    wanted = Wanted(("a", "b"), repetitions=2, ramps=1, follows=1, positions=("bent", "raised"))
    tasks = tasks_of(wanted)
    assert len({task.key for task in tasks}) == len(tasks) == 2 * (4 + 3)
    assert [t.shape for t in tasks if t.gesture == "a"] == [
        HOLD,
        RAMP,
        FOLLOW,
        HOLD,
        HOLD,
        RAMP,
        HOLD,
    ]
    assert {t.position for t in tasks if t.shape == FOLLOW} == {"bent"}
    assert seconds_of(wanted) == sum(2.0 + task.seconds for task in tasks)


@given(st.sampled_from([HOLD, RAMP, FOLLOW]), st.floats(1.5, 60.0), st.floats(-5.0, 70.0))
def test_a_target_is_within_its_range_and_nowhere_outside_its_time(
    shape: str, seconds: float, at_s: float
) -> None:
    task = Task("a", shape, "bent", 1, seconds)
    value = target_at(task, at_s)
    assert 0.0 <= value <= 1.0
    assert value == 0.0 or 0.0 <= at_s < seconds


def test_a_ramp_rises_slowly_and_a_hold_at_once() -> None:
    assert rises_s(Task("a", HOLD, "bent", 1, 3.0), 0.3) == 0.0
    assert rises_s(Task("a", RAMP, "bent", 1, 5.0), 0.3) == pytest.approx(0.69, abs=0.02)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"gestures": ()}, "needs distinct gestures"),
        ({"gestures": ("a", "a")}, "needs distinct gestures"),
        ({"gestures": ("rest",)}, "comes between the gestures by itself"),
        ({"gestures": ("hand close",)}, "a name is one word"),
        ({"positions": ()}, "needs distinct positions"),
        ({"repetitions": 1}, "needs 2 repetitions or more"),
        ({"repetitions": 30}, "20 repetitions"),
        ({"ramps": -1}, "needs 2 repetitions or more"),
        ({"hold_s": float("nan")}, "takes hold_s from 1.5 to 60"),
        ({"ready_s": 0.5}, "takes ready_s from 1.5 to 60"),
    ],
)
def test_a_calibration_that_cannot_be_is_refused(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        replace(TWO, **changes)  # type: ignore[arg-type]


def test_a_wearer_who_does_what_is_asked_for_makes_each_contraction_once() -> None:
    guide = good()
    assert guide.phase is Phase.DONE
    assert guide.done_n == guide.all_n == len(tasks_of(FOUR))
    assert all(made.verdict.good for made in guide.takes.values())
    reactions = [made.verdict.reaction_s for made in guide.takes.values()]
    assert all(reaction is not None and 0.0 <= reaction < 2.0 for reaction in reactions)


def test_gestures_are_told_apart_and_each_has_its_shape() -> None:
    found = good().report()
    assert found is not None
    assert found.accuracy is not None
    assert found.accuracy > 0.9
    assert set(found.spider) == set(FOUR.gestures)
    assert max(v for shape in found.spider.values() for v in shape) == 1.0
    assert found.nearest is not None
    assert found.nearest[2] > 2.0


def test_two_gestures_that_are_made_alike_are_told_to_be_confused() -> None:
    looks = [made.look for made in good().takes.values()]
    twins = [
        replace(look, task=replace(look.task, gesture="twin"))
        if look.task.gesture == "hand_close" and look.task.repetition % 2
        else look
        for look in looks
    ]
    twins += [
        replace(look, task=replace(look.task, gesture="twin", repetition=look.task.repetition))
        for look in looks
        if look.task.gesture == "hand_close" and not look.task.repetition % 2
    ]
    found = report(twins, ("rest", *FOUR.gestures, "twin"))
    assert {row[:2] for row in found.confused} & {("hand_close", "twin"), ("twin", "hand_close")}
    assert found.nearest is not None
    assert set(found.nearest[:2]) == {"hand_close", "twin"}


def first_try(task: Task | None) -> bool:
    return task is not None and task.key[::2] == ("hand_open", 1) and task.retry == 0


def test_a_weak_contraction_is_asked_for_again() -> None:
    guide, events = guided(TWO, lambda t, g: 0.02 if first_try(t) and usual(t, g) else usual(t, g))
    assert reasons(events)[1:3] == [("hand_open", "weak"), ("hand_open", "")]
    assert all(made.verdict.good for made in guide.takes.values())


def test_one_who_begins_late_is_told_by_how_much() -> None:
    def late(task: Task, guide: Guide) -> float:
        return 0.0 if first_try(task) and guide.phase_s < 1.4 else usual(task, guide)

    _, events = guided(TWO, late)
    assert reasons(events)[1:3] == [("hand_open", "late"), ("hand_open", "")]
    verdict = next(e.take.verdict for e in events if e.take and not e.take.verdict.good)
    assert 1.2 < float(verdict.what) < 1.9
    assert str(verdict).startswith("it began late (1.")


def test_one_who_begins_before_the_prompt_spoils_the_rest() -> None:
    def early(task: Task, guide: Guide) -> float:
        soon = guide.phase is Phase.READY and guide.left_s < 0.7 and first_try(task)
        return 0.5 if soon else usual(task, guide)

    assert reasons(guided(TWO, early)[1])[1] == ("hand_open", "early")


def test_one_who_lets_go_too_early_is_told_to_hold() -> None:
    def short(task: Task, guide: Guide) -> float:
        return 0.0 if first_try(task) and guide.phase_s > 1.5 else usual(task, guide)

    assert reasons(guided(TWO, short)[1])[1] == ("hand_open", "short")


def test_another_gesture_than_the_one_asked_for_is_noticed() -> None:
    source = told()
    source.start()
    guide, said = begin(TWO, source.spec), []
    while guide.phase is not Phase.DONE:
        task = guide.task
        wrong = task is not None and task.repetition == 2 and task.retry == 0
        gesture = "" if task is None else task.gesture
        gesture = (
            {"hand_open": "hand_close", "hand_close": "hand_open"}[gesture] if wrong else gesture
        )
        source.perform(gesture if guide.target else "rest", 0.5 if guide.target else 0.0)
        chunk = source.read(0.0)
        assert chunk is not None
        said += [e.take.verdict for e in take(guide, chunk) if e.take]
    assert [(v.reason, v.what) for v in said[2:5]] == [
        ("unlike", "hand_open"),
        ("", ""),
        ("unlike", "hand_close"),
    ]


@pytest.mark.parametrize("reason", ["flat", "clipped", "noisy"])
def test_an_electrode_that_cannot_be_believed_is_named(reason: str) -> None:
    rng = np.random.default_rng(0)

    def spoil(samples: np.ndarray, guide: Guide) -> np.ndarray:
        samples = samples.copy()
        if first_try(guide.task):
            column = {
                "flat": np.float32(3.0),
                "clipped": np.float32(127.0) * np.sign(rng.normal(size=len(samples))),
                "noisy": rng.normal(0.0, 40.0, len(samples)),
            }[reason]
            samples[:, 4] = column
        return samples

    _, events = guided(TWO, spoil=spoil)
    assert reasons(events)[1] == ("hand_open", reason)
    assert events[3].take is not None
    assert "emg5" in str(events[3].take.verdict)


def test_nobody_is_asked_more_than_three_times_by_itself() -> None:
    _, events = guided(TWO, lambda task, guide: 0.0)
    assert len(reasons(events)) == len(tasks_of(TWO)) * (1 + RETRIES_N)
    assert {reason for _, reason in reasons(events)} == {"weak"}


def test_a_gap_lets_the_running_contraction_begin_anew() -> None:
    guide = begin(TWO, told().spec)
    x = noise((200, 8), 1.0)
    for _ in range(4):
        take(guide, Chunk(x, 0.0))
    assert guide.phase is Phase.HOLD
    first = guide.task
    [event] = take(guide, Chunk(x[:10], 5.0, lost=60))
    assert (event.phase, event.task, guide.restarts) == (Phase.READY, first, 1)
    take(guide, Chunk(np.full((10, 8), np.nan, np.float32), 5.1))
    assert guide.phase is Phase.READY
    assert guide.phase_s == 0.05


def test_a_pause_comes_after_the_running_contraction_and_what_is_left_is_kept() -> None:
    guide = begin(TWO, told().spec)
    x = noise((100, 8), 1.0)
    while guide.phase is not Phase.HOLD:
        take(guide, Chunk(x, 0.0))
    pause(guide)
    while guide.phase is Phase.HOLD:
        take(guide, Chunk(x, 0.0))
    assert guide.phase is Phase.PAUSED
    assert guide.task is None
    at_n = guide.at_n
    take(guide, Chunk(x, 0.0))
    assert guide.at_n == at_n + 100
    go_on(guide)
    assert guide.phase is Phase.READY
    assert guide.task is not None
    pause(guide)
    assert guide.phase is Phase.PAUSED
    assert guide.all_n == len(tasks_of(TWO))


def test_a_gesture_can_be_made_again_when_all_is_done() -> None:
    guide, _ = guided(TWO)
    assert not again(guide, "wrist_flexion")
    assert again(guide, "hand_close")
    assert guide.phase is Phase.READY
    assert guide.task is not None
    assert guide.task.key == ("hand_close", "bent", 2)
    assert again(guide, "hand_close")
    assert not guide.queue


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=30))
def test_any_chunking_tells_the_same_at_the_same_samples(sizes: list[int]) -> None:
    x = noise((3400, 8), 1.0)

    def run(cuts: list[int]) -> list[tuple[int, str, str]]:
        guide, said, at = begin(TWO, told().spec), [], 0
        k = 0
        while at < len(x):
            n = cuts[k % len(cuts)]
            for e in take(guide, Chunk(x[at : at + n], at / 200.0)):
                said.append(
                    (
                        round(e.clock_s * 200),
                        e.phase.value,
                        e.take.verdict.reason if e.take else "-",
                    )
                )
            at, k = at + n, k + 1
        return said

    assert run(sizes) == run([len(x)])


def test_every_reason_is_a_sentence_with_its_mend() -> None:
    assert all(": " in sentence for sentence in REASONS.values())
