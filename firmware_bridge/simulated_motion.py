"""What the simulated microcontroller measures and how its joints move: as in flexor_motion.c."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmware_bridge import interface, link
from firmware_bridge.interface import WireMode
from firmware_bridge.link import HandState
from firmware_bridge.simulated_joints import GAIN_UDEG, Axis, bounded, cut, seen, spared, step

if TYPE_CHECKING:
    from firmware_bridge.simulated_mcu import Mcu


def sense(mcu: Mcu) -> None:
    """Currents, temperatures and the button, every ms; speeds, every SPEED_MS."""
    cool = True
    for joint, axis in enumerate(mcu.axes):
        over = mcu.current_ma[joint] > axis.current_limit_ma
        mcu.over_ms[joint] = min(mcu.over_ms[joint] + 1, interface.TRIP_MS) if over else 0
        mcu.tripped |= mcu.over_ms[joint] == interface.TRIP_MS
        limit_c = axis.temperature_limit_c - interface.COOL_K * mcu.hot
        cool &= mcu.temperature_c[joint] <= limit_c
    mcu.hot = not cool
    if mcu.now_ms % interface.SPEED_MS == 0:
        _measure_speeds(mcu)
    if mcu.pressed and mcu.pressed_ms == 0 and not any(mcu.over_ms):
        mcu.tripped = False
    mcu.pressed_ms = min(mcu.pressed_ms + 1, interface.PRESS_MS) if mcu.pressed else 0


def _at_udeg(mcu: Mcu, joint: int) -> int:
    return seen(mcu.axes[joint], mcu.measured_udeg.get(joint, mcu.position_udeg[joint]))


def _measure_speeds(mcu: Mcu) -> None:
    for joint, axis in enumerate(mcu.axes):
        at = _at_udeg(mcu, joint)
        moved, most = at - mcu.seen_udeg[joint], axis.velocity_mdeg_s * interface.SPEED_MS
        mcu.fast[joint] = (moved > most) - (moved < -most)
        mcu.seen_udeg[joint] = at


def _goal_mdeg_s(mcu: Mcu, joint: int, axis: Axis) -> int:
    at_udeg, limit = mcu.position_udeg[joint], axis.velocity_mdeg_s
    if mcu.releasing:
        open_udeg = min(max(0, axis.low_udeg), axis.high_udeg)
        return bounded(cut(open_udeg - at_udeg, GAIN_UDEG), axis.release_mdeg_s)
    if mcu.mode == WireMode.TORQUE:
        return cut(mcu.torque[joint] * limit, link.FULL_SCALE)
    if mcu.state != HandState.ARMED:
        return 0
    if mcu.mode == WireMode.VELOCITY:
        return cut(mcu.counts[joint] * limit, link.FULL_SCALE)
    goal_udeg = mcu.counts[joint] * axis.udeg_per_count
    return bounded(cut(goal_udeg - at_udeg, GAIN_UDEG), limit)


def move(mcu: Mcu) -> None:
    """One millisecond of every joint: torque, velocity and position within their limits."""
    driven = mcu.state == HandState.ARMED or mcu.releasing
    if not (driven or any(mcu.velocity_mdeg_s) or any(mcu.torque)):
        return
    if mcu.severed:
        zeros = [0] * len(mcu.axes)
        mcu.torque, mcu.velocity_mdeg_s = zeros, list(zeros)
        return
    for joint, axis in enumerate(mcu.axes):
        given = mcu.state == HandState.ARMED and mcu.mode == WireMode.TORQUE
        wanted = mcu.counts[joint] if given else 0
        torque = mcu.torque[joint] + bounded(wanted - mcu.torque[joint], axis.torque_ramp)
        mcu.torque[joint] = spared(axis, torque, _at_udeg(mcu, joint), mcu.fast[joint])
        mcu.position_udeg[joint], mcu.velocity_mdeg_s[joint] = step(
            axis,
            mcu.position_udeg[joint],
            mcu.velocity_mdeg_s[joint],
            _goal_mdeg_s(mcu, joint, axis),
            joint in mcu.stalled,
        )
