"""The outlet: a process of its own that sends what the control loop feeds it to the network.

Signal, motion, intents, commands and markers become streams of the Lab Streaming Layer, named as
they are in a recording. It may be slow or dead without the hand noticing.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from acquisition.stream import DeviceRefused, FlexorError
from acquisition.xdf import Stream, stream_name
from flexor.feed import Feed, say, spawn
from flexor.messages import MESSAGE_MAX, Kind, SamplesMessage, unpack

if TYPE_CHECKING:
    from acquisition.lsl_outlet import Outlet
    from acquisition.stream import Spec

NAP_S = 0.005
"""How long it sleeps when it has read everything: woken by each message, it would push the control
loop aside."""
LINGER_S = 0.2
"""Time for the layer to send what came last."""
UNITS = {"uV": "microvolts", "raw": "raw"}


def refuse_without_library() -> None:
    """Refuses where pylsl is missing: ask before anything else is opened."""
    from importlib.util import find_spec

    if find_spec("pylsl") is None:
        raise DeviceRefused("pylsl is not installed here: pip install '.[lsl]' in Flexor's folder.")


def start_outlet(spec: Spec, source: str = "", motion_spec: Spec | None = None) -> Feed:
    """A feed to a new process that sends it to the network.

    `poll` of the feed gives {"event": "silent", "text": ...} should it not get under way.
    """
    return spawn("flexor.outlet", spec, source, motion_spec=motion_spec)


def main() -> None:
    """The process: sys.argv has its socket."""
    with suppress(OSError):
        os.nice(10)  # The control loop goes first.
    with socket.socket(fileno=int(sys.argv[1])) as sock:
        sock.setblocking(False)
        try:
            send_on(sock)
        except FlexorError as error:
            say(sock, {"event": "silent", "text": f"Nothing goes to LSL: {error}"})


@dataclass(frozen=True)
class Streams:
    """What is open."""

    emg: Outlet
    motion: Outlet | None
    intents: Outlet
    commands: Outlet
    markers: Outlet


def send_on(sock: socket.socket) -> None:
    """Sends until the feed ends."""
    streams: Streams | None = None
    while True:
        try:
            message = sock.recv(MESSAGE_MAX)
        except BlockingIOError:
            time.sleep(NAP_S)
            continue
        except OSError:
            break
        if not message:
            break
        kind, value = unpack(message)
        if kind is Kind.END:
            break
        if kind is Kind.SPEC:
            streams = open_streams(value)
        elif streams is not None:
            send(streams, kind, value)
    time.sleep(LINGER_S)


def open_streams(head: dict[str, Any]) -> Streams:
    """One stream for each kind of message. Refuses where there is no liblsl."""
    from acquisition.lsl_outlet import Outlet
    from acquisition.stream import Spec

    def numbers(stream: Stream, kind: str, said: dict[str, Any]) -> Outlet:
        spec, name = Spec.from_json(said), stream_name(stream)
        units = (UNITS.get(spec.unit, ""),) * len(spec.channels)
        return Outlet(name, kind, source_id(name), spec.channels, units, spec.rate_hz)

    def words(stream: Stream, kind: str) -> Outlet:
        return Outlet(stream_name(stream), kind, source_id(stream_name(stream)))

    def source_id(name: str) -> str:
        return f"{name}:{socket.gethostname()}:{head['source']}"

    motion = head.get("motion")
    return Streams(
        numbers(Stream.EMG, "EMG", head["spec"]),
        None if motion is None else numbers(Stream.MOTION, "Motion", motion),
        words(Stream.INTENTS, "Intents"),
        words(Stream.COMMANDS, "Commands"),
        words(Stream.MARKERS, "Markers"),
    )


def send(streams: Streams, kind: Kind, value: Any) -> None:
    """One message more. Intents and commands go out as JSON, as a recording keeps them."""
    if kind is Kind.SAMPLES:
        streams.emg.send(rows_of(value), value.clock_s)
    elif kind is Kind.MOTION and streams.motion is not None:
        streams.motion.send(rows_of(value), value.clock_s)
    elif kind is Kind.INTENT:
        streams.intents.say(json.dumps(asdict(value.intent)), value.at_s)
    elif kind is Kind.COMMAND:
        streams.commands.say(json.dumps(asdict(value.command)), value.at_s)
    elif kind is Kind.MARKER:
        streams.markers.say(value["text"], value["clock_s"])


def rows_of(message: SamplesMessage) -> Any:
    """(time, channel)"""
    return np.frombuffer(message.data, "<f4").reshape(-1, message.channels_n)
