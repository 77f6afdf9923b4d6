"""The firmware in C for the tests; skips where there is no compiler."""

from __future__ import annotations

import shutil

import pytest

if shutil.which("gcc") is None:
    pytest.skip("no gcc here: apt-get install gcc", allow_module_level=True)

from firmware_bridge.firmware_library import (
    COUNTERS,
    DOF_N,
    U8,
    U16,
    U32,
    WRITE,
    Clock,
    CMcu,
    Frame,
    HandC,
    Joint,
    Rx,
    c_model,
    library,
)

__all__ = [
    "COUNTERS",
    "DOF_N",
    "U8",
    "U16",
    "U32",
    "WRITE",
    "CMcu",
    "Clock",
    "Frame",
    "HandC",
    "Joint",
    "Rx",
    "c_model",
    "library",
]
