"""What each frame of the link carries, packed and unpacked. The layouts are in `interface`."""

from __future__ import annotations

from typing import NamedTuple

from firmware_bridge.interface import (
    FLAG_SHIFT,
    FULL_SCALE,
    INTERFACE_HASH,
    PAYLOADS,
    TTL_MS,
    FrameType,
    WireMode,
    layout,
)

_HELLO = layout(PAYLOADS[FrameType.HELLO])
_HELLO_ACK = layout(PAYLOADS[FrameType.HELLO_ACK])
_ACK = layout(PAYLOADS[FrameType.ACK])
_SETPOINT = layout(PAYLOADS[FrameType.SETPOINT])
_TELEM = layout(PAYLOADS[FrameType.TELEM])
_TORQUE = layout(PAYLOADS[FrameType.TORQUE])
_MODES = (WireMode.POSITION, WireMode.VELOCITY)


class HelloAck(NamedTuple):
    version: int
    dof_n: int
    max_ttl_ms: int
    seq: int
    """Of the HELLO that it answers."""
    interface: int = INTERFACE_HASH


class Ack(NamedTuple):
    type: int
    seq: int
    """Of the frame that it answers."""
    code: int
    state: int


class Setpoint(NamedTuple):
    mode: int
    """WireMode"""
    flags: int
    """SetpointFlag"""
    ttl_ms: int
    counts: tuple[int, ...]
    """(DOF_N,), -1000..1000 of full scale"""


class Telem(NamedTuple):
    state: int
    err_count: int
    """Damaged frames that the hand has seen, saturating at 255."""
    last_seq: int
    """Newest sequence number that the hand accepted."""
    age_ms: int
    """Age of the setpoint that the hand acts on."""
    counts: tuple[int, ...]
    """(DOF_N,), measured positions, -1000..1000 of full scale"""
    rx_ok: int
    stale: int
    range_err: int
    flags: int = 0
    """HandFlag"""
    torque: tuple[int, ...] = ()
    """(DOF_N,) newest torques that the hand gives, in thousandths; () where it takes none"""


def hello_ack_payload(ack: HelloAck) -> bytes:
    return _HELLO_ACK.pack(*ack)


def ack_payload(ack: Ack) -> bytes:
    return _ACK.pack(*ack)


def telem_payload(telem: Telem) -> bytes:
    state = telem.state | telem.flags << FLAG_SHIFT
    return _TELEM.pack(state, *telem[1:4], *telem.counts, *telem[5:8])


def unpack_hello(payload: bytes) -> int:
    """The interface hash that the host was built with."""
    return int(_HELLO.unpack(payload)[0])


def unpack_hello_ack(payload: bytes) -> HelloAck:
    return HelloAck._make(_HELLO_ACK.unpack(payload))


def unpack_ack(payload: bytes) -> Ack:
    return Ack._make(_ACK.unpack(payload))


def unpack_setpoint(payload: bytes) -> Setpoint:
    mode, flags, ttl_ms, *counts = _SETPOINT.unpack(payload)
    return Setpoint(mode, flags, ttl_ms, tuple(counts))


def unpack_telem(payload: bytes) -> Telem:
    v = _TELEM.unpack(payload)
    state, flags = v[0] & (1 << FLAG_SHIFT) - 1, v[0] >> FLAG_SHIFT
    return Telem(state, v[1], v[2], v[3], v[4:-3], v[-3], v[-2], v[-1], flags)


def torque_payload(torque: list[int]) -> bytes:
    return _TORQUE.pack(*torque)


def unpack_torque(payload: bytes) -> tuple[int, ...]:
    """(DOF_N,) thousandths of each joint's largest"""
    return _TORQUE.unpack(payload)


def setpoint_in_range(setpoint: Setpoint, modes: tuple[int, ...] = _MODES) -> bool:
    """Whether a receiver that knows those modes may act on it at all."""
    return (
        setpoint.mode in modes
        and TTL_MS[0] <= setpoint.ttl_ms <= TTL_MS[1]
        and min(setpoint.counts) >= -FULL_SCALE
        and max(setpoint.counts) <= FULL_SCALE
    )
