"""bleak's own client over a twin's socket: what is found, read, refused, and left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from acquisition.ble_refusal import why_no_bluetooth
from acquisition.emulators.gatt import serve_gatt
from acquisition.emulators.myo import ADDRESS, MyoTwin
from acquisition.emulators.trouble import Injected, Trouble
from acquisition.emulators.twin import Twin
from acquisition.myo import COMMAND, EMG, KIND, open_myo
from acquisition.stream import Chunk, DeviceLost, DeviceRefused, DeviceTimeout, Refused

pytestmark = pytest.mark.edge
bleak = pytest.importorskip("bleak", reason="Bluetooth needs bleak: pip install 'flexor[ble]'")

from acquisition import ble  # noqa: E402

UNTIL_S = 5.0


class Air:
    """A twin at a socket, in a thread."""

    def __init__(self, twin: Twin, path: str) -> None:
        self.twin, self.path = twin, path
        self.done, self._stop, there = Injected(), threading.Event(), threading.Event()
        self._thread = threading.Thread(
            target=serve_gatt,
            args=(twin, path, Trouble(), self.done, self._stop, lambda _: there.set()),
        )
        self._thread.start()
        assert there.wait(UNTIL_S)

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


def test_a_machine_without_bluetooth_is_told_what_to_install(tmp_path: Path) -> None:
    class NotAvailable(Exception):
        reason = SimpleNamespace(name="NO_BLUETOOTH")

    class Off(Exception):
        reason = SimpleNamespace(name="POWERED_OFF")

    class DBus(Exception):
        def __init__(self, name: str, text: str = "") -> None:
            super().__init__(text)
            self.dbus_error = name

    class BleakDeviceNotFoundError(Exception):
        pass

    def why(error: BaseException) -> str:
        return why_no_bluetooth(error, "the Myo armband", "charge it", tmp_path)

    assert "apt install bluez" in why(FileNotFoundError())
    assert "apt install bluez" in why(DBus("org.freedesktop.DBus.Error.ServiceUnknown"))
    assert "no Bluetooth adapter" in why(NotAvailable())
    assert "rfkill unblock" in why(Off())
    assert "rfkill unblock" in why(DBus("org.bluez.Error.NotReady"))
    assert "usermod -aG bluetooth" in why(PermissionError())
    assert "usermod -aG bluetooth" in why(DBus("org.freedesktop.DBus.Error.AccessDenied"))
    assert "in use by another program" in why(DBus("org.bluez.Error.InProgress"))
    assert "in use by another program" in why(DBus("x.NotPermitted", "Notify acquired"))
    assert "flexor[ble]" in why(ImportError())
    assert why(TimeoutError()) == "The Myo armband does not answer: charge it."
    assert why(BleakDeviceNotFoundError()) == "The Myo armband was not found: charge it."
    assert "(radio on fire): charge it" in why(DBus("x.Failed", "radio on fire"))


@pytest.mark.parametrize(
    ("kind", "said"), [("soft", "rfkill unblock"), ("hard", "a switch or key")]
)
def test_a_switched_off_radio_is_told_from_a_missing_one(
    tmp_path: Path, kind: str, said: str
) -> None:
    switch = tmp_path / "rfkill0"
    switch.mkdir()
    for name, text in (("type", "bluetooth"), ("hard", "0"), ("soft", "0"), (kind, "1")):
        (switch / name).write_text(text + "\n")

    class NotAvailable(Exception):
        reason = SimpleNamespace(name="NO_BLUETOOTH")

    assert said in why_no_bluetooth(NotAvailable(), "the Myo", "", tmp_path)
