"""The interface as a C header: firmware/src/flexor_interface.h is this text.

`flexor firmware header` writes it anew; a test proves that the committed one is up to date.
"""

from __future__ import annotations

from firmware_bridge.interface import (
    ENUMS,
    HEADER,
    INTERFACE_HASH,
    NUMBERS,
    PAYLOADS,
    layout,
)

_TOP = """\
/* What host and hand agree on. Written by `flexor firmware header` from
 * firmware_bridge/interface.py: change that file, not this one. */
#ifndef FLEXOR_INTERFACE_H
#define FLEXOR_INTERFACE_H
"""


def c_header() -> str:
    """The text of the header: every number, code, size and offset of the interface."""
    lines = [_TOP, f"#define FLX_INTERFACE_HASH 0x{INTERFACE_HASH:08X}UL", ""]
    lines += [f"#define FLX_{name} {value}" for name, value in NUMBERS.items()]
    for name, members in ENUMS.items():
        lines += ["", *(f"#define FLX_{name}_{m.name} {m.value}" for m in members)]
    lines += ["", "/* Bytes of a header, of each payload, and where each field begins in it. */"]
    for kind, fields in (("HEADER", HEADER), *((k.name, v) for k, v in PAYLOADS.items())):
        lines.append(f"#define FLX_{kind}_N {layout(fields).size}")
        for at, (field, _) in enumerate(fields):
            before_n = layout(fields[:at]).size
            lines.append(f"#define FLX_{kind}_{field.upper()}_AT {before_n}")
    return "\n".join([*lines, "", "#endif", ""])
