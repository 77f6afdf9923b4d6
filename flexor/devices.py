"""What is connected, and what can be used without hardware."""

from __future__ import annotations

import os
from typing import Any

from acquisition.sources import SOURCES
from firmware_bridge.hands import HANDS


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
    from acquisition.serial_port import serial_ports

    found = []
    for port in serial_ports():
        allowed = os.access(port.device, os.R_OK | os.W_OK)
        use = f"serial:{port.by_id}" if allowed else "no permission: join the group that owns it"
        found.append({"port": port.device, "what": port.description, "use": use})
    return found
