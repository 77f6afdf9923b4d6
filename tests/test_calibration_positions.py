"""Calibrated in several positions of the arm: which of them is confused."""

from __future__ import annotations

from dataclasses import replace

from flexor.calibration import Guide
from flexor.calibration_fit import report
from flexor.calibration_look import Look
from tests.calibration_rig import FOUR, guided

SWAP = {"hand_close": "hand_open", "hand_open": "hand_close"}
LABELS = ("rest", *FOUR.gestures)


def made() -> Guide:
    return guided(FOUR)[0]


def mixed_up(look: Look) -> Look:
    """The same with its first repetition under another gesture's name."""
    task = replace(look.task, position="raised")
    if task.repetition == 1:
        task = replace(task, gesture=SWAP.get(task.gesture, task.gesture))
    return replace(look, task=task)


def test_the_position_in_which_gestures_are_confused_is_named() -> None:
    guide = made()
    found = report([*guide.looks, *map(mixed_up, guide.looks)], LABELS)
    assert list(found.positions) == ["bent", "raised"]
    assert found.positions["raised"][0] < found.positions["bent"][0]
    worst = found.positions["raised"][1]
    assert worst is not None
    assert set(worst[:2]) == set(SWAP)
    assert worst[2] >= 0.1
    alone = guide.report()
    assert alone is not None
    assert alone.positions == {}
