"""The first 19 faults of a day, end to end on the firmware in C; and that each row can fail."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acquisition.stream import Refused
from firmware_bridge.safety_state import Health
from flexor import fault_stream, faults, live
from flexor.fault_table import FAULTS, Outcome
from models.familiar import Familiar

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc here")
VIRTUAL = range(1, 20)
NOTHING_TO_STOP = {8, 13, 14, 15, 16, 17, 18}
"""Faults in which the hand must not begin to move, or must go on as it does."""


@needs_gcc
@pytest.mark.parametrize("number", VIRTUAL)
def test_a_fault_ends_as_the_table_expects_and_in_time(number: int) -> None:
    row = faults.row(number)
    assert row["ok"], row
    assert row["message"].strip()
    if number in NOTHING_TO_STOP:
        assert row["time_to_safe_ms"] is None
    else:
        assert 0 < row["time_to_safe_ms"] <= row["budget_ms"]


def test_every_fault_has_a_name_a_budget_and_its_place() -> None:
    assert sorted(FAULTS) == list(range(1, 41))
    assert len({fault.name for fault in FAULTS.values()}) == 40
    assert all(0 < fault.budget_ms <= 2000 for fault in FAULTS.values())


@pytest.mark.parametrize(
    ("text", "numbers"), [("1,7,20", [1, 7, 20]), ("3-5", [3, 4, 5]), ("", list(range(1, 41)))]
)
def test_some_faults_can_be_asked_for(text: str, numbers: list[int]) -> None:
    assert list(faults.numbers_of(text)) == numbers


@pytest.mark.parametrize(("text", "words"), [("x", "Faults are numbers"), ("41", r"no fault \[41")])
def test_faults_that_are_not_there_are_refused(text: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        faults.numbers_of(text)


def test_a_fault_that_cannot_be_carried_out_is_a_failed_row_and_no_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(FAULTS, 1, FAULTS[1]._replace(run="flexor.nowhere:nothing"))
    row = faults.row(1)
    assert not row["ok"]
    assert "ModuleNotFoundError" in row["message"]


def test_a_fault_that_takes_too_long_fails_though_all_else_was_right(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(faults, "run_fault", lambda number: Outcome(True, 151.0, "told"))
    assert not faults.row(1)["ok"]
    monkeypatch.setattr(faults, "run_fault", lambda number: Outcome(True, 149.0, "told"))
    assert faults.row(1)["ok"]


def without_watchdog(monkeypatch: pytest.MonkeyPatch) -> None:
    """The firmware's watchdog sees a setpoint every millisecond, and the gate never hears of it."""

    class Forgetful(fault_stream.VirtualRun):
        def until(self, second: float) -> Any:
            while self.second < second - 1e-9 and not self.inbox.ended:
                self.mcu.c.setpoint_ms = self.mcu.c.now_ms
                super().until(self.second + 0.001)
            return self

    monkeypatch.setattr(fault_stream, "VirtualRun", Forgetful)


def without_quality(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate is told that the signal is well, whatever was found."""
    monkeypatch.setattr(live, "loop_health", lambda loop, alive: Health(True, alive, True, ""))


def without_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody measures how fast samples come."""
    monkeypatch.setattr("acquisition.wire.Wired._check_rate", lambda self, now_s: None)
    monkeypatch.setattr("flexor.rate.SHARE", 10.0)


def without_familiar(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the network answers is believed."""
    monkeypatch.setattr(Familiar, "step", lambda self, decision, state: decision)


def without_renaming(monkeypatch: pytest.MonkeyPatch) -> None:
    """The channels keep their names, wherever the band sits."""
    monkeypatch.setattr("flexor.sense.renamed", lambda state, chunk: chunk)


def without_canceller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("preprocessing.hum.Hum.step", lambda self, x, state: x)


def without_sequence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A duplicate is taken for the next frame."""
    monkeypatch.setattr("acquisition.sequence.Sequence.take", taken_at_their_word)


def taken_at_their_word(_: Any, frames: Any, counters: Any) -> Any:
    from acquisition.sequence import Run

    return [Run(0, frames)] if len(frames) else []


def without_finite(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no number goes into the filters."""
    monkeypatch.setattr("models.decoder.math.isfinite", lambda value: True)


BROKEN = {
    3: without_watchdog,
    4: without_sequence,
    9: without_rate,
    10: without_finite,
    11: without_quality,
    15: without_canceller,
    17: without_renaming,
    18: without_familiar,
}
"""fault -> the protection without which its row must fail"""


@pytest.fixture
def fresh() -> Iterator[None]:
    """What another test has kept of an undisturbed run is not that of this one."""
    fault_stream.undisturbed.cache_clear()
    yield
    fault_stream.undisturbed.cache_clear()


@needs_gcc
@pytest.mark.parametrize("number", BROKEN)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_row_fails_without_its_protection(
    number: int, monkeypatch: pytest.MonkeyPatch, fresh: None
) -> None:
    BROKEN[number](monkeypatch)
    assert not faults.row(number)["ok"]


def test_the_bench_changes_nothing_by_being_used_twice() -> None:
    first, second = (fault_stream.VirtualRun(word="myo:virtual").until(3.0) for _ in range(2))
    assert first.decided == second.decided
    assert np.array_equal(first.mcu.position_deg, second.mcu.position_deg)


def test_a_message_names_no_folder_of_this_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    with tempfile.TemporaryDirectory() as folder:
        said = f'"{folder}/model.onnx" is a link; {Path.cwd()}/here is not.'
    monkeypatch.setattr(faults, "run_fault", lambda number: Outcome(True, None, said))
    assert faults.row(1)["message"] == '"model.onnx" is a link; here is not.'
