"""What no sequence of inputs can make the safety gate do with torque, and while it lets go."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import cycle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.command import Command, Mode
from firmware_bridge.hands import Telemetry
from firmware_bridge.limiter import ramped, spared, torques
from firmware_bridge.link import HandFlag, HandState
from firmware_bridge.safety import gate
from firmware_bridge.safety_state import Do, GateState, Health, Limits, Output, Phase, Request
from tests.gate_rig import EXO_LIMITS, LIMITS, WELL, Loop, armed, pushing

pytestmark = pytest.mark.edge

NUMBER = st.floats(-50, 50) | st.sampled_from([0.0, 20.0, -20.0, math.nan, math.inf, 1e300])
TICK = st.fixed_dictionaries(
    {
        "dt_s": st.sampled_from([0.0, 0.005, 0.01, 0.01, 0.01, 0.02, 0.025, 0.06, 0.11, 0.3]),
        "joints": st.none()
        | st.lists(NUMBER, min_size=2, max_size=6)
        | st.lists(st.floats(-20, 20), min_size=6, max_size=6),
        "mode": st.sampled_from([Mode.TORQUE] * 6 + list(Mode)),
        "rest": st.booleans(),
        "confidence": st.sampled_from([1.0, 1.0, 0.6, 0.2, math.nan]),
        "state": st.sampled_from([None] * 20 + list(HandState)),
        "flags": st.sampled_from([0] * 20 + list(HandFlag)),
        "at_deg": st.floats(-30, 130),
        "current_a": st.sampled_from([None, 0.5, 0.5, 3.0]),
        "signal_ok": st.sampled_from([True] * 6 + [False]),
        "source_alive": st.sampled_from([True] * 9 + [False]),
        "link_up": st.sampled_from([True] * 9 + [False]),
        "request": st.sampled_from([None] * 12 + list(Request)),
    }
)
SET = replace(EXO_LIMITS, confidence=0.5, current_a=2.0, low_battery_s=0.1)
OPENS = replace(
    LIMITS, confidence=0.5, slow_open_after_s=0.05, low_battery_s=0.1, grip_a=1.0, current_a=2.0
)


@dataclass
class Watcher:
    """Holds the gate to its promises, with no knowledge of how it keeps them."""

    limits: Limits
    torque_nm: tuple[float, ...]
    sent_s: float
    goes: bool = False

    def check(
        self, before: GateState, after: GateState, output: Output, fresh: bool, now_s: float
    ) -> None:
        if output.do is not Do.SETPOINT:
            return
        assert before.phase in (Phase.ARMED, Phase.HOLD, Phase.LETTING_GO)
        assert all(map(math.isfinite, output.joints))
        moves = any(output.joints)
        if output.mode is Mode.TORQUE:
            self.check_torque(after, output, fresh, now_s)
        elif moves:
            opens = output.mode is Mode.VELOCITY and max(output.joints) <= 0.0
            assert after.phase is Phase.ARMED or (after.phase is Phase.LETTING_GO and opens)
            assert fresh or after.phase is Phase.LETTING_GO
            assert not any(self.torque_nm)
        self.torque_nm = output.joints if output.mode is Mode.TORQUE else ()
        self.sent_s, self.goes = now_s, after.phase is not Phase.ARMED or not fresh

    def check_torque(self, after: GateState, output: Output, fresh: bool, now_s: float) -> None:
        hand, since_s = after.seen.hand, now_s - self.sent_s
        assert hand is not None
        was = self.torque_nm or (0.0,) * len(output.joints)
        for nm, before, at, (low, high, *_), (top, rate) in zip(
            output.joints,
            was,
            hand.position_deg,
            self.limits.joints,
            self.limits.torque,
            strict=True,
        ):
            assert abs(nm) <= top
            if at >= high:
                assert nm <= 0.0
            if at <= low:
                assert nm >= 0.0
            grown = abs(nm) - (abs(before) if nm * before > 0.0 else 0.0)
            assert grown <= rate * min(since_s, self.limits.step_s) + 1e-9
            if after.phase is not Phase.ARMED or not fresh:
                assert nm * before >= 0.0
                assert abs(nm) <= abs(before), "torque that goes rises"
                slope = top / self.limits.torque_ramp_s
                least_s = since_s if self.goes else min(since_s, 0.010)
                assert abs(nm) <= max(0.0, abs(before) - slope * least_s) + 1e-9


def play(ticks: list[dict], loop: Loop, watcher: Watcher) -> None:
    n = len(loop.limits.joints)
    for tick in ticks:
        loop.now_s += tick["dt_s"]
        command = None
        if tick["joints"] is not None:
            loop.decision_n += 1
            joints, mode = tuple(tick["joints"][:n]), tick["mode"]
            command = Command(mode, joints, loop.now_s, loop.decision_n, 0.1, tick["rest"],
                              tick["confidence"])  # fmt: skip
        state = tick["state"] or loop.hand
        telem = Telemetry(state, (tick["at_deg"],) * n, 0.01, HandFlag(tick["flags"]), (),
                          (tick["current_a"],))  # fmt: skip
        health = Health(tick["signal_ok"], tick["source_alive"], tick["link_up"])
        before = loop.state
        loop.state, output = gate(
            before, command, telem, health, tick["request"], loop.now_s, loop.limits
        )
        fresh = command is not None and loop.state.seen.decision_n == command.decision_n
        sure = command is not None and command.confidence >= loop.limits.confidence
        watcher.check(before, loop.state, output, fresh and health == WELL, loop.now_s)
        if not sure and output.do is Do.SETPOINT and output.mode is not Mode.TORQUE:
            assert not any(output.joints) or loop.phase is Phase.LETTING_GO
        if output.do is Do.ARM:
            loop.hand = HandState.ARMED
        if output.do in (Do.DISARM, Do.CLEAR, Do.ESTOP):
            loop.hand = HandState.ESTOP if output.do is Do.ESTOP else HandState.IDLE


@settings(max_examples=200, deadline=None)
@given(st.lists(TICK, max_size=60))
def test_no_sequence_of_inputs_gives_too_much_torque_or_lets_it_rise_when_it_goes(
    ticks: list[dict],
) -> None:
    loop = pushing(SET)
    play(ticks, loop, Watcher(SET, loop.state.motion.torque_nm, loop.now_s))


@settings(max_examples=100, deadline=None)
@given(st.lists(TICK, max_size=60))
def test_no_sequence_of_inputs_closes_a_hand_that_lets_go(ticks: list[dict]) -> None:
    loop = armed(OPENS)
    play(ticks, loop, Watcher(OPENS, (), loop.now_s))


@settings(max_examples=100, deadline=None)
@given(
    st.floats(0.2, 0.5),
    st.tuples(st.floats(-20, 20), st.floats(-10, 10)),
    st.lists(st.floats(0.001, 0.059), min_size=1, max_size=20),
    st.sampled_from(["disarm", "source", "signal", "number"]),
)
def test_torque_is_gone_by_the_end_of_its_ramp_however_the_ticks_come(
    ramp_s: float, wanted: tuple[float, ...], steps: list[float], why: str
) -> None:
    loop = pushing(replace(EXO_LIMITS, torque_ramp_s=ramp_s))
    for _ in range(12):
        loop.decide(wanted, mode=Mode.TORQUE)
    begin_s, before = loop.now_s, loop.state.motion.torque_nm
    health = replace(WELL, source_alive=why != "source", signal_ok=why != "signal")
    request = Request.DISARM if why == "disarm" else None
    for step_s in cycle(steps):
        loop.now_s += step_s
        joints = (math.nan, 0.0) if why == "number" else wanted
        output = loop.tell(loop.command(joints, mode=Mode.TORQUE), health=health, request=request)
        if output.do is Do.SETPOINT:
            for now, was in zip(output.joints, before, strict=True):
                assert now * was >= 0.0
                assert abs(now) <= abs(was)
            before = output.joints
        if not any(before):
            break
    # The first step counts for 10 ms, however late it is, and the last one may be late too.
    assert loop.now_s - begin_s <= ramp_s + 0.049 + 0.059 + 1e-6


@given(
    st.tuples(*[st.floats(-1e6, 1e6)] * 2),
    st.tuples(st.floats(-20, 20), st.floats(-10, 10)),
    st.floats(0.0, 0.05),
    st.floats(0.01, 1.0),
)
def test_torques_keep_their_size_and_their_rate(
    wanted: tuple[float, ...], before: tuple[float, ...], step_s: float, share: float
) -> None:
    given_nm = torques(wanted, before, EXO_LIMITS.torque, share, step_s)
    for nm, want, was, (top, rate) in zip(given_nm, wanted, before, EXO_LIMITS.torque, strict=True):
        assert abs(nm) <= top
        assert abs(nm - was) <= rate * step_s + 1e-9
        within = min(max(want, -top * share), top * share)
        assert min(was, within) - 1e-9 <= nm <= max(was, within) + 1e-9


@given(
    st.tuples(st.floats(-20, 20), st.floats(-10, 10)),
    st.tuples(*[st.floats(-200, 200)] * 2),
    st.tuples(*[st.floats(-500, 500)] * 2),
)
def test_what_is_spared_is_never_more_and_never_turned_round(
    torque: tuple[float, ...], at: tuple[float, ...], speed: tuple[float, ...]
) -> None:
    left = spared(torque, at, speed, EXO_LIMITS.joints, EXO_LIMITS.torque, 5.0)
    for nm, was, deg, deg_s, (low, high, top_deg_s, _) in zip(
        left, torque, at, speed, EXO_LIMITS.joints, strict=True
    ):
        assert nm * was >= 0.0
        assert abs(nm) <= abs(was)
        if deg >= high or deg_s >= 1.1 * top_deg_s:
            assert nm <= 0.0
        if deg <= low or deg_s <= -1.1 * top_deg_s:
            assert nm >= 0.0
        if low + 5.0 <= deg <= high - 5.0 and abs(deg_s) <= top_deg_s:
            assert nm == was


@given(st.floats(-20, 20), st.floats(0.0, 1.0), st.floats(0.2, 0.5))
def test_a_ramp_ends_at_zero_in_its_time(before: float, step_s: float, ramp_s: float) -> None:
    (left,) = ramped((before,), ((20.0, 80.0),), step_s, ramp_s)
    assert left * before >= 0.0
    assert abs(left) == pytest.approx(max(0.0, abs(before) - 20.0 * step_s / ramp_s))
