"""The Myo over Bluetooth and over its dongle: exact bytes, its handshake, what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acquisition import bgapi, myo, myo_dongle
from acquisition.bgapi import pack, pack_event
from acquisition.emulators.myo import ADDRESS, SLEEP_S, MyoTwin
from acquisition.emulators.myo_dongle import MyoDongleTwin
from acquisition.emulators.twin import Said
from acquisition.emulators.virtual import VirtualClock, VirtualPort
from acquisition.myo_files import MYO_SPEC
from acquisition.port import Arrival
from acquisition.stream import Chunk, Counts, Device, DeviceRefused, DeviceTimeout, Refused

pytestmark = pytest.mark.edge

VECTORS = json.loads((Path(__file__).parent / "protocol_vectors.json").read_text())
FIRST = [1, -2, 3, -4, 5, -6, 127, -128]
SECOND = [10, 20, 30, 40, -50, -60, -70, -80]


def hex_of(protocol: str, what: str) -> str:
    found = {v["hex"] for v in VECTORS if v["protocol"] == protocol and what in v["what"]}
    assert len(found) == 1, found
    return str(found.pop())


def opened(
    twin: MyoDongleTwin | MyoTwin, argument: str = "x", clock: VirtualClock | None = None
) -> tuple[Device, list[VirtualPort], VirtualClock]:
    clock = clock or VirtualClock()
    ports: list[VirtualPort] = []

    def port() -> VirtualPort:
        ports.append(VirtualPort(twin, clock))
        return ports[-1]

    opener: Callable[..., Any] = (
        myo.open_myo if isinstance(twin, MyoTwin) else myo_dongle.open_myo_dongle
    )
    return opener(argument, port=port, clock=clock, sleep=clock.sleep), ports, clock


def run(source: Device, clock: VirtualClock, seconds: float) -> list[Chunk]:
    end_s, chunks = clock() + seconds, []
    while clock() < end_s:
        chunk = source.read(0.05)
        assert chunk is not None
        if len(chunk.samples) or chunk.markers:
            chunks.append(chunk)
    return chunks


@pytest.mark.parametrize(
    ("what", "ours"),
    [
        ("gap_end_procedure", pack(bgapi.END)),
        ("disconnect 1", pack(bgapi.DISCONNECT, b"\x01")),
        ("disconnect 2", pack(bgapi.DISCONNECT, b"\x02")),
        ("gap_connect_direct", myo_dongle.connect(bytes.fromhex("c25224554193"))),
        ("read fw version", myo_dongle.read_attribute(0, 0x17)),
        ("read device name", myo_dongle.read_attribute(0, 0x03)),
        ("write CCCD IMU", myo_dongle.write_attribute(0, 0x1D, b"\x01\x00")),
        ("CCCD emg0", myo_dongle.write_attribute(0, 0x2C, b"\x01\x00")),
        ("CCCD emg3", myo_dongle.write_attribute(0, 0x35, b"\x01\x00")),
        ("battery CCCD", myo_dongle.write_attribute(0, 0x12, b"\x01\x10")),
        ("sleep never", myo_dongle.write_attribute(0, 0x19, myo.SLEEP_NEVER)),
    ],
)
def test_the_dongle_is_told_the_bytes_that_pyomyo_tells_it(what: str, ours: bytes) -> None:
    assert ours.hex() == hex_of("myo_bgapi", what)


def test_the_armband_is_told_the_bytes_that_dl_myo_tells_it() -> None:
    assert myo.STOP.hex() == hex_of("myo_ble", "all off")
    assert myo.SLEEP_NEVER.hex() == hex_of("myo_ble", "sleep never")
    assert myo.SLEEP_NORMAL.hex() == hex_of("myo_ble", "sleep normal")
    assert myo.set_mode("raw") == bytes.fromhex("0103030100")
    assert myo.set_mode("filtered") == bytes.fromhex("0103020100")
    # The vector asks for no motion data, and we do; the rest is equal.
    quiet = bytearray(myo.set_mode("raw"))
    quiet[3] = 0
    assert quiet.hex() == hex_of("myo_ble", "emg=SEND_RAW(3)")
    assert myo.command(0x04).hex() == hex_of("myo_ble", "deep sleep")
    assert myo.command(0x06, 255, 0, 0, 255, 0, 0).hex() == hex_of("myo_ble", "led red/red")
    assert myo.command(0x03, 3).hex() == hex_of("myo_ble", "vibrate long")


def test_a_notification_of_the_dongle_is_two_samples_as_pyomyo_reads_them() -> None:
    event = bytes.fromhex(hex_of("myo_bgapi", "EmgData0"))
    (chunk,) = myo_dongle.DongleParser(Counts(), 0).feed(Arrival(event, 1.0))
    assert chunk.samples.tolist() == [FIRST, SECOND]


def test_a_notification_over_bluetooth_is_the_same_sixteen_bytes() -> None:
    data = bytes.fromhex(hex_of("myo_bgapi", "EmgData0"))[9:]
    (chunk,) = myo.MyoParser(Counts()).feed(Arrival(data, 1.0, myo.EMG[0]))
    assert chunk.samples.tolist() == [FIRST, SECOND]
    assert chunk.samples.dtype == np.float32


def test_the_spec_is_that_of_the_myo_dataset_so_that_its_artifacts_run() -> None:
    for twin in (MyoTwin(), MyoDongleTwin()):
        assert opened(twin)[0].spec == MYO_SPEC == twin.spec


def test_motion_comes_in_g_and_degrees_per_second() -> None:
    counts = np.array([16384, 0, -16384, 8192, 2048, -2048, 1024, 16, -32, 8], "<i2")
    expected = [1, 0, -1, 0.5, 1, -1, 0.5, 1, -2, 0.5]
    assert myo.motion_of(counts.tobytes())[0].tolist() == expected
    for twin in (MyoTwin(), MyoDongleTwin()):
        source, _, clock = opened(twin)
        source.start()
        run(source, clock, 2.0)
        motion = source.take_motion()
        assert source.motion_spec == myo.MOTION
        assert sum(len(chunk.samples) for chunk in motion) == pytest.approx(100, abs=3)
        assert motion[0].samples[0, 6] == 1.0  # gravity
        assert sum(chunk.lost for chunk in motion) == 0


def test_the_connection_that_an_earlier_host_left_is_ended_first() -> None:
    twin = MyoDongleTwin(stale=True)
    source, _, clock = opened(twin)
    source.start()
    chunks = run(source, clock, 1.0)
    assert (chunks[0].samples[0] == twin.signal(0, 64)).all(axis=1).any()
    assert source.counts.reconnects == 0


def test_an_armband_that_hangs_up_is_lost_at_once_and_comes_back_as_a_new_stream() -> None:
    twin = MyoDongleTwin()
    source, ports, clock = opened(twin)
    source.start()
    run(source, clock, 1.0)
    went_s = clock()
    ports[-1]._answers += twin.hang_up()
    chunks = run(source, clock, 3.0)
    gone, back = (m.text for chunk in chunks for m in chunk.markers)
    assert gone.startswith("source lost: The dongle has lost the Myo: move the armband")
    assert back.startswith("source back: a new stream")
    assert next(c for c in chunks if c.markers).clock_s - went_s < 0.02
    assert source.counts.reconnects == 1


def test_only_the_same_armband_is_taken_up_again() -> None:
    class Two(MyoDongleTwin):
        """Another person's armband is heard first."""

        def _advertisement(self) -> bytes:
            event = super()._advertisement()
            if self._scan_n % 4 == 2:
                return event.replace(OURS, OTHERS)
            return event

    OURS, OTHERS = myo_dongle.address_bytes(ADDRESS), b"\x01\x02\x03\x04\x05\x06"
    source, _, _ = opened(Two(), f"x,armband={ADDRESS}")
    source.start()
    source.stop()
    source, _, _ = opened(Two())
    with pytest.raises(DeviceTimeout, match="was heard, but cannot be connected"):
        source.start()


def test_the_armband_is_kept_awake_for_as_long_as_it_streams() -> None:
    for twin in (MyoTwin(), MyoDongleTwin()):
        source, _, clock = opened(twin)
        source.start()
        run(source, clock, SLEEP_S + 2.0)
        assert source.counts.reconnects == 0
        assert source.counts.lost_samples == 0
        source.stop()


def test_the_battery_is_told_in_shares_and_is_unknown_until_then() -> None:
    parser = myo.MyoParser(Counts())
    assert parser.battery_share is None
    assert parser.feed(Arrival(b"\x2a", 0.0, myo.BATTERY)) == []
    assert parser.battery_share == 0.42
    parser.feed(Arrival(b"\xff", 0.0, myo.BATTERY))
    parser.feed(Arrival(b"\x01\x02", 0.0, myo.BATTERY))
    assert parser.battery_share == 1.0
    source, _, clock = opened(MyoTwin())
    source.start()
    assert source.battery_share is None
    run(source, clock, 0.5)
    source.stop()


def test_a_lost_notification_is_two_samples_and_seen_in_the_rotation() -> None:
    counts, twin = Counts(), MyoTwin()
    parser = myo.MyoParser(counts)
    twin.greet(0.0)
    twin.hear(myo.set_mode("raw"), 0.0, myo.COMMAND)
    frames = [said for said in twin.due(0.1) if said.line in myo.EMG]
    chunks = [
        chunk
        for n, said in enumerate(frames)
        if n not in (3, 6)
        for chunk in parser.feed(Arrival(said.data, 0.01 * n, said.line))
    ]
    assert [chunk.lost for chunk in chunks] == [0, 0, 0, 2, 0, 2, 0, 0]
    assert counts.lost_samples == 4


def test_four_lost_notifications_in_a_row_show_in_their_arrivals() -> None:
    counts = Counts()
    parser, data = myo.MyoParser(counts), bytes(range(16))
    for n in range(300):
        if not 150 <= n < 154:
            moved = bytes((b + n) % 256 for b in data)
            parser.feed(Arrival(moved, 0.01 * n, myo.EMG[n % 4]))
    assert counts.lost_samples == 8


def test_what_a_full_queue_dropped_is_counted_and_its_samples_are_lost() -> None:
    class Late(VirtualPort):
        """Somebody was slow to read: two of five notifications are gone."""

        def read(self, timeout_s: float) -> list[Arrival]:
            arrivals = super().read(timeout_s)
            emg = [arrival for arrival in arrivals if arrival.line in myo.EMG]
            return [*emg[:2], *(arrival._replace(dropped=2) for arrival in emg[4:])]

    twin, clock = MyoTwin(), VirtualClock()
    source = myo.open_myo("x", port=lambda: Late(twin, clock, quantum_s=0.05), clock=clock)
    source.start()
    run(source, clock, 0.25)
    assert source.counts.dropped_frames >= 8
    assert source.counts.lost_samples == 2 * source.counts.dropped_frames


def test_notifications_of_a_wrong_length_are_damaged_and_no_samples() -> None:
    counts = Counts()
    parser = myo.MyoParser(counts)
    assert parser.feed(Arrival(b"\0" * 15, 1.0, myo.EMG[0])) == []
    assert parser.feed(Arrival(b"\0" * 19, 1.0, myo.IMU)) == []
    assert parser.feed(Arrival(b"\0" * 16, 1.0, "elsewhere")) == []
    assert counts.damaged_frames == 2


class Answers(MyoDongleTwin):
    """A dongle that says something else where `kind` is asked."""

    def __init__(self, kind: tuple[int, int], reply: bytes) -> None:
        super().__init__()
        self._kind, self._reply = kind, reply

    def _answer(self, kind: tuple[int, int], payload: bytes, now_s: float) -> list[Said]:
        if kind == self._kind:
            return [Said(self._reply)] if self._reply else []
        return super()._answer(kind, payload, now_s)


def version(major: int) -> bytes:
    value = b"\0\x17\0\0\x08" + bytes([major]) + bytes(7)
    return pack(bgapi.READ, bytes(3)) + pack_event(bgapi.VALUE, value)


@pytest.mark.parametrize(
    ("kind", "reply", "error", "said"),
    [
        (bgapi.END, b"", DeviceTimeout, "No Myo dongle answered at x"),
        (bgapi.END, b"OpenBCI V3 $$$", DeviceTimeout, "No Myo dongle answered at x"),
        (bgapi.DISCOVER, pack(bgapi.DISCOVER, b"\0\0"), DeviceTimeout, "heard no Myo within 10 s"),
        (bgapi.CONNECT, pack(bgapi.CONNECT, b"\x81\x01\0"), DeviceTimeout, "cannot be connected"),
        (bgapi.READ, pack(bgapi.READ, bytes(3)), DeviceTimeout, "does not tell its firmware"),
        (bgapi.READ, version(0), DeviceRefused, "update it with Myo Connect"),
        (bgapi.WRITE, pack(bgapi.WRITE, bytes(3)), DeviceTimeout, "does not take its settings"),
    ],
)
def test_what_goes_wrong_at_the_start_is_told_and_the_port_freed(
    kind: tuple[int, int], reply: bytes, error: type[Exception], said: str
) -> None:
    source, ports, _ = opened(Answers(kind, reply))
    with pytest.raises(error, match=said):
        source.start()
    assert ports[0].closed


@pytest.mark.parametrize("argument", ["x,mode=loud", "x,mode=50hz"])
def test_a_mode_that_the_armband_does_not_have_is_refused(argument: str) -> None:
    for opener in (myo.open_myo, myo_dongle.open_myo_dongle):
        with pytest.raises(Refused, match="mode is one of filtered, raw"):
            opener(argument)


def test_an_armband_that_is_no_address_is_refused() -> None:
    with pytest.raises(Refused, match="armband is an address like"):
        myo_dongle.open_myo_dongle("x,armband=mine")
