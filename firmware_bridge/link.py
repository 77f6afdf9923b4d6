"""The link between host and hand: every frame, both ways, and what is accepted.

The layout is in `interface`. A frame is header, payload and CRC, stuffed (codec) and ended by
00. Imports nothing heavy: the simulated hand is a process of its own and uses this file too.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple

from firmware_bridge.codec import check_of, cobs_decode, cobs_encode
from firmware_bridge.interface import (
    ARM_TTL_MS,
    CODED_MAX_N,
    DOF_N,
    FULL_SCALE,
    HEADER,
    HOLD_MS,
    INTERFACE_HASH,
    PAYLOADS,
    SEQ_WINDOW,
    TTL_MS,
    VERSION,
    AckCode,
    FrameType,
    HandFlag,
    HandState,
    SetpointFlag,
    WireMode,
    layout,
)
from firmware_bridge.payloads import (
    Ack,
    HelloAck,
    Setpoint,
    Telem,
    ack_payload,
    hello_ack_payload,
    setpoint_in_range,
    telem_payload,
    torque_payload,
    unpack_ack,
    unpack_hello,
    unpack_hello_ack,
    unpack_setpoint,
    unpack_telem,
    unpack_torque,
)

IDLE_S = 0.050
"""After a silence this long an extra 00 leads, so that line noise cannot swallow the frame."""
__all__ = [
    "ARM_TTL_MS",
    "DOF_N",
    "FULL_SCALE",
    "HOLD_MS",
    "IDLE_S",
    "INTERFACE_HASH",
    "SEQ_WINDOW",
    "TTL_MS",
    "VERSION",
    "Ack",
    "AckCode",
    "FrameType",
    "HandFlag",
    "HandState",
    "HelloAck",
    "Setpoint",
    "SetpointFlag",
    "Telem",
    "WireMode",
    "ack_payload",
    "hello_ack_payload",
    "setpoint_in_range",
    "telem_payload",
    "torque_payload",
    "unpack_ack",
    "unpack_hello",
    "unpack_hello_ack",
    "unpack_setpoint",
    "unpack_telem",
    "unpack_torque",
]
"""What users of the link need of the interface and of the payloads."""


class Frame(NamedTuple):
    """A frame that passed every check; `payload` has the exact length of its type."""

    version: int
    type: int
    session: int
    seq: int
    t_ms: int
    payload: bytes


_HEADER = layout(HEADER)
_HELLO = layout(PAYLOADS[FrameType.HELLO])
_SETPOINT = layout(PAYLOADS[FrameType.SETPOINT])
_SETPOINT_FRAME = Struct(_HEADER.format + _SETPOINT.format[1:])
_PAYLOAD_N: dict[int, int] = {kind: layout(fields).size for kind, fields in PAYLOADS.items()}
_HANDSHAKE = (FrameType.HELLO, FrameType.HELLO_ACK)


def pack(
    kind: int, session: int, seq: int, t_ms: int, payload: bytes = b"", crc_n: int = 2
) -> bytes:
    """One frame as it goes on the wire, 00 at its end. A HELLO tells the interface by itself."""
    if kind == FrameType.HELLO and not payload:
        payload = _HELLO.pack(INTERFACE_HASH)
    return _wire(_HEADER.pack(VERSION, kind, session, seq, t_ms) + payload, crc_n)


def pack_setpoint(
    session: int,
    seq: int,
    t_ms: int,
    mode: int,
    ttl_ms: int,
    counts: tuple[int, ...],
    crc_n: int = 2,
    flags: int = 0,
) -> bytes:
    """A SETPOINT as it goes on the wire (30 bytes); `counts` (DOF_N,) are within +-1000."""
    return _wire(
        _SETPOINT_FRAME.pack(
            VERSION, FrameType.SETPOINT, session, seq, t_ms, mode, flags, ttl_ms, *counts
        ),
        crc_n,
    )


def _wire(raw: bytes, crc_n: int) -> bytes:
    return cobs_encode(raw + check_of(raw, crc_n)) + b"\0"


@dataclass(slots=True)
class Deframer:
    """What one end knows about the bytes it hears; whatever is dropped is counted.

    The hand's end learns `session` from HELLO; the host's end is started with its own.
    """

    session: int | None = None
    last_seq: int | None = None
    crc_n: int = 2
    """Bytes of the CRC: 2, or 4 for exoskeletons. Both ends have to know."""
    tail: bytes = b""
    """Begin of a frame whose end has not come yet."""
    dropping: bool = False
    """Inside a frame that was too long: nothing counts until the next 00."""
    ok: int = 0
    crc_errors: int = 0
    oversize: int = 0
    garbage: int = 0
    """Not byte stuffing, or shorter than a header."""
    wrong_version: int = 0
    wrong_length: int = 0
    wrong_session: int = 0
    stale: int = 0
    """Repeated, overtaken, or too far ahead."""

    @property
    def damaged(self) -> int:
        """Frames that the line, and not the sender, spoiled."""
        return self.crc_errors + self.oversize + self.garbage


def receive(state: Deframer, data: bytes) -> list[Frame]:
    """The accepted frames that end in `data`, in order; the same for any split of the bytes."""
    *ended, tail = (state.tail + data).split(b"\0")
    frames = []
    for coded in ended:
        if state.dropping:
            state.dropping = False
        elif len(coded) > CODED_MAX_N:
            state.oversize += 1
        elif coded:
            frame = _decoded(state, coded)
            if frame is not None and _accepted(state, frame):
                state.ok += 1
                frames.append(frame)
    if state.dropping:
        tail = b""
    elif len(tail) > CODED_MAX_N:
        state.oversize += 1
        state.dropping = True
        tail = b""
    state.tail = tail
    return frames


def _decoded(state: Deframer, coded: bytes) -> Frame | None:
    raw = cobs_decode(coded)
    crc_n = state.crc_n
    if raw is None or len(raw) < _HEADER.size + crc_n:
        state.garbage += 1
        return None
    if check_of(raw[:-crc_n], crc_n) != raw[-crc_n:]:
        state.crc_errors += 1
        return None
    payload = raw[_HEADER.size : -crc_n]
    version, kind, session, seq, t_ms = _HEADER.unpack_from(raw)
    frame = Frame(version, kind, session, seq, t_ms, payload)
    expected_n = _PAYLOAD_N.get(kind, len(payload))
    if version != VERSION:
        # A handshake must be readable whatever the version, or two versions cannot tell
        # each other that they differ; later versions may lengthen it.
        if kind not in _HANDSHAKE or len(payload) < expected_n:
            state.wrong_version += 1
            return None
        return frame._replace(payload=payload[:expected_n])
    if len(payload) != expected_n:
        state.wrong_length += 1
        return None
    return frame


def _accepted(state: Deframer, frame: Frame) -> bool:
    if frame.type == FrameType.ESTOP:
        return True  # from anyone, at any time
    if frame.session != state.session:
        if frame.type != FrameType.HELLO:
            state.wrong_session += 1
            return False
        state.session, state.last_seq = frame.session, None
    if state.last_seq is not None:
        ahead = (frame.seq - state.last_seq) & 0xFFFF
        window = 0x7FFF if frame.type in _HANDSHAKE else SEQ_WINDOW
        if not 0 < ahead <= window:
            state.stale += 1
            return False
    elif frame.type not in _HANDSHAKE:
        state.stale += 1
        return False
    state.last_seq = frame.seq
    return True
