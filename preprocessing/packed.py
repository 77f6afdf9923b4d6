"""Numbers of a contract as text: little endian, in base64."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused

FULL, HALF = "<f4", "<f2"
"""float32, and float16 where a thousandth of a number does not matter."""


def packed(x: NDArray[np.floating[Any]], kind: str = FULL) -> str:
    """The numbers as text, in their order; the shape is told elsewhere."""
    return base64.b64encode(np.ascontiguousarray(x, kind).tobytes()).decode()


def unpacked(text: str, what: str, kind: str = FULL) -> NDArray[np.float64]:
    """(number,). Refuses what is not finite numbers; `what` begins the sentence."""
    try:
        found = np.frombuffer(base64.b64decode(text, validate=True), kind).astype(np.float64)
    except ValueError:
        name = np.dtype(kind).name
        raise Refused(f"{what} are not base64 of {name}; export the artifact again.") from None
    if not np.isfinite(found).all():
        raise Refused(f"{what} must be finite numbers; export the artifact again.")
    return found
