"""Every vector of a hand is made by our code, byte for byte, or it is said why not.

A vector that is added and that nothing here makes fails by its name.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from acquisition.otb import crc8
from firmware_bridge import ability_hand as ability
from firmware_bridge import (
    codec,
    covvi,
    dynamixel_packet,
    feetech_packet,
    modbus,
    odrive,
    odrive_can,
    openexo,
    robolimb,
    robotiq,
    rohand,
    slip,
    tmotor,
)
from firmware_bridge.mia import position as mia_position
from firmware_bridge.rh56 import SPEC as RH56_SPEC
from firmware_bridge.rh56 import Rh56, SerialWords
from firmware_bridge.rh56_modbus import ModbusWords
from tests.ear_rig import VECTORS

pytestmark = pytest.mark.edge

Row = dict[str, Any]
STS, SCS = feetech_packet.Series.STS, feetech_packet.Series.SCS
FULL = robotiq.Robotiq(force=255)
OPPOSED = tuple(100.0 if name == "thumb_rotation" else 0.0 for name in RH56_SPEC.joint_names)
DIGITS = b"123456789"
SHARED = Path(__file__).resolve().parents[2] / "shared" / "facts" / "protocol-vectors.json"

NOT_OURS = {
    "flexsea_v2": "no FlexSEA board is driven: an eight-bit sum is too weak for motion",
    "openbionics_hero_ble": "no Hero is driven: its protocol is a third party's guess",
    "unitree_dex3": "no Dex3 is driven: it has no serial protocol",
    "openexo_mit_v3": "the AK60 V3 is refused: its replies are in doubt",
    "crc16_xmodem": "no device here has it",
    "crc16_x25_ibm_sdlc": "no device here has it",
    "crc16_mcrf4xx (MAVLink)": "no device here has it",
    "crc16_arc (XRCE)": "no device here has it",
    "crc8_dvb_s2 (MSPv2)": "no device here has it",
    "encode 255 bytes": "no frame of our link is longer than 254 bytes",
}
"""protocol or vector -> why nothing here makes it"""
NOT_HANDS = {"mavlink2", "msp_v1", "msp_v2", "hdlc_async", "xrce_dds_serial", "slip"}
"""Links that others use; the last one's frame holds an older draft of our own"""
OWN_LINK = "own_link_v1 (proposal)"
"""tests/test_link.py"""


def ability_of(row: Row) -> bytes:
    fields = row["fields"]
    for name, full in (("deg", ability.FULL_DEG), ("deg_s", ability.FULL_DEG_S)):
        if name in fields:
            counts = ability.to_hand((float(fields[name][0]),) * 6, full)
            return ability.command(fields.get("header", ability.POSITION), counts)
    if "amp" in fields:
        counts = tuple(int(amp * ability.COUNTS_PER_A) for amp in fields["amp"])
        return ability.command(fields["header"], counts)
    if "duty" in fields:
        counts = tuple(int(3546 * duty / 100) for duty in fields["duty"])
        return ability.command(fields["header"], counts)
    words = [struct.pack("<I", fields[name]) for name in ("reg", "val") if name in fields]
    return ability.framed(fields["header"], *b"".join(words))


def dynamixel_of(row: Row) -> bytes:
    what, wire = row["what"], dynamixel_packet
    if what.startswith("CRC"):
        return wire.crc16(DIGITS).to_bytes(2, "big")
    if what.startswith("ping"):
        return wire.packed(1, wire.PING)
    if what.startswith("sync"):
        return wire.sync_write(116, {1: struct.pack("<i", 150), 2: struct.pack("<i", 170)})
    if what.startswith("status"):
        return wire.packed(1, 0x55, bytes([0]) + struct.pack("<i", 166))
    fields = row["fields"]
    data = bytes.fromhex(fields["data"]) if "data" in fields else bytes([fields["value"]])
    return wire.write(fields["id"], fields["addr"], data)


def feetech_of(row: Row) -> bytes:
    what, wire = row["what"], feetech_packet
    if what.startswith("read"):
        return wire.read(1, 56, 2)
    if what.startswith("torque"):
        return wire.write(1, 40, b"\x00")
    fields = row["fields"]
    if row["protocol"] == "feetech_scs":
        words = (fields["pos"], fields["time"], fields["speed"])
        return wire.write(1, 42, b"".join(map(SCS.word, words)))
    rest = (fields["pos"], 0, fields.get("speed", 0))
    return wire.write(1, 41, bytes([fields.get("acc", 0)]) + b"".join(map(STS.word, rest)))


def tmotor_of(row: Row) -> bytes:
    """The state is a motor's: made of the counts that our reading of it rounds to."""
    data = bytes.fromhex(row["hex"])
    fixed = {
        "enter/power on": tmotor.ENTER,
        "exit/power off": tmotor.LEAVE,
        "zero position": tmotor.ZERO,
    }
    if row["what"] in fixed:
        return fixed[row["what"]]
    model = tmotor.MODELS["AK80-9"]
    if row["protocol"] == "openexo_mit":  # it cuts where we round: its counts must survive ours
        return tmotor.encode(tmotor.decode(data, model), model)
    fields = row["fields"]
    aim = tmotor.Aim(fields["position"], fields["velocity"], t_nm=fields["torque"])
    word = tmotor.encode(aim, model)
    middle = int.from_bytes(word, "big")
    told = (middle >> 36) << 12 | middle & 0xFFF
    return bytes([fields["id"], *told.to_bytes(5, "big"), fields["temp"], fields["error"]])


def check_of(row: Row) -> bytes:
    checks: dict[str, Callable[[], bytes]] = {
        "crc16_ibm_3740_ccitt_false": lambda: codec.crc16(DIGITS).to_bytes(2, "big"),
        "crc16_modbus": lambda: modbus.crc16(DIGITS).to_bytes(2, "big"),
        "crc16_umts_buypass (Dynamixel 2)": lambda: dynamixel_packet.crc16(DIGITS).to_bytes(
            2, "big"
        ),
        "crc8_maxim (OTB Quattrocento)": lambda: bytes([crc8(DIGITS)]),
        "crc32_iso_hdlc": lambda: codec.check_of(DIGITS, 4)[::-1],
    }
    return checks[row["what"]]()


def rh56_of(row: Row) -> bytes:
    if row["protocol"] == "inspire_rh56_modbus":
        return Rh56(ModbusWords(1, modbus.RTU)).setpoint(OPPOSED).data
    hand = Rh56(SerialWords(1))
    return hand.greet() if row["what"].startswith("read") else hand.setpoint(OPPOSED).data


def robotiq_of(row: Row) -> bytes:
    if row["what"].startswith("read"):
        return modbus.RTU.wrap(robotiq.UNIT, modbus.read_registers(0x07D0, 1))
    return FULL.setpoint((robotiq.CLOSED_DEG if row["what"].startswith("close") else 0.0,)).data


def rohand_of(row: Row) -> bytes:
    if row["what"].startswith("ack"):
        return rohand.framed(1, 2, row["fields"]["cmd"])
    return rohand.RoHand().setpoint(rohand.from_hand((10_000,) * 6)).data


def covvi_of(row: Row) -> bytes:
    if row["what"] == "hand power on":
        return covvi.POWER_ON
    fields = row["fields"]
    content = bytes(fields[name] for name in ("position", "speed", "power", "limit"))
    return covvi.pack(covvi.Message(covvi.HAND, covvi.COMMAND, 0x161, content))


def robolimb_of(row: Row) -> bytes:
    close = row["what"].startswith("close")
    frame = (
        robolimb.order(2, robolimb.CLOSE, 297) if close else robolimb.order(6, robolimb.OPEN, 100)
    )
    assert frame.number == row["fields"]["id"]
    return frame.data


def odrive_can_of(row: Row) -> bytes:
    """A position is none of ours; its frame has the torque and the numbers of one."""
    closed = odrive_can.set_state(1, odrive_can.CLOSED_LOOP)
    position = odrive_can.frame(
        0, odrive_can.SET_POSITION, struct.pack("<fhh", 1.25, round(0.1e3), round(-0.05e3))
    )
    (frame,) = [f for f in (closed, position) if f.number == row["fields"]["id"]]
    return frame.data


def odrive_of(row: Row) -> bytes:
    return odrive.line("r vbus_voltage" if "vbus" in row["what"] else "p 0 -2 0 0")


def openexo_of(row: Row) -> bytes:
    fields = row["fields"]
    message = openexo.Message(fields["cmd"], fields["joint"], tuple(fields["data"]))
    return openexo.answered(message)


MAKERS: dict[str, Callable[[Row], bytes]] = {
    "psyonic_ability_hand": ability_of,
    "dynamixel2": dynamixel_of,
    "feetech_sts": feetech_of,
    "feetech_scs": feetech_of,
    "tmotor_mit": tmotor_of,
    "openexo_mit": tmotor_of,
    "robolimb_can": robolimb_of,
    "inspire_rh56": rh56_of,
    "inspire_rh56_modbus": rh56_of,
    "robotiq_2f85": robotiq_of,
    "oymotion_rohand": rohand_of,
    "prensilia_mia": lambda row: mia_position(1, row["fields"]["pos"]),
    "covvi_eci": covvi_of,
    "odrive_can": odrive_can_of,
    "odrive_ascii": odrive_of,
    "crc_check": check_of,
    "cobs": lambda row: codec.cobs_encode(bytes.fromhex(row["fields"]["raw"])),
    "openexo_uart": openexo_of,
}
OURS = [row for row in VECTORS if not {row["protocol"], row["what"]} & set(NOT_OURS)]


@pytest.mark.parametrize("row", OURS, ids=lambda row: f"{row['protocol']}: {row['what']}")
def test_our_code_makes_the_vector(row: Row) -> None:
    assert row["protocol"] in MAKERS, "nothing makes it: add it, or say in NOT_OURS why not"
    assert MAKERS[row["protocol"]](row).hex() == row["hex"]


def test_what_is_not_ours_is_still_among_the_vectors() -> None:
    known = {name for row in VECTORS for name in (row["protocol"], row["what"])}
    assert set(NOT_OURS) <= known


def test_no_vector_of_the_facts_is_forgotten() -> None:
    if not SHARED.exists():
        pytest.skip("the facts are not beside this checkout")
    sensors = json.loads((Path(__file__).parent / "protocol_vectors.json").read_text())
    held = {(row["protocol"], row["hex"]) for row in [*VECTORS, *sensors]}
    facts = {
        (row["protocol"], row["hex"])
        for row in json.loads(SHARED.read_text())
        if row["protocol"] not in {*NOT_HANDS, OWN_LINK}
    }
    assert facts - held == set()


def test_the_frame_of_slip_is_the_published_one() -> None:
    raw = bytes.fromhex("0110efbe68001e000000010096006400c800d4fe9001f40118fcc6d0")
    assert slip.slip(raw).hex() == "c0" + raw.hex() + "c0"
