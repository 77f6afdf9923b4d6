"""The real-time set-up: what took effect is told, refusals too, and everything is taken back."""

from __future__ import annotations

import os

import pytest

from flexor.realtime import STEPS, realtime


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
