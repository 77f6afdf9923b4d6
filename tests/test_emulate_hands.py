"""What stands in for a hand says where it is, or in one sentence why it cannot be there."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from acquisition.emulators.trouble import Trouble
from acquisition.stream import Refused
from flexor.emulate import emulate

pytestmark = pytest.mark.edge


def stand_in(word: str, at: str = "", trouble: Trouble | None = None) -> dict[str, object]:
    return emulate(word, at, "muscles", trouble or Trouble(), 0.05, 0)


@pytest.mark.parametrize("word", ["ability", "covvi", "openexo", "openexo_ble"])
def test_a_hand_says_how_it_is_driven(
    word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = "127.0.0.1:0" if word == "covvi" else str(tmp_path / "hand")
    assert stand_in(word, at)["emulated"] == word
    said = capsys.readouterr().out
    assert f"flexor run --arm --hand {word}:" in said
    assert ("unix:" in said) is (word == "openexo_ble")


@pytest.mark.parametrize(
    ("word", "at", "words"),
    [
        ("abilty", "", 'Did you mean "ability"'),
        ("ability:foo=1", "", "settings and trouble are for sensors"),
        ("tmotor", "", "on a CAN bus, and no bus is emulated here"),
        ("covvi", "nowhere:xx", "HOST or HOST:PORT, with a port up to 65535"),
        ("covvi", "127.0.0.1:99999", "HOST or HOST:PORT, with a port up to 65535"),
        ("covvi", "256.1.1.1", '"256.1.1.1" is no address of this computer: give one with --at'),
        ("covvi", "192.0.2.1", '"192.0.2.1" is no address of this computer'),
        ("mia", "/nonexistent/x", "No such file or directory.: give the path of a file"),
        ("openexo_ble", "/nonexistent/x", "cannot be made a socket"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(word: str, at: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        stand_in(word, at)


def test_trouble_is_for_sensors() -> None:
    with pytest.raises(Refused, match="settings and trouble are for sensors"):
        stand_in("ability", trouble=Trouble(lose=0.5))


def test_a_port_that_is_taken_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        at = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(Refused, match="end the other program that holds it"):
            stand_in("covvi", at)
