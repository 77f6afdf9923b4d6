"""What is connected, what each of it is, and what is missing to use it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any

from acquisition.catalogue import CATALOGUE, recognise_bluetooth, recognise_usb
from acquisition.serial_port import SerialInfo, serial_ports, slow_ftdi
from acquisition.stream import FlexorError
from firmware_bridge.hands import HANDS

BLUETOOTH_S, LSL_S, TCP_S = 4.0, 1.5, 0.5
"""How long is looked around: a Myo advertises about once a second."""
Row = dict[str, str]


def list_devices(*, scan: bool) -> dict[str, Any]:
    """Every source and hand, and what is there; with `scan` also what is in the air and on the
    network. Nothing is opened but for a look at who listens."""
    looks: dict[str, Callable[[], list[Row]]] = {"serial_ports": _serial}
    if scan:
        looks |= {"bluetooth": _bluetooth, "lsl_streams": _lsl, "network": _network}
    with ThreadPoolExecutor(len(looks)) as pool:
        found = {name: pool.submit(_told, look) for name, look in looks.items()}
        seen = {name: future.result() for name, future in found.items()}
    return {"hands": list(HANDS), "sources": _sources(), **seen}


def _sources() -> list[Row]:
    return [
        {
            "source": name,
            "what": f"{entry.what} ({entry.way})",
            "missing": _missing(entry.library, entry.extra),
        }
        for name, entry in CATALOGUE.items()
    ]


def _missing(library: str, extra: str) -> str:
    if not library or find_spec(library) is not None:
        return ""
    return f"pip install '.[{extra}]' in Flexor's folder"


def _told(look: Callable[[], list[Row]]) -> list[Row]:
    """What a look gives; where it cannot look, the sentence that says why."""
    try:
        return look() or [{"found": "nothing"}]
    except FlexorError as error:
        return [{"found": str(error)}]
    except ModuleNotFoundError as error:
        extra = next((e.extra for e in CATALOGUE.values() if e.library == error.name), "ble")
        return [{"found": f"cannot look: pip install '.[{extra}]' in Flexor's folder"}]


def _serial() -> list[Row]:
    return [_serial_row(port) for port in serial_ports()]


def _serial_row(port: SerialInfo) -> Row:
    names = recognise_usb(port.usb_id)
    if not os.access(port.device, os.R_OK | os.W_OK):
        use = "no permission: sudo usermod -aG dialout $USER, then log in again"
    elif names:
        use = " or ".join(f"--source {name}:{port.by_id}" for name in names)
    else:
        use = f"--hand serial:{port.by_id}, or --source arduino:{port.by_id}"
    slow = slow_ftdi(port.device)
    return {
        "port": port.device,
        "says": port.description,
        "what": " or ".join(CATALOGUE[name].what for name in names) or "unknown",
        "use": use if slow is None else f"{use}; slow: {slow}",
    }


def _bluetooth() -> list[Row]:
    from acquisition.ble import scan

    rows = []
    for seen in scan(BLUETOOTH_S):
        for name in recognise_bluetooth(seen.name, seen.services):
            what = CATALOGUE[name].what
            use = f"--source {name}:{seen.address}"
            rows.append({"name": seen.name, "address": seen.address, "what": what, "use": use})
    return rows


def _lsl() -> list[Row]:
    from acquisition.lsl import streams

    return [
        {
            "name": stream.name,
            "what": f"{stream.type}, {stream.channels_n} channels, {stream.rate_hz:g} Hz",
            "host": stream.host,
            "use": f"--source lsl:name={stream.name}",
        }
        for stream in streams(LSL_S)
    ]


def _network() -> list[Row]:
    waiting = [(name, entry.listens) for name, entry in CATALOGUE.items() if entry.listens]
    with ThreadPoolExecutor(len(waiting)) as pool:
        answers = list(pool.map(lambda row: _listens(*row[1]), waiting))
    rows = [
        {
            "source": name,
            "where": f"{host}:{number}",
            "found": f"there: --source {name}:{host}" if there else "nobody listens",
        }
        for (name, (host, number)), there in zip(waiting, answers, strict=True)
    ]
    for name, entry in CATALOGUE.items():
        if entry.calls is not None:
            rows.append(_caller(name, entry.calls))
    return rows


def _listens(host: str, number: int) -> bool:
    try:
        socket.create_connection((host, number), TCP_S).close()
    except OSError:
        return False
    return True


def _caller(name: str, number: int) -> Row:
    """A device that calls us is not seen before it is started; its port must be free."""
    found = f"calls when it is started: --source {name}"
    try:
        socket.create_server(("", number)).close()
    except OSError as error:
        found = f"port {number} is taken ({error.strerror}): end the other program"
    return {"source": name, "where": f"here:{number}", "found": found}
