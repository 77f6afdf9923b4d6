"""Why Bluetooth does not serve, in sentences that say what to do."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from acquisition.ble_refusal import why_no_bluetooth

pytestmark = pytest.mark.edge


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
    assert ".[ble]" in why(ImportError())
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
