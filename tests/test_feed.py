"""The feed and the recorder: whatever becomes of a consumer, the control loop goes on."""

from __future__ import annotations

import socket
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition.stream import Chunk, Marker, Samples, Spec
from firmware_bridge.command import Command, Mode
from flexor.feed import Feed, say
from flexor.messages import (
    MESSAGE_MAX,
    CommandMessage,
    IntentMessage,
    Kind,
    SamplesMessage,
    pack,
    unpack,
)
from models.intent import Intent

SPEC = Spec(200.0, ("emg1", "emg2"), "raw", 1.0, 127.0)
INTENT = Intent("hand_close", 0.5, 0.875, 10.0, 3, False, (1.5, -2.0))
COMMAND = Command(Mode.VELOCITY, (30.0, 0.0), 10.0, 3, 0.2)

numbers = st.floats(allow_nan=False)
counts = st.integers(0, 2**63 - 1)
targets = st.lists(numbers, max_size=6).map(tuple)


def ramp(samples_n: int, first: int = 0) -> Samples:
    return np.arange(first, first + 2 * samples_n, dtype=np.float32).reshape(samples_n, 2)


def pair() -> tuple[Feed, socket.socket]:
    """A feed, and the consumer's end of it behind the SPEC."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    feed = Feed(ours, SPEC, "test")
    assert unpack(theirs.recv(MESSAGE_MAX)) == (
        Kind.SPEC,
        {"spec": SPEC.to_json(), "source": "test"},
    )
    return feed, theirs


def hear(theirs: socket.socket) -> list[tuple[Kind, Any]]:
    """Whatever waits for the consumer."""
    found = []
    theirs.setblocking(False)
    try:
        while message := theirs.recv(MESSAGE_MAX):
            found.append(unpack(message))
    except BlockingIOError:
        pass
    return found


@given(
    st.builds(
        Intent, st.text(max_size=20), numbers, numbers, numbers, counts, st.booleans(), targets
    ),
    numbers,
)
@settings(max_examples=50)
def test_an_intent_travels_whole(intent: Intent, at_s: float) -> None:
    message = IntentMessage(at_s, intent)
    assert unpack(pack(Kind.INTENT, message)) == (Kind.INTENT, message)


@given(
    st.builds(
        Command, st.sampled_from(Mode), targets, numbers, counts, numbers, rest=st.booleans()
    ),
    numbers,
)
@settings(max_examples=50)
def test_a_command_travels_whole(command: Command, at_s: float) -> None:
    message = CommandMessage(at_s, command)
    assert unpack(pack(Kind.COMMAND, message)) == (Kind.COMMAND, message)


@given(numbers, st.integers(0, 2**32 - 1), st.binary(max_size=64))
def test_samples_travel_whole(clock_s: float, lost: int, noise: bytes) -> None:
    data = noise[: len(noise) // 8 * 8]
    message = SamplesMessage(clock_s, lost, len(data) // 8, 2, data)
    assert unpack(pack(Kind.SAMPLES, message)) == (Kind.SAMPLES, message)


def test_a_chunk_arrives_with_its_markers_in_order() -> None:
    feed, theirs = pair()
    x = ramp(4)
    feed.send_chunk(Chunk(x, 5.0, 3, (Marker(2, "rest"),)))
    assert hear(theirs) == [
        (Kind.SAMPLES, SamplesMessage(5.0, 3, 4, 2, x.tobytes())),
        (Kind.MARKER, {"clock_s": 5.01, "text": "rest"}),
    ]
    theirs.close()
    feed.close()


def test_a_long_chunk_travels_in_pieces_and_in_order() -> None:
    feed, theirs = pair()
    x = ramp(20_000)
    feed.send_chunk(Chunk(x, 5.0, 7))
    pieces = [value for kind, value in hear(theirs) if kind is Kind.SAMPLES]
    assert len(pieces) > 1
    assert b"".join(piece.data for piece in pieces) == x.tobytes()
    assert [piece.lost for piece in pieces] == [7] + [0] * (len(pieces) - 1)
    starts = np.cumsum([0, *(piece.samples_n for piece in pieces[:-1])])
    assert [piece.clock_s for piece in pieces] == pytest.approx(5.0 + starts / 200.0)
    theirs.close()
    feed.close()


def test_a_slow_consumer_costs_messages_and_never_time() -> None:
    feed, theirs = pair()
    sent_n = 0
    while not feed.dropped_n:
        feed.send_chunk(Chunk(ramp(100), sent_n / 2))
        sent_n += 1
    began_s = time.monotonic()
    for _ in range(1000):
        feed.send_chunk(Chunk(ramp(100), 0.0))
    assert time.monotonic() - began_s < 1.0
    assert feed.dropped_n == 1001
    assert feed.alive
    assert len(hear(theirs)) == sent_n - 1
    theirs.close()
    feed.close()


def test_what_a_slow_consumer_missed_counts_as_lost_before_the_next_samples() -> None:
    feed, theirs = pair()
    while not feed.dropped_n:
        feed.send_chunk(Chunk(ramp(100), 0.0))
    feed.send_chunk(Chunk(ramp(10), 0.0, lost=5))
    hear(theirs)
    feed.send_chunk(Chunk(ramp(10), 0.0, lost=2))
    feed.send_chunk(Chunk(ramp(10), 0.0))
    assert [value.lost for _, value in hear(theirs)] == [117, 0]
    theirs.close()
    feed.close()


def test_a_loss_without_samples_is_not_forgotten() -> None:
    feed, theirs = pair()
    feed.send_chunk(Chunk(ramp(0), 0.0, lost=5))
    feed.send_chunk(Chunk(ramp(1), 0.0))
    assert [value.lost for _, value in hear(theirs)] == [5]
    theirs.close()
    feed.close()


def test_a_dead_consumer_is_noticed_and_raises_nothing() -> None:
    feed, theirs = pair()
    feed.send_marker(0.0, "never read")
    theirs.close()
    assert not feed.send(Kind.INTENT, IntentMessage(0.0, INTENT))
    feed.send_chunk(Chunk(ramp(1), 0.0))
    assert not feed.alive
    assert feed.dropped_n == 2
    assert feed.poll() == []
    feed.close()
    feed.close()


def test_a_message_that_no_kernel_takes_is_dropped_and_counted() -> None:
    feed, theirs = pair()
    assert not feed.send_marker(0.0, "x" * (1 << 23))
    assert (feed.dropped_n, feed.alive) == (1, True)
    theirs.close()
    feed.close()


def test_the_last_words_of_a_consumer_are_heard() -> None:
    feed, theirs = pair()
    assert feed.poll() == []
    feed.send_marker(0.0, "never read")
    say(theirs, {"event": "one"})
    say(theirs, {"event": "two"})
    theirs.close()
    assert feed.poll() == [{"event": "one"}, {"event": "two"}]
    assert not feed.alive
    feed.close()


def test_talking_to_a_control_loop_that_is_gone_raises_nothing() -> None:
    feed, theirs = pair()
    feed.close(0.0)
    say(theirs, {"event": "anybody?"})
    theirs.close()
