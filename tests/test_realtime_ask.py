"""Whether runs may go before other programs is asked once, with what it means."""

from __future__ import annotations

from pathlib import Path

import pytest

from flexor.realtime import STEPS
from flexor.realtime_ask import ANSWER, MEANS, wanted

pytestmark = pytest.mark.edge


class Person:
    """Answers always the same, and keeps what it was asked."""

    def __init__(self, answer: str) -> None:
        self.answer, self.asked = answer, []  # type: ignore[var-annotated]

    def __call__(self, question: str) -> str:
        self.asked.append(question)
        return self.answer


@pytest.mark.parametrize(("answer", "kept"), [("", True), ("y", True), ("n", False), ("No", False)])
def test_it_is_asked_once_and_the_answer_holds(tmp_path: Path, answer: str, kept: bool) -> None:
    person = Person(answer)
    assert wanted(None, False, person, tmp_path) is kept
    assert wanted(None, False, person, tmp_path) is kept
    assert wanted(None, False, None, tmp_path) is kept
    assert len(person.asked) == 1


def test_every_step_is_explained_and_where_the_answer_is_kept(tmp_path: Path) -> None:
    person = Person("n")
    wanted(None, False, person, tmp_path)
    assert set(MEANS) == set(STEPS)
    for text in (*MEANS.values(), str(tmp_path / ANSWER), "--no-realtime"):
        assert text in person.asked[0]


def test_a_refused_step_is_explained_with_its_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.sched_setscheduler", refused)
    person = Person("y")
    wanted(None, False, person, tmp_path)
    assert "LimitRTPRIO" in person.asked[0]


@pytest.mark.parametrize("said", [True, False])
def test_the_command_line_decides_for_one_run_and_nobody_is_asked(
    tmp_path: Path, said: bool
) -> None:
    person = Person("n")
    assert wanted(said, False, person, tmp_path) is said
    assert person.asked == []
    assert not (tmp_path / ANSWER).exists()


def test_a_profile_that_says_yes_and_a_run_without_a_terminal_ask_nobody(tmp_path: Path) -> None:
    person = Person("n")
    assert wanted(None, True, person, tmp_path) is None
    assert wanted(None, False, None, tmp_path) is None
    assert person.asked == []


def test_a_torn_answer_is_asked_for_again(tmp_path: Path) -> None:
    (tmp_path / ANSWER).write_text('{"real')
    person = Person("n")
    assert wanted(None, False, person, tmp_path) is False
    assert len(person.asked) == 1
