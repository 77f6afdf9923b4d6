"""Recordings of the page: their names, their list, their replay; no browser and no run."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

pytest.importorskip("nicegui", reason="NiceGUI comes with flexor[dashboard]")

from acquisition.recording import create_recording
from acquisition.stream import Refused, Spec
from acquisition.xdf import Stream
from flexor.dashboard import recordings as recordings_module
from flexor.dashboard import replay as replay_module
from flexor.dashboard.access import Access
from flexor.dashboard.audit import Audit
from flexor.dashboard.desk import PLAYERS_N, Desk
from flexor.dashboard.hub import SCOPE_S, Hub
from flexor.dashboard.live_view import live_view
from flexor.dashboard.policy import MAY, Policy, Who, Why
from flexor.dashboard.recordings import KEPT_N, Recordings
from flexor.dashboard.replay import HAIR_S, JUMP_S, SPEEDS, open_player
from flexor.dashboard.supervisor import Supervisor
from tests.access_rig import HOST, TOKEN, Clock

SPEC = Spec(100.0, ("emg1", "emg2"), "uV", 1.0, 1000.0)
SECONDS = 20
NAME = "session-20260102-030405.xdf"


def made(path: Path) -> Path:
    """Twenty seconds, sample n of which is n; armed after ten."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = create_recording(path, SPEC, "virtual")
    about = {"labels": ["rest", "hand_close"], "rest": "rest", "joints": []}
    writer.text(Stream.STATES, 500.0, json.dumps({"about": about}))
    for k in range(10 * SECONDS):
        at_s = 500.0 + k / 10
        block = np.repeat(np.arange(10 * k, 10 * k + 10, dtype="<f4")[:, None], 2, axis=1)
        writer.samples(at_s, block.tobytes())
        state = {"state": "armed" if k >= 100 else "disarmed", "joints": [["index", k / 2, 0.0]]}
        writer.text(Stream.STATES, at_s, json.dumps(state))
        intent = {"gesture": "hand_close", "strength": 0.5, "confidence": 0.9, "clock_s": at_s}
        intent |= {"decision_n": k, "rejected": False, "targets": []}
        writer.text(Stream.INTENTS, at_s, json.dumps(intent))
        command = {"mode": 2, "joints": [k], "clock_s": at_s - 0.01, "decision_n": k}
        writer.text(Stream.COMMANDS, at_s, json.dumps(command))
    writer.text(Stream.MARKERS, 510.0, "gate armed: why")
    writer.close()
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return made(tmp_path / "recordings" / NAME)


@pytest.fixture
def desk(tmp_path: Path, path: Path) -> Desk:
    access = Access(Policy((HOST,)), TOKEN, Clock())
    audit = Audit(tmp_path / "audit.jsonl")
    return Desk(access, audit, Supervisor(tmp_path / "run.log"), tmp_path)


def test_a_replay_shows_what_was_at_its_pace(path: Path) -> None:
    clock = Clock()
    player = open_player(path, clock)
    for _ in range(55):
        clock.now_s += 0.1
        player.look()
    assert player.position_s == pytest.approx(5.5)
    view = live_view(player.hub, 0)
    assert player.hub.newest(1)[0, 0] == pytest.approx(559.0)
    assert view["source"] == "virtual"
    assert view["status"]["state"] == "disarmed"
    assert view["status"]["joints"] == [["index", 27.5, 0.0]]
    assert view["about"]["labels"] == ["rest", "hand_close"]
    assert view["intent"]["gesture"] == "hand_close"
    assert view["joints_asked"] == [55]
    assert view["asked"]["joints"] == [55]
    player.set_speed(4.0)
    clock.now_s += 0.25
    player.look()
    assert player.position_s == pytest.approx(6.5)


def test_a_command_that_was_not_followed_any_longer_is_not_shown_as_asked(tmp_path: Path) -> None:
    writer = create_recording(tmp_path / NAME, SPEC, "virtual")
    for k in range(20):
        writer.samples(500.0 + k / 10, np.zeros((10, 2), "<f4").tobytes())
        state = {"state": "disarmed", "joints": [["index", 0.0, 0.0]]}
        writer.text(Stream.STATES, 500.0 + k / 10, json.dumps(state))
    command = {"mode": 2, "joints": [50], "clock_s": 500.4, "decision_n": 1}
    writer.text(Stream.COMMANDS, 500.41, json.dumps(command))
    writer.close()
    player = open_player(tmp_path / NAME, Clock())
    player.seek(0.5)
    assert live_view(player.hub, 0)["asked"] is not None
    player.seek(1.5)
    assert live_view(player.hub, 0)["asked"] is None


def test_a_replay_can_drive_nothing(path: Path) -> None:
    player = open_player(path)
    assert player.hub.alive
    assert not player.hub.say("arm")
    assert not player.hub.tell({"perform": {"gesture": "hand_close"}})


def test_a_replay_stands_still_ends_and_begins_again(path: Path) -> None:
    clock = Clock()
    player = open_player(path, clock)
    player.play(False)
    clock.now_s += 5.0
    player.look()
    assert player.position_s == 0.0
    player.seek(SECONDS - 0.1)
    player.play(True)
    clock.now_s += 0.3
    player.look()
    assert (player.playing, player.position_s) == (False, player.seconds)
    assert player.hub.status["state"] == "armed"
    player.play(True)
    assert player.position_s == 0.0
    with pytest.raises(Refused, match="times the speed"):
        player.set_speed(100.0)
    assert SPEEDS[0] < 1.0 < SPEEDS[-1]


def test_a_browser_that_looked_away_comes_back_to_where_it_was(path: Path) -> None:
    clock = Clock()
    player = open_player(path, clock)
    clock.now_s += 3600.0
    player.look()
    assert player.position_s == JUMP_S


@settings(max_examples=25, deadline=None)
@example(jumps=[1.3])  # where the difference of two clocks is a hair too large
@given(jumps=st.lists(st.floats(-5.0, SECONDS + 5.0), min_size=1, max_size=6))
def test_wherever_it_jumps_the_scope_holds_the_moments_before(
    jumps: list[float], tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.getbasetemp() / "jumps" / NAME
    player = open_player(file if file.exists() else made(file), Clock())
    turns = set()
    for second in jumps:
        player.seek(second)
        turns.add(player.turn_n)
        held = player.hub.newest(10_000)[:, 0]
        last = min(10 * SECONDS - 1, int(10 * (player.position_s + HAIR_S)))
        assert held[-1] == 10 * last + 9
        assert (np.diff(held) == 1).all()
        assert len(held) <= round(SCOPE_S * SPEC.rate_hz)
    assert len(turns) == len(jumps)


def test_what_is_too_large_or_no_recording_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "no.xdf").write_bytes(b"XDF:")
    with pytest.raises(Refused):
        open_player(tmp_path / "no.xdf")
    monkeypatch.setattr(replay_module, "LARGEST_BYTES", 100)
    with pytest.raises(Refused, match="download it"):
        open_player(path)


def test_the_list_has_date_length_source_and_size_and_survives_a_broken_file(desk: Desk) -> None:
    (desk.folder / "recordings" / "session-20260102-030406.xdf").write_bytes(b"XDF:\x01")
    (desk.folder / "recordings" / "notes.xdf").write_bytes(b"")
    whole = next(kept for kept in desk.recordings.all() if kept.name == NAME)
    assert whole.source == "virtual"
    assert whole.bytes_n == (desk.folder / "recordings" / NAME).stat().st_size
    assert abs(whole.at + whole.seconds - (desk.folder / "recordings" / NAME).stat().st_mtime) < 1
    broken = [kept for kept in desk.recordings.all() if kept.name != NAME]
    assert [(kept.source, kept.seconds) for kept in broken] == [("", 0.0)]


@pytest.mark.parametrize(
    "name", ["../token", "/etc/passwd", "", "session-20260102-030405.xdf/..", "recorder.log", "\0"]
)
def test_a_name_that_is_none_reaches_no_file(name: str, desk: Desk) -> None:
    cookie, _ = desk.access.pair("a", TOKEN)
    with pytest.raises(Refused, match="no recording's name"):
        desk.download(cookie, name)
    with pytest.raises(Refused, match="no recording's name"):
        desk.delete_recording(cookie, name)


def test_a_link_in_the_folder_is_not_followed(desk: Desk) -> None:
    link = desk.folder / "recordings" / "session-20260102-030407.xdf"
    link.symlink_to(desk.folder / "audit.jsonl")
    with pytest.raises(Refused, match="There is no recording"):
        desk.recordings.path_of(link.name)
    assert link.name not in [kept.name for kept in desk.recordings.all()]


def test_only_who_controls_records_and_removes_and_everybody_may_look(desk: Desk) -> None:
    one, other = (desk.access.pair(who, TOKEN)[0] for who in ("a", "b"))
    desk.access.take_control(one)
    with pytest.raises(Refused, match="Somebody else"):
        asyncio.run(desk.record(other))
    with pytest.raises(Refused, match="Somebody else"):
        desk.end_recording(other)
    with pytest.raises(Refused, match="Somebody else"):
        desk.delete_recording(other, NAME)
    asyncio.run(desk.replay(other, NAME))
    assert desk.download(other, NAME).name == NAME
    assert desk.player(other) is not None
    assert desk.player(one) is None
    with pytest.raises(Refused, match="Pair this browser"):
        desk.download("nobody", NAME)
    desk.delete_recording(one, NAME)
    assert desk.recordings.all() == []


def test_who_looks_at_a_replay_arms_nothing_and_may_stop(desk: Desk) -> None:
    cookie, _ = desk.access.pair("a", TOKEN)
    desk.access.take_control(cookie)
    asyncio.run(desk.replay(cookie, NAME))
    assert desk.ask(cookie, "arm") is Why.REPLAY
    assert desk.ask(cookie, "clear") is Why.REPLAY
    assert desk.ask(cookie, "estop") is None
    desk.leave_replay(cookie)
    assert desk.ask(cookie, "arm") is None


def test_replays_are_few_and_go_with_their_browsers(desk: Desk) -> None:
    cookies = [desk.access.pair(f"h{k}", TOKEN)[0] for k in range(PLAYERS_N + 2)]
    for cookie in cookies:
        asyncio.run(desk.replay(cookie, NAME))
    assert len(desk.players) == PLAYERS_N
    assert desk.player(cookies[0]) is None
    desk.access.leave(cookies[-1])
    asyncio.run(desk.replay(cookies[0], NAME))
    assert len(desk.players) <= PLAYERS_N


def test_a_recording_is_refused_without_a_run_without_room_and_beyond_so_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = Hub()
    there = Recordings(hub, tmp_path / "r", tmp_path / "c", free_bytes=lambda _: 10)
    with pytest.raises(Refused, match="Nothing runs"):
        asyncio.run(there.begin())
    with pytest.raises(Refused, match="Nothing is recorded"):
        there.end()
    hub.alive, hub.door = True, tmp_path / "door.sock"
    with pytest.raises(Refused, match="make room"):
        asyncio.run(there.begin())
    there.free_bytes = lambda _: 10**12
    with pytest.raises(Refused, match="The run ended"):
        asyncio.run(there.begin())
    assert list((tmp_path / "r").glob("*.xdf")) == []
    monkeypatch.setattr(recordings_module, "KEPT_N", 0)
    with pytest.raises(Refused, match="remove some first"):
        asyncio.run(there.begin())
    assert KEPT_N > 100
    hub.status = {"recording": {"name": "x", "of_run": True}}
    with pytest.raises(Refused, match="--record"):
        there.end()


def test_the_table_of_who_may_has_stops_for_everybody_and_motion_for_one() -> None:
    assert MAY["estop"] is MAY["disarm"] is Who.PAIRED
    assert all(MAY[what] is Who.CONTROLLER for what in ("arm", "clear", "begin run", "record"))
