"""How the graph of a network with a head is made small."""

from __future__ import annotations

from collections.abc import Sequence

from acquisition.stream import Refused, Samples
from models.contract import Quantization
from training.export import calibration_digest
from training.quantize import METHOD, NOTHING, feeds_of, to_int8
from training.recipe import AWARE, FLOAT, WEIGHTS
from training.weights_int8 import METHOD as WEIGHTS_METHOD
from training.weights_int8 import to_int8_weights


def rounded(
    full: bytes, windows: Samples, operators: Sequence[str] | None, how: str
) -> tuple[bytes, Quantization]:
    """The graph of a float one as a recipe's `quantization` names it; float where the family has
    nothing that is worth rounding."""
    if how == AWARE:
        raise Refused('A network with a head is "static", "weights" or "float", not "aware".')
    if how == FLOAT or operators == ():
        return full, Quantization(NOTHING, "", 1.0, 0.0)
    if how == WEIGHTS:
        return to_int8_weights(full, operators), Quantization(WEIGHTS_METHOD, "", 1.0, 0.0)
    small = to_int8(full, feeds_of(full, windows, None), operators)
    return small, Quantization(METHOD, calibration_digest(windows), 1.0, 0.0)
