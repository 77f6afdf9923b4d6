"""bleak's own client over a twin's socket: what is found, read, refused, and left behind."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from acquisition.emulators.gatt import serve_gatt
from acquisition.emulators.myo import ADDRESS, MyoTwin
from acquisition.emulators.trouble import Injected, Trouble
from acquisition.emulators.twin import Twin, open_twin
from acquisition.myo import COMMAND, EMG, KIND, open_myo
from acquisition.sources import open_source
from acquisition.stream import Chunk, DeviceLost, DeviceRefused, DeviceTimeout, Refused

pytestmark = pytest.mark.edge
bleak = pytest.importorskip("bleak", reason="Bluetooth needs bleak: pip install 'flexor[ble]'")

from acquisition import ble  # noqa: E402

UNTIL_S = 5.0


class Air:
    """A twin at a socket, in a thread."""

    def __init__(self, twin: Twin, path: str) -> None:
        self.twin, self.path = twin, path
        self.where: list[str] = []
        self._stop = threading.Event()
        arguments = (twin, path, Trouble(), Injected(), self._stop, self.where.append)
        self._thread = threading.Thread(target=serve_gatt, args=arguments)
        self._thread.start()
        until(lambda: bool(self.where))

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(UNTIL_S)


@contextmanager
def on_air(folder: Path, twin: Twin | None = None) -> Iterator[Air]:
    air = Air(twin or MyoTwin(), str(folder / "twin.sock"))
    try:
        yield air
    finally:
        air.stop()


def until(fits: Callable[[], bool]) -> None:
    end_s = time.monotonic() + UNTIL_S
    while not fits():
        assert time.monotonic() < end_s
        time.sleep(0.01)


def collect(read: Callable[[], Chunk | None], samples_n: int) -> list[Chunk]:
    chunks: list[Chunk] = []
    end_s = time.monotonic() + UNTIL_S
    while sum(len(chunk.samples) for chunk in chunks) < samples_n:
        assert time.monotonic() < end_s
        chunk = read()
        assert chunk is not None
        chunks.append(chunk)
    return chunks


def test_a_myo_streams_through_bleaks_own_client_and_leaves_no_thread(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with on_air(tmp_path) as air:
        source = open_myo(f"unix:{air.path}")
        source.start()
        chunks = collect(lambda: source.read(0.2), 40)
        source.stop()
        until(lambda: air.twin.next_s == np.inf)
        samples = np.concatenate([chunk.samples for chunk in chunks])
        assert (samples == air.twin.signal(0, len(samples))).all()
        assert source.counts.lost_samples == 0
        assert source.take_motion()
    assert set(threading.enumerate()) <= before


def test_a_device_is_heard_until_somebody_is_connected_to_it(tmp_path: Path) -> None:
    with on_air(tmp_path) as air:
        where = f"unix:{air.path}"
        heard = ble.scan(0.0, where)
        assert [info.address for info in heard] == [ADDRESS]
        assert heard[0].fits(KIND, "")
        port = ble.BlePort(KIND, where)
        assert ble.scan(0.0, where) == []
        with pytest.raises(DeviceTimeout, match="No Myo armband"):
            ble.BlePort(KIND, where)
        port.close()
        until(lambda: ble.scan(0.0, where) != [])


def test_a_device_that_goes_away_is_lost_after_what_it_still_said(tmp_path: Path) -> None:
    with on_air(tmp_path) as air:
        port = ble.BlePort(KIND, f"unix:{air.path}")
        port.write(bytes([1, 3, 2, 0, 0]), COMMAND)
        until(lambda: air.twin.next_s < np.inf and len(port._waiting) > 3)
        air.stop()
        until(lambda: port._gone)
        assert {arrival.line for arrival in port.read(0.0)} <= set(EMG)
        with pytest.raises(DeviceLost, match="gone: move the armband"):
            port.read(1.0)
        with pytest.raises(DeviceLost):
            port.write(b"", COMMAND)
        port.close()
        port.close()


def test_a_myo_that_is_not_told_to_stay_awake_hangs_up(tmp_path: Path) -> None:
    with on_air(tmp_path) as air:
        port = ble.BlePort(KIND, f"unix:{air.path}")
        port.write(b"\x04\x00", COMMAND)  # deep sleep
        until(lambda: port._gone)
        with pytest.raises(DeviceLost):
            port.read(0.0)
        port.close()


def test_a_full_queue_drops_the_oldest_and_tells_how_many(tmp_path: Path) -> None:
    with on_air(tmp_path) as air:
        port = ble.BlePort(KIND, f"unix:{air.path}")
        for n in range(ble.QUEUE_N + 5):
            port._on_news(EMG[0], None, bytearray([n % 256]))
        arrivals = port.read(0.0)
        assert len(arrivals) == ble.QUEUE_N
        assert [arrivals[0].dropped, arrivals[1].dropped] == [5, 0]
        assert arrivals[0].data == b"\x05"
        assert port.read(0.0) == []
        port.close()


def test_a_device_of_another_kind_is_refused_and_freed(tmp_path: Path) -> None:
    class Other(MyoTwin):
        gatt = MyoTwin.gatt._replace(services={"180f": {}})

    before = set(threading.enumerate())
    with on_air(tmp_path, Other()) as air:
        with pytest.raises(DeviceRefused, match="it lacks the characteristic"):
            open_myo(f"unix:{air.path}").start()
        until(lambda: ble.scan(0.0, f"unix:{air.path}") != [])
    assert set(threading.enumerate()) <= before


def test_nothing_at_the_socket_is_told_with_what_to_start(tmp_path: Path) -> None:
    with pytest.raises(DeviceRefused, match="flexor emulate NAME --at"):
        open_myo(f"unix:{tmp_path}/nothing").start()


def test_a_socket_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be made a socket"):
        serve_gatt(
            MyoTwin(), f"{tmp_path}/no/x", Trouble(), Injected(), threading.Event(), lambda _: None
        )


def test_a_twin_without_a_path_is_among_the_temporary_files() -> None:
    air = Air(MyoTwin(), "")
    (where,) = air.where
    assert Path(where).is_socket()
    air.stop()
    assert not Path(where).exists()


def test_the_same_device_is_sought_again_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    sought: list[str] = []

    def fake(kind: ble.Kind, where: str) -> Any:
        sought.append(where)
        return SimpleNamespace(address=ADDRESS)

    monkeypatch.setattr(ble, "BlePort", fake)
    door = ble.Door(KIND, "")
    door()
    door()
    assert sought == ["", ADDRESS]


class Crowd:
    """What bleak's scanner tells of several devices."""

    def __init__(self, *names: str) -> None:
        self.discovered_devices_and_advertisement_data = {
            f"AA:0{n}": (
                SimpleNamespace(address=f"AA:0{n}", name=name),
                SimpleNamespace(
                    local_name=name,
                    rssi=-50 - n,
                    service_uuids=[] if name == "watch" else list(KIND.services),
                ),
            )
            for n, name in enumerate(names)
        }

    async def __aenter__(self) -> Crowd:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing runs."""


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    monkeypatch.setattr(ble, "SCAN_S", 0.1)
    monkeypatch.setattr(ble, "SETTLE_S", 0.0)

    def near(*names: str) -> None:
        monkeypatch.setattr("bleak.BleakScanner", lambda **_: Crowd(*names))

    return near


def test_the_one_device_of_its_kind_is_found_among_others(crowd: Callable[..., None]) -> None:
    crowd("watch", "left arm")
    assert asyncio.run(ble._find(KIND, "")).address == "AA:01"


def test_of_two_devices_of_a_kind_none_is_guessed(crowd: Callable[..., None]) -> None:
    crowd("left arm", "right arm")
    with pytest.raises(
        DeviceRefused, match=r"2 devices may be the Myo armband \(AA:00 and AA:01\)"
    ):
        asyncio.run(ble._find(KIND, ""))
    assert asyncio.run(ble._find(KIND, "right arm")).address == "AA:01"
    assert asyncio.run(ble._find(KIND, "aa:00")).name == "left arm"


def test_a_device_that_is_not_near_is_told_with_how_many_others_are(
    crowd: Callable[..., None],
) -> None:
    crowd("watch", "right arm")
    with pytest.raises(DeviceTimeout, match=r"No Myo armband mine was found .*\(2 other devices"):
        asyncio.run(ble._find(KIND, "mine"))


def test_the_devices_that_are_near_come_the_nearest_first(crowd: Callable[..., None]) -> None:
    crowd("near", "far")
    assert [info.name for info in ble.scan(0.0)] == ["near", "far"]


@pytest.mark.parametrize("name", ["ganglion", "gforce", "npg_lite"])
def test_every_bluetooth_device_streams_from_its_socket(tmp_path: Path, name: str) -> None:
    twin = open_twin(name)
    with on_air(tmp_path, twin) as air:
        source = open_source(f"{name}:unix:{air.path}")
        source.start()
        chunks = collect(lambda: source.read(0.2), 60)
        source.stop()
        assert {chunk.samples.shape[1] for chunk in chunks} == {len(twin.spec.channels)}
        assert sum(chunk.lost for chunk in chunks) == 0
        until(lambda: twin.next_s == np.inf)
