"""The Brunel hand is asked before anything is toggled, and never told too much at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquisition.stream import Refused
from firmware_bridge.brunel import LONGEST_N, Brunel, open_brunel, positions
from firmware_bridge.emulators.brunel import ALLOWED, BrunelTwin
from firmware_bridge.link import HandState
from firmware_bridge.safety_state import Do
from tests.hand_rig import Rig

pytestmark = pytest.mark.edge

DEGREES = st.tuples(*[st.floats(-1e6, 1e6)] * 4)


def rig_of(twin: BrunelTwin) -> Rig:
    rig = Rig("brunel")
    rig.twin = rig.port.twin = twin
    rig.link.hello(rig.now_s)
    return rig


@given(DEGREES)
def test_a_line_is_short_whole_and_of_characters_that_the_hand_takes(
    joints: tuple[float, ...],
) -> None:
    line = positions(joints)
    assert len(line) <= LONGEST_N
    assert line.endswith(b"\n")
    assert set(line[:-1]) <= ALLOWED
    words = line.split(b",")
    assert len(words) == 4, "the firmware takes what lies in memory for those that are missing"
    assert all(50 <= int(word) <= 973 for word in words)


def test_open_and_closed_are_the_firmwares_ends() -> None:
    assert positions((0.0, 0.0, 0.0, 0.0)) == b"50,50,50,50\n"
    assert positions((100.0, 50.0, 0.0, 100.0)) == b"973,512,50,973\n"


@pytest.mark.parametrize(
    ("mode", "toggles"),
    [("CSV", []), ("None", ["A4"]), ("EMG - Simple", ["X", "A4"]), ("Demo", ["X", "A4"])],
)
def test_the_mode_is_changed_only_where_it_must_be(mode: str, toggles: list[str]) -> None:
    twin = BrunelTwin(mode)
    rig = rig_of(twin).run(0.5)
    assert rig.link.state is HandState.IDLE
    assert twin.mode == "CSV"
    assert twin.toggles == toggles


def test_a_hand_that_answers_late_is_not_toggled_twice() -> None:
    twin = BrunelTwin("None")
    rig = rig_of(twin)
    rig.port.mute = True
    rig.run(3.0)
    assert twin.toggles == [], "it has not said in which mode it is"
    rig.port.mute = False
    rig.run(2.0)
    assert twin.toggles == ["A4"]


def test_an_answer_to_the_toggle_that_is_lost_leads_to_a_question_and_not_to_a_toggle() -> None:
    twin = BrunelTwin("None")
    rig = rig_of(twin)
    rig.port.change = lambda data: data.replace(b"CSV mode ENABLED", b"")
    rig.run(3.0)
    assert rig.link.up
    assert twin.toggles == ["A4"]


def test_an_echo_of_what_we_sent_is_no_position() -> None:
    ear = Brunel().ear()
    assert ear.hear(b"\n500,500,500,500\r\n") == []
    assert [reading.position_deg[0] for reading in ear.hear(b"50,50,973,50,\r\n")] == [0.0]


def test_a_position_beyond_the_converter_is_damaged() -> None:
    ear = Brunel().ear()
    assert ear.hear(b"50,50,9999,50,\r\n") == []
    assert ear.damaged_n == 1


def test_switched_off_motors_are_told_with_the_mend() -> None:
    rig = rig_of(BrunelTwin(motors=False)).run(0.5)
    rig.do(Do.ARM).run(0.1, rig.zeros)
    assert rig.link.state is HandState.FAILSAFE
    assert "A3" in rig.link.trip


def test_a_hand_whose_mode_was_changed_behind_our_back_is_not_armed() -> None:
    twin = BrunelTwin()
    rig = rig_of(twin).run(0.5)
    twin.mode = "None"
    rig.do(Do.ARM).run(0.1, rig.zeros)
    assert rig.link.state is HandState.FAILSAFE
    assert "CSV" in rig.link.trip


def test_a_halted_hand_says_what_halted_it() -> None:
    rig = rig_of(BrunelTwin()).armed()
    rig.twin.trip = True
    rig.run(0.05, rig.zeros)
    assert rig.link.trip == "CPU has reached maximum temperature"


def test_a_hand_without_a_port_is_refused_with_what_to_write() -> None:
    with pytest.raises(Refused, match="Name the port"):
        open_brunel("")
