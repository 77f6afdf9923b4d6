"""The real-time set-up: what took effect is told, refusals too, and everything is taken back."""

from __future__ import annotations

import os
from typing import Any

import pytest

from acquisition.stream import Refused
from flexor.jitter import measure_jitter, setup_row
from flexor.realtime import STEPS, realtime
from flexor.tally import jitter_s


def test_every_step_is_told_with_its_effect_or_its_mend() -> None:
    with realtime() as steps:
        assert [step.name for step in steps] == list(STEPS)
        for step in steps:
            assert step.text
            assert step.done or ";" in step.text


def test_the_thread_is_as_before_when_it_is_over() -> None:
    before = os.sched_getscheduler(0), os.sched_getaffinity(0)
    with realtime() as steps:
        inside = {step.name: step.done for step in steps}
        assert inside["priority"] == (os.sched_getscheduler(0) == os.SCHED_FIFO)
        if inside["processor"]:
            assert len(os.sched_getaffinity(0)) == 1
    assert (os.sched_getscheduler(0), os.sched_getaffinity(0)) == before


def test_a_refused_step_names_the_mend_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.sched_setscheduler", refused)
    with realtime() as steps:
        by_name = {step.name: step for step in steps}
        assert not by_name["priority"].done
        assert "LimitRTPRIO" in by_name["priority"].text
        assert by_name["timer"].done


def test_everything_is_taken_back_after_an_error_too() -> None:
    before = os.sched_getscheduler(0)
    with pytest.raises(ValueError, match="inside"), realtime():
        raise ValueError("inside")
    assert os.sched_getscheduler(0) == before


def test_jitter_is_the_distance_from_the_median() -> None:
    assert jitter_s([3.0, 1.0, 2.0]) == [1.0, 1.0, 0.0]
    assert jitter_s([]) == []


def test_what_is_too_short_to_tell_is_refused() -> None:
    with pytest.raises(Refused, match="15 to 600 s"):
        measure_jitter(1.0)


def test_the_row_of_a_setup_is_the_median_of_its_runs() -> None:
    def report(p99: float, missed: int, done: bool) -> dict[str, Any]:
        spread = {"p50": 0.1, "p99": p99, "max": 2 * p99}
        step = {"name": "priority", "done": done, "text": "refused; allow it"}
        return {
            "latency_ms": spread,
            "jitter_ms": spread,
            "commands": 100,
            "missed_deadlines": missed,
            "realtime": [step],
        }

    row = setup_row([report(0.5, 0, True), report(9.0, 3, True), report(0.7, 1, False)])
    assert (row["jitter_p99_ms"], row["missed_deadlines"], row["commands"]) == (0.7, 4, 300)
    assert row["refused"] == "priority: refused; allow it"
