"""Checks a machine: what is there, what is missing, and the mend."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable
from importlib import metadata
from typing import Any

from acquisition.stream import FlexorError
from flexor.profile import DEMO_ARTIFACT

PACKAGES = ("acquisition", "preprocessing", "models", "firmware_bridge", "training", "flexor")
Row = tuple[bool | None, str]
"""(good; None: worth knowing, no fault), what was found and the mend"""


def examine() -> dict[str, Any]:
    """One row for each check; `ok` when nothing that is needed is missing."""
    rows = []
    for name, check in CHECKS.items():
        try:
            good, text = check()
        except FlexorError as error:
            good, text = False, str(error)
        state = "note" if good is None else "good" if good else "bad"
        rows.append({"check": name, "state": state, "found": text})
    return {"ok": all(row["state"] != "bad" for row in rows), "checks": rows}


def _python() -> Row:
    found = f"Python {platform.python_version()} on {platform.machine()}, {platform.system()}"
    if not (3, 10) <= sys.version_info[:2] < (3, 14):
        return False, f"{found}; install Python 3.10 to 3.13"
    if sys.maxsize < 2**32:
        return False, f"{found}; install a 64-bit system"
    return True, found


def _owners() -> Row:
    """Another distribution with one of our top-level names would be imported in our place."""
    shared = {
        name: sorted(set(owners) - {"flexor"})
        for name, owners in metadata.packages_distributions().items()
        if name in PACKAGES and set(owners) - {"flexor"}
    }
    if shared:
        return False, f"others own our names too: {shared}; use a virtual environment of its own"
    return True, "every package has one owner"


def _onnx() -> Row:
    from models.artifact import open_artifact

    artifact = open_artifact(DEMO_ARTIFACT)
    return True, f"{artifact.runtime.name}; the demo artifact gives its golden recording"


def _lite() -> Row:
    from models.artifact import open_artifact

    try:
        artifact = open_artifact(DEMO_ARTIFACT.with_suffix(".tflite"))
    except FlexorError as error:
        return None, str(error)
    return True, f"{artifact.runtime.name}; the demo artifact gives its golden recording"


def _kernel() -> Row:
    from preprocessing.filters import kernel, slow_kernel

    if kernel() is slow_kernel:
        return None, "scipy's filter kernel was not found where it was; filters are slower"
    return True, "scipy's filter kernel is loaded without scipy.signal"


def _ports() -> Row:
    import grp

    names = []
    for group in os.getgroups():
        try:
            names.append(grp.getgrgid(group).gr_name)
        except KeyError:
            continue
    if os.geteuid() == 0 or "dialout" in names:
        return True, "serial ports may be opened"
    return None, "serial ports need the group dialout: sudo usermod -aG dialout $USER, log in again"


def _sleep() -> Row:
    """How late the kernel wakes a thread from 10 ms of sleep."""
    late = []
    for _ in range(30):
        begin = time.monotonic()
        time.sleep(0.010)
        late.append(1e3 * (time.monotonic() - begin - 0.010))
    late.sort()
    text = f"wakes {late[15]:.2f} ms late in the middle, {late[-1]:.2f} ms at worst of 30"
    return (True if late[15] < 2 else None), text


def _terminal() -> Row:
    live = sys.stdout.isatty()
    return None if not live else True, "live view" if live else "no terminal: no live view"


CHECKS: dict[str, Callable[[], Row]] = {
    "python": _python,
    "names": _owners,
    "onnxruntime": _onnx,
    "tflite": _lite,
    "filters": _kernel,
    "serial ports": _ports,
    "timing": _sleep,
    "terminal": _terminal,
}
"""name -> check"""
