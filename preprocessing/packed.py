"""Numbers of a contract as text: float32, little endian, in base64."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused


def packed(x: NDArray[np.floating[Any]]) -> str:
    """The numbers as text, in their order; the shape is told elsewhere."""
    return base64.b64encode(np.ascontiguousarray(x, "<f4").tobytes()).decode()


def unpacked(text: str, what: str) -> NDArray[np.float64]:
    """(number,). Refuses what is not finite numbers; `what` begins the sentence."""
    try:
        found = np.frombuffer(base64.b64decode(text, validate=True), "<f4").astype(np.float64)
    except ValueError:
        raise Refused(f"{what} are not base64 of float32; export the artifact again.") from None
    if not np.isfinite(found).all():
        raise Refused(f"{what} must be finite numbers; export the artifact again.")
    return found
