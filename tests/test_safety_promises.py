"""What no sequence of inputs can make the safety gate do."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.command import Command, Mode
from firmware_bridge.hands import Telemetry
from firmware_bridge.limiter import limited
from firmware_bridge.link import HandState
from firmware_bridge.safety import gate
from firmware_bridge.safety_state import (
    Do,
    GateState,
    Health,
    Limits,
    Output,
    Phase,
    Request,
    gate_start,
)
from tests.gate_rig import (
    CLOSE,
    LIMITS,
    STILL,
    WELL,
    Loop,
    N,
    armed,
    faulty,
    stopped,
)

pytestmark = pytest.mark.edge


NUMBER = st.one_of(
    st.floats(-2000, 2000), st.sampled_from([0.0, 100.0, -100.0, math.nan, math.inf, 1e300])
)
JOINTS = st.one_of(
    st.just(STILL),
    st.just(CLOSE),
    st.tuples(*[NUMBER] * N),
    st.lists(NUMBER, max_size=N + 1).map(tuple),
)
TICK = st.fixed_dictionaries(
    {
        "dt_s": st.sampled_from([0.0, 0.005, 0.02, 0.025, 0.025, 0.025, 0.06, 0.11, 0.16, 2.0]),
        "command": st.one_of(
            st.none(),
            st.fixed_dictionaries(
                {
                    "joints": JOINTS,
                    "late_s": st.sampled_from([0.0, 0.0, 0.0, 0.03, 0.12, -0.05]),
                    "step_n": st.sampled_from([1, 1, 1, 1, 0, -3]),
                    "rest": st.booleans(),
                    "mode": st.sampled_from(Mode),
                    "ttl_s": st.sampled_from([0.075, 0.15, 0.0, 5.0]),
                }
            ),
        ),
        "hand": st.one_of(st.none(), st.none(), st.sampled_from(HandState)),
        "follows": st.booleans(),
        "at_deg": st.floats(-10, 110),
        "signal_ok": st.sampled_from([True, True, True, False]),
        "source_alive": st.sampled_from([True] * 9 + [False]),
        "link_up": st.sampled_from([True] * 9 + [False]),
        "request": st.sampled_from([None] * 8 + list(Request)),
    }
)


@dataclass
class Watcher:
    """Holds the gate to its promises, with no knowledge of how it keeps them."""

    used: set[int] = field(default_factory=set)
    newest_clock_s: float = -math.inf
    velocity: tuple[float, ...] = STILL
    sent_s: float = -math.inf
    cleared: bool = False

    def check(  # one promise after the other
        self,
        before: GateState,
        after: GateState,
        output: Output,
        command: Command | None,
        telem: Telemetry | None,
        health: Health,
        request: Request | None,
        now_s: float,
    ) -> None:
        if request is Request.CLEAR:
            self.cleared = True
        if before.phase is Phase.ESTOP and after.phase is not Phase.ESTOP:
            assert self.cleared
            assert after.phase is Phase.DISARMED
        if before.phase is Phase.FAULT and after.phase not in (Phase.FAULT, Phase.ESTOP):
            assert request is Request.CLEAR
        if after.phase is Phase.ESTOP and before.phase is not Phase.ESTOP:
            self.cleared = False
            assert output.do is Do.ESTOP
        if output.do is Do.SETPOINT and output.mode is Mode.VELOCITY:
            assert all(output.joints[i] <= 0.0 for i, _ in after.seen.blocked)
        if request is Request.ESTOP:
            self.cleared = False
            assert output.do is Do.ESTOP
        if after.phase is Phase.ARMED and before.phase not in (Phase.ARMED, Phase.HOLD):
            assert before.phase is Phase.ARMING
            assert telem is not None
        if output.do is Do.ARM:
            assert request is Request.ARM
        if output.do is not Do.SETPOINT:
            return
        assert before.phase in (Phase.ARMED, Phase.HOLD)
        assert after.phase in (Phase.ARMED, Phase.HOLD)
        assert len(output.joints) == N
        assert 0.060 <= output.ttl_s <= 0.200
        still = output.mode is Mode.VELOCITY and not any(output.joints)
        if not still:
            assert after.phase is Phase.ARMED
            assert health == WELL
            self.check_fresh(output, command, now_s)
        self.check_bounds(after, output, now_s)

    def check_fresh(self, output: Output, command: Command | None, now_s: float) -> None:
        assert command is not None
        assert output.decision_n == command.decision_n
        assert command.decision_n not in self.used
        assert command.clock_s > self.newest_clock_s
        assert now_s - command.clock_s <= LIMITS.stale_s + 1e-9
        self.used.add(command.decision_n)
        self.newest_clock_s = command.clock_s

    def check_bounds(self, after: GateState, output: Output, now_s: float) -> None:
        hand = after.seen.hand
        assert hand is not None
        if output.mode is Mode.POSITION:
            assert all(0.0 <= deg <= 100.0 for deg in output.joints)
            self.velocity = after.motion.velocity_deg_s
        else:
            step_s = min(now_s - self.sent_s, LIMITS.step_s)
            for v, was, at in zip(output.joints, self.velocity, hand.position_deg, strict=True):
                assert abs(v) <= 150.0
                grown = abs(v) - (abs(was) if v * was > 0.0 else 0.0)
                assert grown <= 1500.0 * step_s + 1e-9
                if v:
                    assert 0.0 <= at + v * output.ttl_s <= 100.0 or v * (50.0 - at) > 0.0
            self.velocity = output.joints
        self.sent_s = now_s


def run(ticks: list[dict], loop: Loop, watcher: Watcher) -> None:
    for tick in ticks:
        loop.now_s += tick["dt_s"]
        command = None
        if tick["command"] is not None:
            wish = tick["command"]
            loop.decision_n += wish["step_n"]
            clock_s = loop.now_s - wish["late_s"]
            command = Command(
                wish["mode"], wish["joints"], clock_s, loop.decision_n, wish["ttl_s"], wish["rest"]
            )
        if loop.phase in (Phase.ARMING, Phase.ARMED, Phase.HOLD) and tick["follows"]:
            loop.hand = HandState.ARMED
        telem = None
        if tick["hand"] is not None or tick["follows"]:
            state = loop.hand if tick["hand"] is None else tick["hand"]
            telem = Telemetry(state, (tick["at_deg"],) * N, 0.01)
        health = Health(tick["signal_ok"], tick["source_alive"], tick["link_up"])
        before = loop.state
        loop.state, output = gate(
            before, command, telem, health, tick["request"], loop.now_s, LIMITS
        )
        watcher.check(
            before, loop.state, output, command, telem, health, tick["request"], loop.now_s
        )
        if output.do in (Do.DISARM, Do.CLEAR):
            loop.hand = HandState.IDLE
        if output.do is Do.ESTOP:
            loop.hand = HandState.ESTOP


@settings(max_examples=150, deadline=None)
@given(st.lists(TICK, max_size=60), st.sampled_from([Loop, armed, stopped, faulty]))
def test_no_sequence_of_inputs_breaks_a_promise(ticks: list[dict], begin) -> None:  # type: ignore[no-untyped-def]
    loop = begin()
    watcher = Watcher(sent_s=loop.now_s, newest_clock_s=loop.state.seen.basis_s)
    run(ticks, loop, watcher)


@settings(max_examples=100)
@given(
    st.tuples(*[st.floats(-1e6, 1e6)] * N),
    st.tuples(*[st.floats(-200, 200)] * N),
    st.tuples(*[st.floats(-150, 150)] * N),
    st.floats(0.0, 0.05),
    st.floats(0.06, 0.2),
)
def test_limited_speeds_keep_range_velocity_and_acceleration(
    wanted: tuple[float, ...],
    at: tuple[float, ...],
    before: tuple[float, ...],
    step_s: float,
    reach_s: float,
) -> None:
    speeds = limited(wanted, at, before, LIMITS.joints, step_s, reach_s, 1.0)
    for v, want, deg, was in zip(speeds, wanted, at, before, strict=True):
        assert abs(v) <= min(abs(want), 150.0)
        assert v * want >= 0.0
        same_way = abs(was) if was * want > 0.0 else 0.0
        assert abs(v) <= same_way + 1500.0 * step_s + 1e-9
        if v > 0.0:
            assert deg + v * reach_s <= 100.0 + 1e-9
        if v < 0.0:
            assert deg + v * reach_s >= -1e-9


@given(st.floats(-150, 150), st.floats(0.0, 1.0))
def test_slowing_down_is_always_allowed_at_once(before: float, share: float) -> None:
    slower = before * share
    speeds = limited((slower,), (50.0,), (before,), LIMITS.joints[:1], 0.0, 0.2, 1.0)
    assert speeds == (slower,)


def test_limits_of_one_joint_serve_a_hand_of_one_joint() -> None:
    limits = Limits(((0.0, 90.0, 10.0, 100.0),))
    assert gate_start(limits).motion.velocity_deg_s == (0.0,)


def test_a_range_need_not_begin_at_zero() -> None:
    wrist = ((-60.0, 30.0, 150.0, 1500.0),)
    assert limited((-100.0,), (-54.0,), (-100.0,), wrist, 0.05, 0.1, 1.0) == (-60.0,)
    assert limited((100.0,), (27.0,), (100.0,), wrist, 0.05, 0.1, 1.0) == (30.0,)
    assert limited((-100.0,), (-59.5,), (-100.0,), wrist, 0.05, 0.1, 1.0) == (0.0,)
