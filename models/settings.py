"""One TOML file into one frozen structure; whatever it does not know is refused."""

from __future__ import annotations

import dataclasses
import sys
import types
import typing
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from acquisition.stream import Refused

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

T = TypeVar("T")
WORDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


def read_toml(path: Path | str, cls: type[T]) -> T:
    """The settings in a TOML file, as a `cls` (a frozen dataclass, nested ones as tables).

    Refuses a missing or broken file, unknown keys (with the nearest known one), missing keys and
    values of another kind, each in one sentence that names the file.
    """
    return from_mapping(toml_tables(path), cls, f'"{path}"')


def toml_tables(path: Path | str) -> dict[str, Any]:
    """What stands in a TOML file. Refuses a missing or broken one."""
    path = Path(path)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Refused(f'There is no file "{path}".') from None
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f'"{path}" cannot be read ({error}).') from None
    except tomllib.TOMLDecodeError as error:
        raise Refused(f'"{path}" is not TOML: {error}.') from None


def from_mapping(value: Mapping[str, Any], cls: type[T], where: str) -> T:
    """The same from a mapping; `where` begins the sentences of refusal."""
    hints = typing.get_type_hints(cls)
    known = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for key in value:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f' Did you mean "{near[0]}"?' if near else f" It knows {', '.join(known)}."
            raise Refused(f'{where} has the key "{key}", which is not known.{hint}')
    missing = [
        name
        for name, f in known.items()
        if name not in value
        and f.default is dataclasses.MISSING
        and f.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise Refused(f"{where} lacks {', '.join(missing)}.")
    parts = {
        key: _converted(item, hints[key], f"{where}, {key}", key) for key, item in value.items()
    }
    return cls(**parts)


def _converted(item: Any, hint: Any, where: str, key: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return _converted(item, next(a for a in arguments if a is not type(None)), where, key)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(item, Mapping):
            raise Refused(f"{where} must be a table.")
        return from_mapping(item, hint, where)
    if origin is tuple:
        if not isinstance(item, list):
            raise Refused(f"{where} must be a list.")
        return tuple(_converted(part, arguments[0], where, key) for part in item)
    if origin in (dict, Mapping) or hint is dict or str(hint).startswith("collections.abc.Mapping"):
        if not isinstance(item, Mapping):
            raise Refused(f"{where} must be a table.")
        return {
            str(name): _converted(part, arguments[1], f"{where}.{name}", key)
            for name, part in item.items()
        }
    if hint is float and type(item) is int:
        return float(item)
    if hint in WORDS and type(item) is not hint:
        raise Refused(f"{where} must be {WORDS[hint]}, not {item!r}.")
    return item
