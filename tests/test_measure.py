"""The levels in a profile are measured on the wearer, not guessed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from acquisition.session import Session
from acquisition.simulator.script import Prompt, Script
from acquisition.stream import Refused
from acquisition.synthetic import open_synthetic
from firmware_bridge.control import Control
from firmware_bridge.hands import HAND6
from flexor import measure as module
from flexor.mapping import steering_for
from flexor.measure import measure, sites_of, text_of
from flexor.profile import DEMO_ARTIFACT, read_profile
from models.artifact import open_artifact

ASKED = (
    ("rest", 0.0, 2.5),
    ("hand_close", 0.4, 2.5),
    ("ulnar_deviation", 0.4, 2.5),
    ("hand_open", 0.3, 1.0),
    ("rest", 0.0, 1.0),
)


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Session:
    script = Script(tuple(Prompt(*asked) for asked in ASKED), loop=False)
    source = open_synthetic(fast=True, seed=5, script=script, clock=lambda: 0.0)
    source.start()
    chunks, n = [], 0
    while n < 1900:
        chunk = source.read(1.0)
        assert chunk is not None
        chunks.append(chunk.samples)
        n += len(chunk.samples)
    starts = np.cumsum([0.0, *[seconds for *_, seconds in ASKED[:-1]]])
    marks = [(round(200 * at), asked[0]) for at, asked in zip(starts, ASKED, strict=True)]
    made = Session(source.spec, np.concatenate(chunks), tuple(marks))
    monkeypatch.setattr(module, "load_session", lambda path: made)
    return made


@pytest.mark.usefixtures("session")
def test_levels_come_from_what_was_asked_for_and_done(tmp_path: Path) -> None:
    report = measure(DEMO_ARTIFACT, Path("me.xdf"), "flexors=emg6,extensors=emg1+emg2")
    rows = {row["name"]: row for row in report["rows"]}
    assert list(rows) == ["ulnar_deviation", "hand_close", "hand_open", "flexors", "extensors"]
    close = rows["hand_close"]
    assert 0.0 < close["low"] < close["high"] <= 1.0
    assert close["values"] > 40
    assert rows["hand_open"]["problem"].startswith("The calibration of hand_open has")
    assert 1.0 < rows["flexors"]["low"] < 4.0
    assert 12.0 < rows["flexors"]["high"] < 60.0
    path = tmp_path / "me.toml"
    path.write_text(report["profile"] + "[fallback]\n")
    profile = read_profile(path)
    assert [site.name for site in profile.sites] == ["flexors", "extensors"]
    assert list(profile.levels) == ["ulnar_deviation", "hand_close"]
    steering_for(profile, open_artifact(DEMO_ARTIFACT).contract, HAND6)


@pytest.mark.usefixtures("session")
def test_without_sites_only_gestures_are_measured(tmp_path: Path) -> None:
    report = measure(DEMO_ARTIFACT, Path("me.xdf"), "")
    path = tmp_path / "me.toml"
    path.write_text(report["profile"])
    how = steering_for(read_profile(path), open_artifact(DEMO_ARTIFACT).contract, HAND6)
    assert isinstance(how, Control)
    assert {row["kind"] for row in report["rows"]} == {"gesture"}


def test_a_session_without_prompts_is_refused_with_the_way_to_record_them(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = Session(session.spec, session.samples, ((0, "lunch"),))
    monkeypatch.setattr(module, "load_session", lambda path: bare)
    with pytest.raises(Refused, match=r"has no prompts of \['rest'.*--prompts"):
        measure(DEMO_ARTIFACT, Path("me.xdf"), "")


@pytest.mark.usefixtures("session")
def test_a_site_of_channels_that_are_not_there_is_refused() -> None:
    with pytest.raises(Refused, match=r"flexors rests on \['emg9'\]"):
        measure(DEMO_ARTIFACT, Path("me.xdf"), "flexors=emg9")


@pytest.mark.parametrize("word", ["flexors", "flexors=", "=emg6"])
def test_a_site_is_written_in_one_way(word: str) -> None:
    with pytest.raises(Refused, match=f'not as "{word}"'):
        sites_of(word)


def test_what_could_not_be_measured_does_not_reach_the_profile() -> None:
    row = {"kind": "gesture", "name": "a", "channels": [], "low": None, "high": None}
    assert text_of([{**row, "problem": "too weak"}]) == "\n"
