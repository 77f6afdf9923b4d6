"""What is connected, and what can be used without hardware."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from acquisition.sources import SOURCES
from firmware_bridge.hands import HANDS

BY_ID = Path("/dev/serial/by-id")


def list_devices() -> dict[str, Any]:
    """Sources and hands of the tables, and the serial ports that are there."""
    return {
        "sources": [{"name": name, "example": _example(name)} for name in SOURCES],
        "hands": [{"name": name} for name in HANDS],
        "serial_ports": _ports() or [{"port": "none found", "use": "connect a device"}],
    }


def _example(name: str) -> str:
    return {
        "synthetic": "synthetic:armband",
        "replay": "replay:session.xdf",
    }.get(name, name)


def _ports() -> list[dict[str, str]]:
    from firmware_bridge.serial_link import serial_ports

    names = {path.resolve(): path for path in BY_ID.glob("*")} if BY_ID.is_dir() else {}
    found = []
    for device, what in serial_ports():
        path = names.get(Path(device).resolve(), Path(device))
        allowed = os.access(device, os.R_OK | os.W_OK)
        use = f"serial:{path}" if allowed else "no permission: join the group that owns it"
        found.append({"port": device, "what": what, "use": use})
    return found
