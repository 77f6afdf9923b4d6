"""A device's twin for whoever has no hardware: it speaks the device's own bytes until stopped."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from types import FrameType
from typing import Any

from acquisition.emulators.muscles import muscles
from acquisition.emulators.serve import serve
from acquisition.emulators.trouble import Injected, Trouble
from acquisition.emulators.twin import TWINS, Twin, open_twin
from acquisition.stream import Refused
from acquisition.tables import refuse_unknown
from acquisition.words import Setting
from firmware_bridge.emulators.serve import serve_hand, serve_hand_at, serve_in_air
from firmware_bridge.emulators.twin import (
    HAND_TWINS,
    ON_AIR,
    ON_CAN,
    TCP_PORTS,
    open_hand_twin,
)

SIGNALS = ("muscles", "pattern")
PORT_HIGH = 65_535


def emulate(
    word: str, at: str, what: str, trouble: Trouble, seconds: float | None, seed: int
) -> dict[str, Any]:
    """Serves the twin of `NAME` or `NAME:key=value,...` until `seconds`, Ctrl-C or SIGTERM; gives
    what befell its frames.

    Refuses an unknown twin, setting or signal, and an address that is taken.
    """
    name, _, settings = word.partition(":")
    refuse_unknown(what, SIGNALS, "signal")
    refuse_unknown(name, [*TWINS, *HAND_TWINS], "emulator")
    begun_s = time.monotonic()
    if name in HAND_TWINS:
        if settings or trouble != Trouble(seed=trouble.seed):
            raise Refused(
                f"The hand {name} is emulated as it is: settings and trouble are for sensors."
            )
        if name in ON_CAN:
            raise Refused(
                f"The {name} is on a CAN bus, and no bus is emulated here: its tests use "
                f"python-can's virtual one."
            )
        hand, say = open_hand_twin(name), f"flexor run --arm --hand {name}:"
        with _until(seconds) as stop:
            if name in ON_AIR:
                serve_in_air(at, stop, lambda where: _there(name, f"{say}unix:{where}"))
            elif name in TCP_PORTS:
                host, _, number = (at or "127.0.0.1").partition(":")
                if not (number or "0").isdigit() or int(number or 0) > PORT_HIGH:
                    raise Refused(
                        f'--at is HOST or HOST:PORT, with a port up to {PORT_HIGH}, not "{at}".'
                    )
                port = int(number or TCP_PORTS[name])
                serve_hand_at(hand, host, port, stop, lambda where: _there(name, say + where))
            else:
                serve_hand(hand, at, stop, lambda where: _there(name, say + where))
        return {"emulated": word, "seconds": round(time.monotonic() - begun_s, 1)}
    twin, done = twin_of(name, settings), Injected()
    if what == "muscles":
        twin.signal = muscles(twin.spec, *twin.count_range, seed=seed)
    with _until(seconds) as stop:
        serve(
            twin,
            at,
            trouble,
            done,
            stop,
            lambda where: _there(name, how_to_use(twin, name, settings, where)),
        )
    told = {key: value for key, value in asdict(done).items() if key not in ("missing", "kept")}
    return {"emulated": word, "seconds": round(time.monotonic() - begun_s, 1), **told}


def _there(name: str, use: str) -> None:
    print(f"{name} is there. In another terminal: {use}")
    print("Ctrl-C ends it.", flush=True)


@contextmanager
def _until(seconds: float | None) -> Iterator[threading.Event]:
    """What is set after so long, by Ctrl-C or by SIGTERM."""
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    timer = None if seconds is None else threading.Timer(seconds, stop.set)
    try:
        if timer is not None:
            timer.start()
        yield stop
    finally:
        if timer is not None:
            timer.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)


def twin_of(name: str, settings: str) -> Twin:
    """The twin with its settings as they are written: yes and no, numbers, words."""
    refuse_unknown(name, TWINS, "emulator")
    given: dict[str, Any] = {}
    for part in filter(None, settings.split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            raise Refused(f'"{part}" is no setting: write {name}:key=value, e.g. {name}:rate=1000.')
        given[key.strip()] = _value(value.strip())
    try:
        return open_twin(name, None, **given)
    except TypeError:
        raise Refused(
            f"The emulator {name} does not have all of these settings: {', '.join(given)}."
        ) from None


def _value(text: str) -> Setting:
    if text in ("yes", "no"):
        return text == "yes"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def how_to_use(twin: Twin, name: str, settings: str, where: str) -> str:
    """The words that make the source find it."""
    address = {"gatt": f"unix:{where}", "call": ""}.get(twin.transport.kind, where)
    if twin.transport.kind == "lsl":
        settings = ""  # the stream says all of it
    words = ",".join(filter(None, (address, settings)))
    return f"flexor record --out new.xdf --source {name}{':' if words else ''}{words}"
