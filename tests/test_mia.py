"""The Mia hand hears sixteen characters at a time and tells its motors in columns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquisition.stream import Refused
from firmware_bridge.mia import Mia, open_mia, position, speed

pytestmark = pytest.mark.edge

VECTORS = json.loads((Path(__file__).parent / "actuator_vectors.json").read_text())


def test_a_position_is_the_vectors() -> None:
    (vector,) = [row for row in VECTORS if row["protocol"] == "prensilia_mia"]
    fields = vector["fields"]
    assert position(fields["motor"] + 1, fields["pos"]).hex() == vector["hex"]


@given(st.integers(1, 3), st.integers(-5000, 5000))
def test_every_command_is_sixteen_characters_and_its_end(motor: int, value: int) -> None:
    for command in (position(motor, value), speed(motor, value)):
        assert len(command) == 18
        assert command.endswith(b"*\r")
        assert command.startswith(b"@%d" % motor)


def test_a_speed_has_its_sign_at_3_and_its_digits_at_8() -> None:
    assert speed(2, -7) == b"@2S-....0750....*\r"
    assert speed(1, 400) == b"@1S+....9950....*\r"


def test_a_setpoint_names_the_motors_in_the_order_of_the_joints() -> None:
    wanted = Mia().setpoint((0.0, 90.0, 45.0))
    assert wanted.data.split(b"\r")[:3] == [
        b"@1P+000040......*",
        b"@3P+025540......*",
        b"@2P+012840......*",
    ]
    assert wanted.joints == pytest.approx((0.0, 90.0, 45.0), abs=0.3)


def test_a_stop_is_speed_0_for_each_motor() -> None:
    assert Mia().stop(()) == speed(1, 0) + speed(2, 0) + speed(3, 0)


def test_the_stream_of_positions_is_read_by_its_columns() -> None:
    line = b"enc : +00255 ; -00051 ; +00102 ; +00000\n"
    (reading,) = Mia().ear().hear(line)
    assert reading.position_deg == pytest.approx((90.0, 36.0, -18.0))


def test_other_streams_are_passed_over_and_torn_lines_counted() -> None:
    ear = Mia().ear()
    assert ear.hear(b"cur : +00000 ; +00000 ; +00000\nenc : +002\nadc : 1\nhello\n") == []
    assert ear.damaged_n == 2


def test_a_hand_without_a_port_is_refused_with_what_to_write() -> None:
    with pytest.raises(Refused, match="Name the port"):
        open_mia("")


def test_settings_of_a_hand_that_has_none_are_refused() -> None:
    with pytest.raises(Refused, match='hand mia has no settings, and "max=3" is one: write mia:/d'):
        open_mia("/dev/ttyUSB0,max=3")
