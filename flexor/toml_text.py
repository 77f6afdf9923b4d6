"""A mapping as TOML, for the files that Flexor writes itself. Pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def toml_text(value: Mapping[str, Any]) -> str:
    """The text that reads back as `value`: texts, numbers, truth, lists, tables and lists of
    tables. What is None is left out. Raises TypeError for anything else."""
    return "\n".join(_lines(value, ())).strip() + "\n"


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    plain = {k: v for k, v in table.items() if not _is_table(v) and v is not None}
    lines = [f"{_key(k)} = {_value(v)}" for k, v in plain.items()]
    for key, value in table.items():
        name = ".".join(_key(part) for part in (*path, key))
        if isinstance(value, Mapping):
            inner = _lines(value, (*path, key))
            # A table of tables alone is named by them.
            lines += inner if value and inner and not inner[0] else ["", f"[{name}]", *inner]
        elif _is_table(value):
            for row in value:
                lines += ["", f"[[{name}]]", *_lines(row, (*path, key))]
    return lines


def _is_table(value: Any) -> bool:
    rows = isinstance(value, (list, tuple)) and len(value) > 0
    return isinstance(value, Mapping) or (rows and all(isinstance(v, Mapping) for v in value))


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else "nan" if math.isnan(value) else _inf(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items() if v is not None)
        return "{ " + inside + " }"
    if isinstance(value, Sequence):
        return "[" + ", ".join(_value(v) for v in value) + "]"
    raise TypeError(f"TOML has no {type(value).__name__}")


def _inf(value: float) -> str:
    return "inf" if value > 0 else "-inf"


def _text(value: str) -> str:
    # JSON's escapes are TOML's, but for the one that TOML wants escaped and JSON does not.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
