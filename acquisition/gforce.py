"""OYMotion gForcePro and gForceDuo armbands over Bluetooth: 8 channels at 500 or 1000 Hz.

Facts: oymotion/gForceSDKPython@f20dc45a.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable

import numpy as np

from acquisition.ble import Door, Kind
from acquisition.framed import Framed, Layout
from acquisition.framing import Messages
from acquisition.port import Arrival, Port, drain
from acquisition.sequence import Frames
from acquisition.stream import Chunk, Counts, Device, DeviceRefused, DeviceTimeout, Samples, Spec
from acquisition.wire import Lasting, Wired, Wiring
from acquisition.words import refuse_choice, split_argument

SERVICE = "0000ffd0-0000-1000-8000-00805f9b34fb"
COMMAND = "f000ffe1-0451-4000-b000-000000000000"
NOTIFIED = "f000ffe2-0451-4000-b000-000000000000"
SET_EMG, SWITCH = 0x3F, 0x4F
EMG_FLAG, ALL_CHANNELS = 0x80, 0xFF
EMG_TYPE, PART = 0x08, 0xFF
"""First byte of a notification: what it holds. PART: it is one of several that belong together."""
DATA_N = 128
"""Bytes of samples in a notification, which needs an MTU of 131 or more."""
CHANNELS = tuple(f"emg{i}" for i in range(1, 9))
RATES, RESOLUTIONS = (500, 1000), (8, 12)
RESULTS = {1: "does not support it", 2: "takes it for wrong", 3: "fails", 4: "does not get to it"}
REPLY_S = 2.0
PARTS_MOST_N = 8 * DATA_N
"""Parts that never come to an end are given up."""
MEND = "charge it, switch it on, and bring it nearer"

KIND = Kind(
    what="gForce armband",
    source="gforce",
    services=(SERVICE,),
    names=("gForce",),
    notify=(COMMAND, NOTIFIED),
    write=(COMMAND,),
    mend=f"{MEND}; end the app or dongle that is connected to it",
)


def spec_of(rate: int, bits: int) -> Spec:
    """The armband has no known scale; its counts lie around their middle, which is taken off."""
    return Spec(float(rate), CHANNELS, "raw", 1.0, float(1 << (bits - 1)))


def samples_per_frame(bits: int) -> int:
    """12 bits are sent in two bytes."""
    return DATA_N // len(CHANNELS) // (1 if bits == 8 else 2)


def set_emg(rate: int, bits: int) -> bytes:
    return struct.pack("<BHHBB", SET_EMG, rate, ALL_CHANNELS, DATA_N, bits)


def switch(flags: int) -> bytes:
    """What is notified from now on; 0 for nothing."""
    return struct.pack("<BI", SWITCH, flags)


def layout_of(rate: int, bits: int) -> Layout:
    """Frames of 128 bytes. The armband does not count them: their arrivals are watched."""
    kind, middle = ("u1" if bits == 8 else "<u2"), 1 << (bits - 1)

    def samples(frames: Frames) -> Samples:
        values = np.ascontiguousarray(frames).view(kind).reshape(-1, len(CHANNELS))
        return values.astype(np.float32) - np.float32(middle)

    return Layout(
        frame_n=DATA_N,
        framer=lambda counts: Messages(DATA_N, counts),
        samples=samples,
        samples_per_frame=samples_per_frame(bits),
    )


class Whole:
    """Puts messages together that came in parts: `FF, parts still to come, bytes`."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._held = b""
        self._left_n: int | None = None
        """number of the part before; None between messages"""

    def feed(self, data: bytes) -> bytes | None:
        """A whole message, if there is one now."""
        if len(data) < 2 or data[0] != PART:
            self._drop()
            return data
        left_n = data[1]
        if self._left_n is not None and left_n != self._left_n - 1:
            self._drop()  # a part is missing, and this one belongs to another message
        self._held += data[2:]
        self._left_n = left_n
        if len(self._held) > PARTS_MOST_N:
            self._drop()
        elif left_n == 0:
            whole, self._held, self._left_n = self._held, b"", None
            return whole
        return None

    def _drop(self) -> None:
        self._counts.damaged_frames += self._left_n is not None
        self._held, self._left_n = b"", None


class GForceParser:
    """A parser of what the armband notifies. Frames that come twice at once are one."""

    def __init__(self, counts: Counts, rate: int, bits: int) -> None:
        self._counts = counts
        self._framed = Framed(layout_of(rate, bits), spec_of(rate, bits), counts)
        self._half_s = samples_per_frame(bits) / rate / 2
        self._whole = Whole(counts)
        self._last, self._last_s = b"", -np.inf

    def feed(self, arrival: Arrival) -> list[Chunk]:
        if arrival.line != NOTIFIED:
            return []
        message = self._whole.feed(arrival.data)
        if message is None:
            return []
        if len(message) != 1 + DATA_N or message[0] != EMG_TYPE:
            self._counts.damaged_frames += message[:1] == bytes([EMG_TYPE])
            return []
        at_s = arrival.at_s
        again = message == self._last and at_s - self._last_s < self._half_s
        self._last, self._last_s = message, at_s
        if again:
            self._counts.duplicate_frames += 1
            return []
        return self._framed.feed(Arrival(message[1:], at_s))

    def take_motion(self) -> list[Chunk]:
        return []


def open_gforce(
    argument: str = "",
    *,
    port: Callable[[], Port] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Device:
    """The gForce at "ADDRESS,rate=500,bits=12"; without an address (or name), the one that is near.

    `port` opens something else than Bluetooth, as tests do. Refuses settings that it does not
    have, 12 bits at 1000 Hz among them; `start` refuses where Bluetooth is missing, where no
    gForce, or more than one, is near, and settings that the armband refuses.
    """
    address, settings = split_argument(argument, {"rate": 1000, "bits": 8}, "gforce")
    rate, bits = int(settings["rate"]), int(settings["bits"])
    refuse_choice("rate", rate, RATES)
    refuse_choice("bits", bits, RESOLUTIONS)
    if rate == 1000 and bits == 12:
        raise DeviceRefused(
            "A gForce sends 1000 Hz with 8 bits only: choose rate=500,bits=12 or rate=1000,bits=8."
        )
    where = f"the gForce at {address}" if address else "the gForce"
    wiring = Wiring(
        what=where,
        spec=spec_of(rate, bits),
        open=port or Door(KIND, address),
        begin=lambda opened: _begin(opened, where, set_emg(rate, bits)),
        end=lambda opened: opened.write(switch(0), COMMAND),
        parser=lambda counts: GForceParser(counts, rate, bits),
        mend=MEND,
    )
    return Lasting(Wired(wiring), clock, sleep)


def _begin(port: Port, where: str, configuration: bytes) -> None:
    _ask(port, where, switch(0))
    drain(port, 0.1)
    _ask(port, where, configuration)
    _ask(port, where, switch(EMG_FLAG))


def _ask(port: Port, where: str, command: bytes) -> None:
    """Waits for the one reply of this command. Raises DeviceRefused, DeviceTimeout."""
    begun = where[:1].upper() + where[1:]
    port.write(command, COMMAND)
    end_s = port.clock() + REPLY_S
    while (left_s := end_s - port.clock()) > 0:
        for arrival in port.read(left_s):
            reply = arrival.data
            if arrival.line != COMMAND or len(reply) < 2 or reply[1] != command[0]:
                continue
            if reply[0] == 0:
                return
            why = RESULTS.get(reply[0], f"answers {reply[0]}")
            raise DeviceRefused(
                f"{begun} was told to {'send' if command[0] == SWITCH else 'sample'} so "
                f"({command.hex()}) and {why}: choose other settings, e.g. rate=500,bits=8, or "
                f"bring its firmware up to date."
            )
    raise DeviceTimeout(f"{begun} does not answer: {MEND}.")
