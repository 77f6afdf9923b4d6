"""A protocol file says what a wearer is asked for, and the recording says when it was."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from acquisition.imports import load_session
from acquisition.recording import read_recording
from acquisition.stream import Chunk, Marker, Refused, Source, Spec
from flexor import capture as capture_module
from flexor.capture import Capture, prompted, record_source, shortened
from flexor.prompter import Progress, draw, lines
from flexor.protocol import Asked, Plan, Protocol, Step, plan_of, read_protocol
from flexor.reader import Inbox
from flexor.recorder import bytes_for, start_recorder
from tests.moving import MOTION_SPEC, moving_arm

pytestmark = pytest.mark.edge

ROOT = Path(__file__).resolve().parents[1]
SPEC = Spec(200.0, ("emg1", "emg2"), "raw")
SHORT = """
name = "short"
repetitions = 2
rest_s = 0.1
lead_in_s = 0.1
[[gestures]]
label = "hand_close"
hold_s = 0.2
text = "Close your hand."
[[gestures]]
label = "hand_open"
hold_s = 0.3
"""
TWO = Protocol("two", (Asked("a", 1.0), Asked("b", 2.0)), repetitions=2, rest_s=0.5, lead_in_s=3.0)


def labels(plan: Plan) -> list[str]:
    return [step.label for step in plan.steps]


def test_the_protocol_that_ships_is_one() -> None:
    plan = plan_of(read_protocol(ROOT / "experiments" / "protocols" / "grips.toml"))
    assert plan.name == "grips"
    assert Counter(labels(plan))["hand_close"] == 3
    assert plan.begins_s[-1] == 3 + 18 * 7


def test_a_fixed_order_is_the_files_with_rest_behind_each() -> None:
    assert labels(plan_of(TWO)) == ["", "a", "rest", "b", "rest", "a", "rest", "b", "rest"]
    assert plan_of(TWO).begins_s[:4] == (0.0, 3.0, 4.0, 4.5)
    assert [step.repetition for step in plan_of(TWO).steps] == [0, 1, 1, 1, 1, 2, 2, 2, 2]


def test_no_rest_and_no_lead_in_leave_only_gestures() -> None:
    assert labels(plan_of(replace(TWO, rest_s=0.0, lead_in_s=0.0))) == ["a", "b", "a", "b"]


@given(st.integers(0, 1000), st.integers(1, 5), st.integers(1, 6))
@settings(max_examples=30)
def test_a_random_order_asks_for_each_gesture_once_in_each_repetition(
    seed: int, repetitions: int, gestures_n: int
) -> None:
    names = tuple(f"g{i}" for i in range(gestures_n))
    protocol = Protocol("p", tuple(map(Asked, names)), repetitions, order="random", seed=seed)
    steps = [step for step in plan_of(protocol).steps if not step.rests]
    for n in range(1, repetitions + 1):
        assert sorted(step.label for step in steps if step.repetition == n) == sorted(names)
    assert plan_of(protocol) == plan_of(protocol)


def test_another_seed_gives_another_order() -> None:
    many = Protocol("p", tuple(Asked(f"g{i}") for i in range(8)), order="random")
    assert labels(plan_of(many)) != labels(plan_of(replace(many, seed=1)))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ('nam = "x"', 'has the key "nam", which is not known. Did you mean "name"'),
        ("reptitions = 2", 'Did you mean "repetitions"'),
        ('order = "radom"', 'There is no order for ".*" "radom".*Did you mean "random"'),
        ("repetitions = 0", "asks for 0 repetitions"),
        ("rest_s = -1", "rest_s = -1; it takes 0 or more"),
        ("lead_in_s = nan", "lead_in_s = nan"),
        ("[[gestures]]\nlabel = 'a'\nhold_s = 0", "hold_s of a = 0; it takes more than 0"),
        ("[[gestures]]\nlabel = ' '", "a marker is a word"),
        ("[[gestures]]\nlabel = 'a, b'", "without commas"),
        ("[[gestures]]\nlabel = 'a'\nhold = 2", 'Did you mean "hold_s"'),
        ("gestures = []", "asks for no gesture"),
        ("seed = 1.5", "must be a whole number"),
    ],
)
def test_a_wrong_protocol_is_refused_in_a_sentence(
    tmp_path: Path, change: str, sentence: str
) -> None:
    path = tmp_path / "p.toml"
    gestures = "" if "gestures" in change else "[[gestures]]\nlabel = 'a'\n"
    path.write_text(f"name = 'p'\n{change}\n{gestures}")
    with pytest.raises(Refused, match=sentence):
        read_protocol(path)


def recorded(tmp_path: Path, source: Source | None, monkeypatch: pytest.MonkeyPatch) -> Path:
    protocol, out = tmp_path / "p.toml", tmp_path / "a.xdf"
    protocol.write_text(SHORT)
    if source is not None:
        monkeypatch.setattr(capture_module, "open_source", lambda word, **_: source)
    word = "synthetic" if source is None else "moving"
    record_source(out, word, None, "", protocol=protocol)
    return out


def test_a_recording_of_the_virtual_wearer_has_a_marker_where_each_step_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = load_session(recorded(tmp_path, None, monkeypatch))
    assert session.markers == (
        (0, "protocol short: hand_close, rest, hand_open"),
        (20, "hand_close"),
        (60, "rest"),
        (80, "hand_open"),
        (140, "rest"),
        (160, "hand_close"),
        (200, "rest"),
        (220, "hand_open"),
        (280, "rest"),
    )
    assert len(session.samples) == 300


def test_a_device_is_recorded_with_the_same_markers_and_its_motion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = read_recording(recorded(tmp_path, moving_arm(10.0), monkeypatch))
    assert [marker.text for marker in recording.markers[:3]] == [
        "protocol short: hand_close, rest, hand_open",
        "hand_close",
        "rest",
    ]
    assert recording.motion_spec == MOTION_SPEC
    motion = np.concatenate([chunk.samples for chunk in recording.motion])
    assert motion[:70, 0].tolist() == list(range(70))


def test_the_report_tells_what_the_device_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture_module, "open_source", lambda word, **_: moving_arm(1.0))
    report = record_source(tmp_path / "a.xdf", "moving", None, "")
    assert report["device"]["samples"] == 200
    assert report["motion_samples"] == 50
    monkeypatch.undo()
    assert "device" not in record_source(tmp_path / "b.xdf", "synthetic", 0.1, "")


def capture_of(plan: Plan, end_n: int | None = None) -> Capture:
    return Capture(None, Inbox(1), plan, 200.0, end_n, scripted=False)  # type: ignore[arg-type]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5)), min_size=1, max_size=30))
@settings(max_examples=50)
def test_each_prompt_is_marked_once_at_its_sample_however_chunks_fall(
    sizes: list[tuple[int, int]],
) -> None:
    plan = Plan("", tuple(Step(f"g{i}", 0.1) for i in range(10)))
    capture, found, at = capture_of(plan), [], 0
    for n, lost in sizes:
        chunk = Chunk(np.zeros((n, 2), np.float32), 0.0, lost)
        chunk = prompted(capture, shortened(capture, chunk))
        found += [(at + lost + m.sample_n, m.text) for m in chunk.markers]
        at += lost + n
    due = [i for i in range(10) if 20 * i < at]
    assert [text for _, text in found] == [f"g{i}" for i in due]
    for (n, _), i in zip(found, due, strict=True):
        assert 0 <= n - 20 * i <= 5  # behind a gap, where it began in one


def test_a_recording_ends_with_its_plan_and_not_with_the_chunk() -> None:
    capture = capture_of(Plan(), end_n=10)
    chunk = Chunk(np.zeros((8, 2), np.float32), 0.0, 1, (Marker(1, "x"), Marker(7, "y")))
    kept = shortened(capture, chunk)
    assert (len(kept.samples), kept.lost, kept.markers) == (8, 1, chunk.markers)
    assert len(shortened(capture, chunk).samples) == 0
    assert (capture.samples, capture.lost) == (8, 2)


def test_a_protocol_stands_alone(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(SHORT)
    for seconds, prompts in ((3.0, ""), (None, "rest:3")):
        with pytest.raises(Refused, match="leave --prompts and --seconds out"):
            record_source(tmp_path / "a.xdf", "synthetic", seconds, prompts, 0, tmp_path / "p.toml")
    assert not (tmp_path / "a.xdf").exists()


def test_a_recording_that_the_disk_cannot_hold_is_refused_before_it_starts(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"a recording of 1e\+12 s may need .* MB"):
        start_recorder(tmp_path / "a.xdf", SPEC, seconds=1e12)
    assert not (tmp_path / "a.xdf").exists()


def test_a_recording_takes_no_more_than_was_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture_module, "open_source", lambda word, **_: moving_arm(20.0))
    report = record_source(tmp_path / "a.xdf", "moving", None, "")
    arm = moving_arm(1.0)
    assert 0.5 < report["bytes"] / bytes_for(20.0, arm.spec, MOTION_SPEC) <= 1.05


def test_every_step_has_one_line() -> None:
    told: list[str] = []
    show = lines(plan_of(replace(TWO, gestures=(Asked("a", 1.0, "Hold it."),))), told.append)
    for at in range(0, 80):
        show(Progress(at / 10, at, 0))
    assert [line[10:] for line in told] == [
        "get ready for 3 s",
        "a for 1 s (1 of 2): Hold it.",
        "rest for 0.5 s (1 of 2)",
        "a for 1 s (2 of 2): Hold it.",
        "rest for 0.5 s (2 of 2)",
    ]


def test_the_panel_shows_what_to_do_how_long_still_and_what_was_lost() -> None:
    plan = plan_of(replace(TWO, gestures=(Asked("close", 2.0, "Close it."), Asked("open"))))
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(draw(plan, Progress(4.5, 895, 5), "to a.xdf"))
    text = console.export_text()
    for part in ("CLOSE", "Close it.", "0.5 s", "next: rest", "repetition 1 of 2", "895", "5 lost"):
        assert part in text
    console.print(draw(plan, Progress(1.0, 200, 0), "to a.xdf"))
    assert "GET READY" in console.export_text()
    console.print(draw(Plan(), Progress(1.0, 200, 0), "to a.xdf"))
    assert "1.0 s" in console.export_text()
