"""bleak's own client over a twin's socket: what is found, read, refused, and left behind."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acquisition.ble_stand_in import Link
from acquisition.emulators.gatt import serve_gatt
from acquisition.emulators.myo import ADDRESS, MyoTwin
from acquisition.emulators.trouble import Injected, Trouble
from acquisition.emulators.twin import Twin, open_twin
from acquisition.myo import COMMAND, EMG, KIND, open_myo
from acquisition.sources import open_source
from acquisition.stream import Chunk, DeviceLost, DeviceRefused, DeviceTimeout, Refused

pytestmark = pytest.mark.edge
bleak = pytest.importorskip("bleak", reason="Bluetooth needs bleak: pip install '.[ble]'")

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


MUTE = replace(KIND, hear=())
"""An armband that is not asked for its battery."""


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
        assert getattr(source, "battery_share", None) == 0.9  # read once, when it was connected
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
        port = ble.BlePort(MUTE, f"unix:{air.path}")
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
        port = ble.BlePort(MUTE, f"unix:{air.path}")
        port.write(b"\x04\x00", COMMAND)  # deep sleep
        until(lambda: port._gone)
        with pytest.raises(DeviceLost):
            port.read(0.0)
        port.close()


def test_a_full_queue_drops_the_oldest_and_tells_how_many(tmp_path: Path) -> None:
    with on_air(tmp_path) as air:
        port = ble.BlePort(MUTE, f"unix:{air.path}")
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


@pytest.mark.parametrize(
    ("error", "told", "said"),
    [
        (FileNotFoundError(2, "no bus"), DeviceRefused, "apt install bluez"),
        (TimeoutError(), DeviceTimeout, "The Myo armband at x does not answer: move the armband"),
        (ImportError("bleak"), DeviceRefused, r"\.\[ble\]"),
    ],
)
def test_a_port_that_cannot_be_opened_says_why_and_leaves_no_thread(
    monkeypatch: pytest.MonkeyPatch, error: Exception, told: type[Exception], said: str
) -> None:
    async def fail(kind: ble.Kind, where: str) -> Any:
        raise error

    monkeypatch.setattr(ble, "_find", fail)
    before = set(threading.enumerate())
    with pytest.raises(told, match=said):
        ble.BlePort(KIND, "x")
    assert set(threading.enumerate()) <= before


def test_a_write_that_the_device_does_not_take_is_a_lost_connection(tmp_path: Path) -> None:
    with on_air(tmp_path) as air:
        port = ble.BlePort(MUTE, f"unix:{air.path}")
        with pytest.raises(DeviceLost, match="is gone"):
            port.write(b"", "00002a00-0000-1000-8000-00805f9b34fb")
        port.close()


def test_a_twin_takes_one_host_at_a_time_and_notifies_only_what_is_wanted(tmp_path: Path) -> None:
    async def meet(path: str) -> None:
        heard: list[str] = []
        first = await Link.reach(path, lambda line, data: heard.append(line))
        second = await Link.reach(path)
        with pytest.raises(DeviceRefused, match="Not connected"):
            await first.ask("write", line=COMMAND, data="00")
        await first.ask("connect")
        with pytest.raises(DeviceRefused, match="another host is connected"):
            await second.ask("connect")
        await first.ask("notify", line=EMG[0], on=True)
        await first.ask("write", line=COMMAND, data="0103020100")
        while len(heard) < 3:
            await asyncio.sleep(0.01)
        await first.ask("notify", line=EMG[0], on=False)
        with pytest.raises(DeviceRefused, match="Nothing here can fly"):
            await first.ask("fly")
        assert set(heard) == {EMG[0]}
        await first.close()
        await second.close()
        with pytest.raises(DeviceLost):
            await first.ask("advertise")

    with on_air(tmp_path) as air:
        asyncio.run(meet(air.path))
