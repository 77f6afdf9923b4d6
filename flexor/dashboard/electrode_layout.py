"""Where the channels sit on the forearm, as far as a source's name and their number tell. Pure.

A device tells no places. What is drawn is the usual arrangement of its electrodes, in the order of
its channels: row by row, beginning at the first.
"""

from __future__ import annotations

from typing import Any

RING_N = 24
"""More electrodes than this are no ring of one row."""
GRIDS: dict[tuple[str, int], tuple[int, int, int]] = {
    ("emager", 64): (4, 16, 0),
    ("muovi", 32): (8, 4, 0),
    ("quattrocento", 64): (13, 5, 1),
    ("sessantaquattro", 64): (13, 5, 1),
    ("muovi_plus", 64): (13, 5, 1),
    ("otb_light", 64): (13, 5, 1),
}
"""(source, electrodes) -> (rows, columns, places without an electrode at the beginning).

EMaGer: a sleeve of 4 x 16. OT Bioelettronica's grids GR08MM1305 and GR10MM1305 have 13 x 5 places,
the first of them empty; HD10MM0804 has 8 x 4.
"""
EACH_N = 64
"""Electrodes of one grid, where an amplifier carries several."""


def layout(source: str, channels_n: int) -> dict[str, Any]:
    """{"kind": "ring"} or {"kind": "grid", "grids": [{"first", "n", "rows", "columns", "skipped"}]}
    for a source's word, e.g. "emager:/dev/ttyACM0"."""
    name = source.partition(":")[0]
    if channels_n <= RING_N and (name, channels_n) not in GRIDS:
        return {"kind": "ring"}
    each = EACH_N if channels_n % EACH_N == 0 else channels_n
    rows, columns, skipped = GRIDS.get((name, each), (*_square(each), 0))
    grids = [
        {"first": first, "n": each, "rows": rows, "columns": columns, "skipped": skipped}
        for first in range(0, channels_n, each)
    ]
    return {"kind": "grid", "grids": grids}


def _square(n: int) -> tuple[int, int]:
    """(rows, columns) as near to a square as holds them all; 64 are 8 x 8."""
    columns = max(1, round(n**0.5))
    whole = next((c for c in range(columns, 1, -1) if n % c == 0 and n // c <= 4 * c), columns)
    return -(-n // whole), whole
