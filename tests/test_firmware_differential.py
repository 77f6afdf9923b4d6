"""The firmware in C and the simulated microcontroller hear the same and say the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge import link
from firmware_bridge import simulated_mcu as model
from firmware_bridge.codec import check_of, cobs_encode
from firmware_bridge.link import FrameType, HandState
from firmware_bridge.simulated_joints import Joints
from firmware_bridge.simulated_mcu import Mcu
from tests.firmware_rig import COUNTERS, CMcu, c_model

pytestmark = pytest.mark.edge

JOINTS = [
    Joints(),
    Joints(
        low_deg=(-90.0, -30.0, 5.0, -60.0, 0.0, -33.333),
        high_deg=(90.0, 0.5, 60.0, -10.0, 33.333, 12.3456),
        velocity_deg_s=(150.0, 33.3, 720.0, 1.0, 10.0, 999.0),
        acceleration_deg_s2=777.0,
    ),
    Joints(torque_ramp=4, release_deg_s=0.0),
    Joints(torque_ramp=7, current_limit_ma=0, temperature_limit_c=5),
    Joints((-20.0, 0.0), (100.0, 90.0), (60.0, 120.0), 1200.0, 0.0, torque_ramp=(4, 2)),
]
SESSIONS = st.sampled_from([0xBEEF, 0xBEEF, 0xBEEF, 7])
COUNTS = st.tuples(*[st.integers(-1001, 1001) | st.sampled_from([-1000, 0, 1000])] * 6)
KINDS = st.sampled_from([*FrameType, FrameType.ARM, FrameType.ARM, 0x77])
SENSED = st.tuples(*[st.sampled_from([0, 4, 5, 6, 60, 61, 70, 71, 1000, 1001])] * 6)


class Both:
    """One in Python and one in C, to which the same happens."""

    def __init__(self, joints: Joints, crc_n: int, start_ms: int) -> None:
        self.python, self.c = Mcu(joints), CMcu(joints, crc_n)
        self.python.rx.crc_n = self.crc_n = crc_n
        self.now_ms = self.seq = 0
        self.python.now_ms = self.c.now_ms = self.now_ms = start_ms
        self.python.telem_ms = self.c.telem_ms = start_ms

    def hear(self, data: bytes) -> None:
        assert c_model.receive(self.c, data, self.now_ms) == model.receive(
            self.python, data, self.now_ms
        )

    def wait(self, ms: int) -> None:
        self.now_ms += ms
        assert c_model.advance(self.c, self.now_ms) == model.advance(self.python, self.now_ms)

    def set(self, name: str, value: Any) -> None:
        setattr(self.python, name, value)
        setattr(self.c, name, value)

    def frame(self, kind: int, session: int, ahead: int, payload: bytes) -> bytes:
        self.seq = (self.seq + ahead) & 0xFFFF
        t_ms = self.now_ms & 0xFFFFFFFF
        return link.pack(kind, session, self.seq, t_ms, payload, self.crc_n)

    def agree(self) -> None:
        for name in (
            "state", "counts", "position_udeg", "velocity_mdeg_s", "torque", "age_ms", "ttl_ms",
            "mode", "agreed", "tripped", "hot", "over_ms", "still_ms", "pressed_ms", "range_err",
            "eased", "seen_udeg", "fast", "flags",
        ):  # fmt: skip
            assert getattr(self.c, name) == getattr(self.python, name), name
        assert c_model.torque_limit(self.c) == model.torque_limit(self.python)
        for name in COUNTERS:
            assert getattr(self.c.rx, name) == getattr(self.python.rx, name), name


def setpoint_payload(mode: int, flags: int, ttl_ms: int, counts: tuple[int, ...]) -> bytes:
    return link._SETPOINT.pack(mode, flags, ttl_ms, *counts)


PAYLOADS = st.one_of(
    st.just(None),
    st.builds(
        setpoint_payload,
        st.sampled_from([0, 1, 1, 2, 2, 2, 3, 3, 4]),
        st.integers(0, 255),
        st.sampled_from([19, 20, 60, 75, 150, 150, 200, 500, 501]),
        COUNTS,
    ),
    st.binary(max_size=26),
)
AHEAD = st.sampled_from([0, 1, 1, 1, 1, 1, 2, 50, 51, 30_000, 0xFFFF])
DAMAGE = st.none() | st.none() | st.tuples(st.integers(0, 300), st.integers(1, 255))
ACT = st.one_of(
    st.tuples(st.just("wait"), st.integers(1, 250)),
    st.tuples(st.just("wait"), st.integers(1, 30)),
    st.tuples(st.just("say"), KINDS, SESSIONS, AHEAD, PAYLOADS, DAMAGE),
    st.tuples(st.just("drive"), st.sampled_from([1, 2, 3]), COUNTS, st.integers(1, 20)),
    st.tuples(st.just("bytes"), st.binary(max_size=300)),
    st.tuples(st.just("version"), st.binary(min_size=2, max_size=30)),
    st.tuples(st.just("current_ma"), SENSED.map(list)),
    st.tuples(st.just("temperature_c"), SENSED.map(list)),
    st.tuples(st.just("over_current"), st.booleans()),
    st.tuples(st.just("low_battery"), st.booleans()),
    st.tuples(st.just("brown_out"), st.sampled_from([False, False, True])),
    st.tuples(st.just("pressed"), st.booleans()),
    st.tuples(st.just("refuses"), st.sampled_from([False, False, True])),
    st.tuples(st.just("stalled"), st.sets(st.integers(0, 5), max_size=2)),
    st.tuples(
        st.just("measured_udeg"),
        st.dictionaries(
            st.integers(0, 5),
            st.integers(-(2**31), 2**31 - 1) | st.integers(-(10**7), 110 * 10**6),
            max_size=3,
        ),
    ),
    st.tuples(st.just("stop")),
)


def play(both: Both, acts: list[tuple[Any, ...]]) -> None:
    for act in acts:
        what, *rest = act
        if what == "wait":
            both.wait(rest[0])
        elif what == "say":
            kind, session, ahead, payload, damage = rest
            if payload is None:  # the right one; a HELLO has it already
                payload = b"" if kind == FrameType.HELLO else bytes(link._PAYLOAD_N.get(kind, 0))
            data = both.frame(kind, session, ahead, payload)
            if damage is not None:
                at, change = damage
                spoiled = bytearray(data)
                spoiled[at % len(data)] ^= change
                data = bytes(spoiled)
            both.hear(data)
        elif what == "drive":
            mode, counts, times = rest
            bounded = tuple(max(-1000, min(1000, n)) for n in counts)
            for kind in (FrameType.HELLO, FrameType.CLEAR, FrameType.ARM):
                both.hear(both.frame(kind, 0xBEEF, 1, b""))
            for _ in range(times):
                payload = setpoint_payload(mode, 0, 150, bounded)
                both.hear(both.frame(FrameType.SETPOINT, 0xBEEF, 1, payload))
                both.wait(20)
        elif what == "bytes":
            both.hear(rest[0])
        elif what == "version":
            both.hear(cobs_encode(rest[0] + check_of(rest[0], both.crc_n)) + b"\0")
        elif what == "stop":
            c_model.press_emergency_stop(both.c)
            model.press_emergency_stop(both.python)
        else:
            both.set(what, rest[0])
        both.agree()


@settings(max_examples=150)
@given(
    st.sampled_from(JOINTS),
    st.sampled_from([2, 2, 4]),
    st.sampled_from([0, 0, 2**31 - 200, 2**32 - 200]),
    st.lists(ACT, max_size=40),
)
def test_both_say_the_same_bytes_and_stand_at_the_same_microdegree(
    joints: Joints, crc_n: int, start_ms: int, acts: list[tuple[Any, ...]]
) -> None:
    play(Both(joints, crc_n, start_ms), acts)


@settings(max_examples=150)
@given(st.sampled_from(JOINTS), COUNTS, st.sampled_from([1, 2, 3]), st.lists(ACT, max_size=15))
def test_both_agree_on_a_hand_that_moves(
    joints: Joints, counts: tuple[int, ...], mode: int, acts: list[tuple[Any, ...]]
) -> None:
    both = Both(joints, 2, 0)
    play(both, [("drive", mode, counts, 15)])
    if mode < 3 and joints.current_limit_ma and any(counts):
        assert both.python.state is HandState.ARMED
    play(both, acts)
    play(both, [("wait", 300)])


@settings(max_examples=100)
@given(st.binary(max_size=2000), st.sampled_from([2, 4]))
def test_both_make_the_same_of_any_bytes(noise: bytes, crc_n: int) -> None:
    both = Both(Joints(), crc_n, 0)
    both.hear(both.frame(FrameType.HELLO, 0xBEEF, 1, b""))
    both.hear(noise)
    both.agree()
    both.hear(b"\0" + both.frame(FrameType.HEARTBEAT, 0xBEEF, 1, b""))
    both.agree()
    assert both.python.rx.last_seq == both.seq
