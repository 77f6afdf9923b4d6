"""The COVVI hand is spoken to in the maker's bytes, and read by length, whatever the data holds."""

from __future__ import annotations

import json
import socket
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquisition.stream import DeviceRefused, Refused
from firmware_bridge.covvi import (
    COMMAND,
    DIRECT_STOP,
    HAND,
    LOCAL,
    ORDER,
    POSITION_ALL,
    POWER_ON,
    REPLY,
    STATUS_ALL,
    Covvi,
    Message,
    go,
    open_covvi,
    pack,
    request,
    unpack,
)
from firmware_bridge.emulators.covvi import ENDS, CovviTwin

pytestmark = pytest.mark.edge

VECTORS = {
    row["what"]: bytes.fromhex(row["hex"])
    for row in json.loads((Path(__file__).parent / "actuator_vectors.json").read_text())
    if row["protocol"] == "covvi_eci"
}
MESSAGES = st.builds(
    Message,
    st.integers(0, 15),
    st.integers(0, 15),
    st.integers(0, 0x3FFFF),
    st.binary(max_size=15),
)


def knowing() -> Covvi:
    hand = Covvi()
    hand.ends = dict(ENDS)
    return hand


def test_the_vectors_are_ours() -> None:
    assert VECTORS["hand power on"] == POWER_ON
    digit = VECTORS["digitMove index pos=100 speed=50 power=40 limit=60"]
    assert pack(Message(HAND, COMMAND, 0x161, bytes([100, 50, 40, 60]))) == digit
    assert go((50, 60, 70, 80, 90, 0)).hex() == "56010801200864" + "3f323c46505a00"


@given(MESSAGES)
def test_a_message_comes_back_as_it_was_packed(message: Message) -> None:
    assert unpack(pack(message)) == message


@given(st.lists(st.binary(min_size=6, max_size=6), min_size=1, max_size=5), st.integers(1, 7))
def test_positions_are_read_whole_however_they_are_cut(told: list[bytes], piece_n: int) -> None:
    """A position may be 0x56, at which the maker's client would cut."""
    hand = knowing()
    near = [bytes(40 + digit + byte % 160 for digit, byte in enumerate(row)) for row in told]
    data = b"".join(pack(Message(HAND, REPLY, POSITION_ALL, row)) for row in near)
    ear, readings = hand.ear(), []
    for begin in range(0, len(data), piece_n):
        readings += ear.hear(data[begin : begin + piece_n])
    assert [hand.counts_of(reading.position_deg) for reading in readings] == [  # type: ignore[arg-type]
        tuple(row) for row in near
    ]
    assert ear.damaged_n == 0


def test_noise_before_a_message_is_passed_over() -> None:
    ear = knowing().ear()
    good = pack(Message(HAND, REPLY, POSITION_ALL, bytes([0x56] * 6)))
    assert len(ear.hear(b"\x00\x56\x99\xff" + good)) == 1
    assert ear.damaged_n >= 1


def test_positions_far_beyond_a_digits_ends_are_damaged() -> None:
    ear = knowing().ear()
    assert ear.hear(pack(Message(HAND, REPLY, POSITION_ALL, bytes([255] * 6)))) == []
    assert ear.damaged_n == 1


def test_a_fault_names_its_digits() -> None:
    ear = knowing().ear()
    status = bytes([0, 0x80, 0, 0, 0x81, 0x01])
    (reading,) = ear.hear(pack(Message(HAND, REPLY, STATUS_ALL, status)))
    assert reading.trip == "a fault at index, little"


def test_the_ends_of_each_digit_are_asked_for_until_they_are_known() -> None:
    hand = Covvi()
    ear = hand.ear()
    assert [hand.greet().startswith(POWER_ON) for _ in range(26)] == [True] + 24 * [False] + [True]
    for digit in range(len(ORDER)):
        assert request(0x200 + digit) in hand.greet()
        ear.hear(pack(Message(HAND, REPLY, 0x200 + digit, bytes([40, 200, 0]))))
        assert request(0x200 + digit) not in hand.greet()
    assert hand.greet() == hand.ask()


def test_ends_that_are_no_range_are_not_believed() -> None:
    hand = Covvi()
    hand.ear().hear(pack(Message(HAND, REPLY, 0x200, bytes([200, 200, 0]))))
    assert hand.ends == {}


def test_words_of_the_interface_are_not_the_hands() -> None:
    ear = knowing().ear()
    assert ear.hear(pack(Message(LOCAL, REPLY, POSITION_ALL, bytes([90] * 6)))) == []


def test_a_hand_without_an_address_is_refused_with_what_to_write() -> None:
    with pytest.raises(Refused, match="covvi:192"):
        open_covvi("")
    with pytest.raises(Refused, match="covvi:192"):
        open_covvi("host:port")


def test_an_address_where_nobody_listens_is_refused() -> None:
    with pytest.raises(DeviceRefused, match=r"127\.0\.0\.1:1"):
        open_covvi("127.0.0.1:1")


def test_a_hand_answers_and_closes_over_real_tcp() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        served = Thread(target=serve, args=(server,), daemon=True)
        served.start()
        with open_covvi(f"127.0.0.1:{server.getsockname()[1]}") as link:
            link.wait_connected()
            assert link.up
            assert link.at_deg == pytest.approx((0.0,) * 6)
        served.join(2.0)
        assert not served.is_alive()


def serve(server: socket.socket) -> None:
    """Lets a twin answer one call, until it is hung up."""
    twin, (call, _) = CovviTwin(), server.accept()
    with call:
        while data := call.recv(4096):
            call.sendall(twin.hear(data, 0.0))


def test_the_makers_own_classes_make_and_read_our_bytes() -> None:
    realtime = pytest.importorskip(
        "eci.messages.realtime", reason="covvi-eci is not installed: the maker's classes are absent"
    )
    set_all = realtime.DigitPosnSetMsg(
        speed=100,
        **dict.fromkeys(("rotate", "little", "ring", "middle", "index", "thumb"), True),
        thumb_pos=50,
        index_pos=60,
        middle_pos=70,
        ring_pos=80,
        little_pos=90,
        rotate_pos=0x56,
    )
    assert set_all.pack() == go((50, 60, 70, 80, 90, 0x56))
    assert realtime.DirectControlMsg(command=0, speed=0).pack() == DIRECT_STOP
    told = realtime.DigitPosnAllMsg.unpack(
        pack(Message(HAND, REPLY, POSITION_ALL, bytes(range(50, 56))))
    )
    assert told.position_args == (50, 51, 52, 53, 54, 55)
