"""One contract for every hand with a protocol of its own: it follows, holds, stops and tells."""

from __future__ import annotations

import pytest

from acquisition.stream import DeviceLost
from firmware_bridge.command import Mode
from firmware_bridge.dialect import Silence
from firmware_bridge.emulators.twin import HAND_TWINS
from firmware_bridge.hands import HANDS
from firmware_bridge.link import HandState
from firmware_bridge.safety_state import Do, Phase
from firmware_bridge.session import LinkEventKind
from firmware_bridge.watchdog import NoWatchdog
from tests.hand_rig import OWN, TORQUE, TORQUES, Rig
from tests.virtual import VirtualRun

pytestmark = pytest.mark.edge

MUM = {
    "mia": "its protocol tells positions, and nothing of faults",
    "robolimb": "its fingers tell that they stall, as on every object, and nothing of faults",
}
"""hand -> why it does not tell that it protects itself"""
BLIND = "it tells no angle: each joint is taken to stand at 0"


class Dog(NoWatchdog):
    """Counts what it is told."""

    fed_n = disarmed_n = 0

    def feed(self) -> None:
        self.fed_n += 1

    def disarm(self) -> None:
        self.disarmed_n += 1


@pytest.fixture(params=[*sorted(set(HANDS) - OWN), *(name + TORQUE for name in TORQUES)])
def rig(request: pytest.FixtureRequest) -> Rig:
    return Rig(request.param)


def test_every_hand_has_a_twin() -> None:
    assert set(HAND_TWINS) == set(HANDS) - OWN


def test_a_hand_answers_and_tells_where_it_stands(rig: Rig) -> None:
    rig.run(0.3)
    assert rig.events[0] is LinkEventKind.CONNECTED
    assert rig.telemetry is not None
    assert rig.telemetry.state is HandState.IDLE
    assert len(rig.telemetry.position_deg) == len(rig.link.hand.joints)


def test_nothing_moves_before_it_is_armed(rig: Rig) -> None:
    rig.run(0.3)
    assert rig.send(rig.closing()) is None
    rig.run(0.3, rig.closing())
    assert not rig.twin.body.moving


def test_an_armed_hand_closes_as_fast_as_it_is_told(rig: Rig) -> None:
    rig.armed()
    before = tuple(rig.twin.body.position_deg)
    rig.run(1.0, rig.closing())
    assert LinkEventKind.ANSWERED in rig.events
    for joint, start, end in zip(
        rig.link.hand.joints, before, rig.twin.body.position_deg, strict=True
    ):
        asked = min(0.3 * joint.max_velocity_deg_s, joint.range_deg[1] - start)
        assert end - start == pytest.approx(asked, rel=0.1, abs=3.0), joint.name


def test_what_is_told_is_where_the_joints_are(rig: Rig) -> None:
    if rig.name.startswith("openexo"):
        pytest.skip(BLIND)
    rig.armed().run(0.5, rig.closing()).run(0.2, rig.zeros)
    assert rig.telemetry is not None
    assert rig.telemetry.position_deg == pytest.approx(rig.twin.body.position_deg, abs=1.5)


def test_what_is_said_to_be_sent_is_what_the_bytes_ask_for(rig: Rig) -> None:
    rig.armed().run(0.030)
    sent = rig.send(rig.closing(0.5))
    assert sent is not None
    assert sent.mode is rig.link.dialect.facts.mode
    assert len(sent.joints) == len(rig.zeros)
    assert rig.link.dialect.setpoint(sent.joints).joints == pytest.approx(sent.joints, abs=0.6)


def test_a_stop_is_a_stop_at_once(rig: Rig) -> None:
    rig.armed().run(0.3, rig.closing())
    assert rig.moves(rig.closing())
    rig.run(0.1, rig.zeros)
    assert not rig.twin.body.moving


def test_setpoints_that_end_stop_the_hand_within_150_ms(rig: Rig) -> None:
    rig.armed().run(0.3, rig.closing())
    assert rig.rest_s() <= 0.150
    rig.run(0.3)
    assert rig.link.state is HandState.FAILSAFE
    assert rig.telemetry is not None
    assert rig.telemetry.age_s > 0.150
    assert rig.send(rig.closing()) is None


def test_an_emergency_stop_acts_within_20_ms_and_lasts(rig: Rig) -> None:
    rig.armed().run(0.3, rig.closing())
    rig.do(Do.ESTOP)
    assert rig.rest_s() <= 0.020
    rig.do(Do.ARM).run(0.3, rig.closing())
    assert rig.link.state is HandState.ESTOP
    assert not rig.twin.body.moving
    rig.do(Do.CLEAR).run(0.05)
    assert rig.link.state is HandState.IDLE


def test_a_disarmed_hand_stands_still_and_can_be_armed_again(rig: Rig) -> None:
    rig.armed().run(0.3, rig.closing())
    rig.do(Do.DISARM)
    assert rig.rest_s() <= 0.020
    assert rig.link.state is HandState.IDLE
    one_way = rig.name == "openexo_ble"  # its firmware knows no torque below 0
    assert rig.armed().moves(tuple(share if one_way else -share for share in rig.closing()))


def test_a_hand_that_no_longer_answers_is_stopped_and_lost(rig: Rig) -> None:
    rig.armed().run(0.3, rig.closing())
    rig.port.mute = True
    rig.run(0.15, rig.closing())
    assert not rig.link.up
    assert LinkEventKind.LOST in rig.events
    assert not rig.twin.body.moving, "it heard the stop though it was not heard"


def test_a_hand_that_nothing_reaches_does_what_its_facts_say(rig: Rig) -> None:
    rig.armed().run(0.3, rig.closing())
    facts, body = rig.link.dialect.facts, rig.twin.body
    rig.port.deaf = True
    rig.run(0.05)
    if facts.native_timeout_s is None:
        assert facts.on_silence is Silence.HOLDS
        return
    rig.run(facts.native_timeout_s + 0.1)
    assert not body.moving


def test_a_hand_that_protects_itself_is_stopped_and_says_why(rig: Rig) -> None:
    if rig.name in MUM:
        pytest.skip(MUM[rig.name])
    rig.armed().run(0.3, rig.closing())
    rig.twin.trip = True
    rig.run(0.05, rig.closing())
    assert rig.link.state is HandState.FAILSAFE
    assert not rig.twin.body.moving
    assert any("protects itself" in text for text in rig.texts)
    assert rig.telemetry is not None
    assert rig.telemetry.age_s <= 0.150, "the gate must not take it for a timeout"


def test_a_stop_that_the_line_swallows_is_sent_again(rig: Rig) -> None:
    rig.armed().run(0.3, rig.closing())
    rig.port.deaf = True
    rig.do(Do.ESTOP)
    rig.port.deaf = False
    rig.run(0.05)
    assert not rig.twin.body.moving


def test_a_stop_that_does_not_go_out_stays_owed_and_the_watchdog_armed(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.armed().run(0.3, rig.closing())
    dog = Dog()
    rig.link.watchdog = dog
    monkeypatch.setattr(rig.port, "full", True)
    rig.do(Do.ESTOP).run(0.05)
    assert dog.disarmed_n == dog.fed_n == 0
    monkeypatch.setattr(rig.port, "full", False)
    rig.run(0.05)
    assert dog.disarmed_n > 0
    assert not rig.twin.body.moving


def test_an_unplugged_hand_is_told(rig: Rig) -> None:
    rig.armed()
    rig.port.gone = True
    with pytest.raises(DeviceLost):
        rig.run(0.1, rig.closing())
    rig.link.close()


def test_closing_the_link_leaves_the_hand_at_rest(rig: Rig) -> None:
    rig.armed().run(0.3, rig.closing())
    rig.link.close()
    for later_s in (0.0, 0.02, 0.1):
        rig.twin.advance(rig.now_s + later_s)
    assert not rig.twin.body.moving


def test_damaged_answers_are_counted_and_never_believed(rig: Rig) -> None:
    rig.armed()
    before = rig.link.at_deg
    rig.port.change = lambda data: bytes(byte ^ 0x15 for byte in data)
    rig.run(0.08)
    assert rig.link.at_deg == before


def test_joints_never_leave_their_range(rig: Rig) -> None:
    rig.armed().run(2.5, rig.closing(1.0)).run(2.5, tuple(-s for s in rig.closing(1.0)))
    for joint, at in zip(rig.link.hand.joints, rig.twin.body.position_deg, strict=True):
        assert joint.range_deg[0] - 0.5 <= at <= joint.range_deg[1] + 0.5


def test_a_hand_takes_no_torque_but_where_it_is_made_for_them(rig: Rig) -> None:
    rig.armed()
    rig.mode = Mode.VELOCITY if rig.mode is Mode.TORQUE else Mode.TORQUE
    before = rig.link.setpoints_n
    assert rig.send(tuple(1.0 for _ in rig.zeros)) is None
    assert rig.link.setpoints_n == before


def test_the_whole_loop_moves_another_makers_hand_and_lets_it_rest() -> None:
    run = VirtualRun(hand="ability").until(6.0)
    assert run.twin is not None
    index = run.loop.joint_names.index("index") if run.loop.joint_names else 2
    assert run.twin.body.position_deg[index] > 30.0
    assert run.loop.gate_state.phase is Phase.ARMED, run.loop.tally.events


def test_a_silent_source_brings_another_makers_hand_to_rest() -> None:
    run = VirtualRun(hand="ability").until(3.6)
    assert run.moving, run.loop.tally.events
    run.change = lambda chunk: None
    assert run.rest_s() <= 0.150
