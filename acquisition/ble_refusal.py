"""Why Bluetooth does not serve, and what to do about it."""

from __future__ import annotations

import asyncio
from concurrent.futures import TimeoutError as NoAnswer
from contextlib import suppress
from pathlib import Path

RFKILL = Path("/sys/class/rfkill")

_NO_BLUEZ = (
    "BlueZ, the system's Bluetooth service, is not running: sudo apt install bluez, then "
    "sudo systemctl enable --now bluetooth."
)
_DENIED = (
    "You may not use Bluetooth: join its group (sudo usermod -aG bluetooth $USER) and log in again."
)
_OFF = "Bluetooth is switched off: rfkill unblock bluetooth, then bluetoothctl power on."
_HARD = "Bluetooth is switched off by a switch or key of this machine: switch it on there."
_NONE = (
    "This machine has no Bluetooth adapter that speaks Low Energy: plug one in (bluetoothctl list "
    "shows it), or enable the built-in one."
)

_REASONS = {
    "NO_BLUETOOTH": _NONE,
    "NO_BLE_CENTRAL_ROLE": _NONE,
    "POWERED_OFF": _OFF,
    "DENIED_BY_USER": _DENIED,
    "DENIED_BY_SYSTEM": _DENIED,
    "DENIED_BY_UNKNOWN": _DENIED,
}
_DBUS = {
    "ServiceUnknown": _NO_BLUEZ,
    "NameHasNoOwner": _NO_BLUEZ,
    "AccessDenied": _DENIED,
    "NotReady": _OFF,
    "NotAuthorized": _DENIED,
}


def why_no_bluetooth(
    error: BaseException, what: str, mend: str = "try again", rfkill: Path = RFKILL
) -> str:
    """One sentence for a person; `what` is the device, for sentences, `mend` what helps it."""
    if isinstance(error, ImportError):
        return (
            "Bluetooth needs the Python package bleak, which is not installed: "
            "pip install '.[ble]' in Flexor's folder."
        )
    if isinstance(error, NoAnswer | TimeoutError | asyncio.TimeoutError):
        return f"{_begun(what)} does not answer: {mend}."
    if isinstance(error, FileNotFoundError | ConnectionRefusedError):
        return f"The system's message bus (D-Bus) cannot be reached. {_NO_BLUEZ}"
    if isinstance(error, PermissionError):
        return _DENIED
    reason = getattr(getattr(error, "reason", None), "name", "")
    if reason in _REASONS:
        blocked = _blocked(rfkill)
        return {"hard": _HARD, "soft": _OFF}.get(blocked, _REASONS[reason])
    name = str(getattr(error, "dbus_error", "")).rpartition(".")[2]
    if name in _DBUS:
        return _DBUS[name]
    if name == "InProgress" or "acquired" in str(error) or "in use" in str(error):
        return f"{_begun(what)} is in use by another program: end that first."
    if type(error).__name__ == "BleakDeviceNotFoundError":
        return f"{_begun(what)} was not found: {mend}."
    return f"{_begun(what)} cannot be used over Bluetooth ({error}): {mend}."


def _begun(what: str) -> str:
    return what[:1].upper() + what[1:]


def _blocked(folder: Path) -> str:
    """ "hard", "soft" or "": what the kernel's switches say of Bluetooth."""
    for switch in folder.glob("*"):
        with suppress(OSError):
            if (switch / "type").read_text().strip() == "bluetooth":
                for kind in ("hard", "soft"):
                    if (switch / kind).read_text().strip() == "1":
                        return kind
    return ""
