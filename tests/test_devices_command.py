"""What `flexor devices` tells of what is there, and of what cannot be looked at."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from acquisition.ble import BleInfo
from acquisition.catalogue import CATALOGUE, recognise_bluetooth, recognise_usb
from acquisition.serial_port import SerialInfo, find_port, slow_ftdi
from acquisition.sources import SOURCES
from acquisition.stream import DeviceRefused
from flexor import devices
from flexor.devices import list_devices

ROOT = Path(__file__).resolve().parents[1]
DONGLE = SerialInfo("/dev/ttyUSB7", "FT231X", (0x0403, 0x6015), "DM0", "/dev/serial/by-id/obci")
OTHER = SerialInfo("/dev/ttyACM3", "something", (0x1234, 1), "", "/dev/ttyACM3")


@pytest.fixture(autouse=True)
def nothing_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "serial_ports", list)
    monkeypatch.setattr(devices, "_listens", lambda host, number: False)
    monkeypatch.setattr("acquisition.ble.scan", lambda seconds: [])
    monkeypatch.setattr("acquisition.lsl.streams", lambda seconds: [])
    monkeypatch.setattr(devices.os, "access", lambda *_: True)


def test_every_source_is_described() -> None:
    assert set(CATALOGUE) == set(SOURCES)


def test_every_source_with_hardware_has_a_guide() -> None:
    index = (ROOT / "docs/devices/README.md").read_text()
    guides = {
        name: guide
        for names, guide in re.findall(r"\[(`[^\]]+`)\]\(([a-z_]+\.md)\)", index)
        for name in re.findall(r"`([a-z_]+)`", names)
    }
    assert set(guides) == set(CATALOGUE) - {"synthetic", "replay"}
    missing = {guide for guide in guides.values() if not (ROOT / "docs/devices" / guide).exists()}
    assert not missing


def test_what_is_told_of_a_source_is_what_its_driver_goes_by() -> None:
    for name, (module, _) in SOURCES.items():
        driver, entry = importlib.import_module(module), CATALOGUE[name]
        if hasattr(driver, "USB_IDS") and entry.usb_ids:
            assert set(entry.usb_ids) <= set(driver.USB_IDS), name
        if entry.service:
            assert entry.service in driver.KIND.services or not driver.KIND.services, name
            assert entry.names == driver.KIND.names, name


def test_a_port_is_recognised_by_its_usb_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "serial_ports", lambda: [DONGLE, OTHER])
    known, unknown = list_devices(scan=False)["serial_ports"]
    assert "Cyton" in known["what"]
    assert known["use"] == "--source cyton:/dev/serial/by-id/obci"
    assert unknown["what"] == "unknown"
    assert "--source arduino:/dev/ttyACM3" in unknown["use"]


def test_a_port_that_may_not_be_opened_says_how_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "serial_ports", lambda: [DONGLE])
    monkeypatch.setattr(devices.os, "access", lambda *_: False)
    (row,) = list_devices(scan=False)["serial_ports"]
    assert "dialout" in row["use"]


def test_a_device_in_the_air_is_recognised_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    myo = BleInfo("AA:BB", "my arm", -50, (CATALOGUE["myo"].service,))
    watch = BleInfo("CC:DD", "watch", -40, ("0000180d-0000-1000-8000-00805f9b34fb",))
    monkeypatch.setattr("acquisition.ble.scan", lambda seconds: [watch, myo])
    rows = list_devices(scan=True)["bluetooth"]
    assert [row["use"] for row in rows] == ["--source myo:AA:BB"]


def test_where_it_cannot_look_it_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(seconds: float) -> list[Any]:
        raise DeviceRefused("There is no Bluetooth adapter: plug one in.")

    def missing(seconds: float) -> list[Any]:
        raise ModuleNotFoundError("No module named 'pylsl'", name="pylsl")

    monkeypatch.setattr("acquisition.ble.scan", refuse)
    monkeypatch.setattr("acquisition.lsl.streams", missing)
    seen = list_devices(scan=True)
    assert seen["bluetooth"] == [{"found": "There is no Bluetooth adapter: plug one in."}]
    assert seen["lsl_streams"] == [
        {"found": "cannot look: pip install '.[lsl]' in Flexor's folder"}
    ]


def test_a_port_that_another_program_holds_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    with socket.create_server(("", 0)) as server:
        taken = server.getsockname()[1]
        row = devices._caller("muovi", taken)
    assert "is taken" in row["found"]


def test_the_only_fitting_port_is_found_and_others_are_asked_for() -> None:
    ids = ((0x0403, 0x6015),)
    assert find_port(ids, "dongle", "cyton", lambda: [OTHER, DONGLE]) == DONGLE.by_id
    with pytest.raises(DeviceRefused, match=r"No dongle was found.*plug it in.*/dev/ttyACM3"):
        find_port(ids, "dongle", "cyton", lambda: [OTHER])
    with pytest.raises(DeviceRefused, match="2 ports may be the dongle: name one"):
        find_port(ids, "dongle", "cyton", lambda: [DONGLE, DONGLE])


def test_a_chip_that_bundles_bytes_is_told_with_the_mend(tmp_path: Path) -> None:
    timer = tmp_path / "ttyUSB7" / "latency_timer"
    timer.parent.mkdir()
    timer.write_text("16\n")
    assert "bundles samples for 16 ms: echo 1" in (slow_ftdi("/dev/ttyUSB7", tmp_path) or "")
    timer.write_text("1\n")
    assert slow_ftdi("/dev/ttyUSB7", tmp_path) is None
    assert slow_ftdi("/dev/ttyACM0", tmp_path) is None


def test_nothing_is_recognised_by_chance() -> None:
    assert recognise_usb(None) == []
    assert recognise_bluetooth("", ()) == []
