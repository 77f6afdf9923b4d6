"""What stands behind the colon of a source: `ADDRESS,key=value,...`."""

from __future__ import annotations

from collections.abc import Mapping

from acquisition.stream import Refused
from acquisition.tables import refuse_unknown

Setting = int | float | str | bool

_TRUE, _FALSE = ("yes", "true", "on", "1"), ("no", "false", "off", "0")


def split_argument(
    argument: str, defaults: Mapping[str, Setting], source: str
) -> tuple[str, dict[str, Setting]]:
    """(address, settings) of e.g. "/dev/ttyUSB0,daisy=yes". Settings that are not given have their
    defaults; the type of a default is the type that is asked for.

    Refuses settings that `source` does not have, with the nearest one, and values of a wrong kind.
    """
    parts = [part.strip() for part in argument.split(",")]
    address = "" if "=" in parts[0] else parts.pop(0)
    settings = dict(defaults)
    for part in filter(None, parts):
        key, equals, text = part.partition("=")
        if not equals:
            raise Refused(
                f'"{part}" is no setting of {source}: write {source}:ADDRESS,key=value with the '
                f"keys {', '.join(defaults) or '(it has none)'}."
            )
        refuse_unknown(key, defaults, f"setting of {source}")
        settings[key] = _read(key, text, defaults[key])
    return address, settings


def _read(key: str, text: str, default: Setting) -> Setting:
    try:
        if isinstance(default, bool):
            if text.lower() not in (*_TRUE, *_FALSE):
                raise ValueError
            return text.lower() in _TRUE
        return type(default)(text)
    except ValueError:
        kind = {bool: "yes or no", int: "a whole number", float: "a number"}[type(default)]
        example = {True: "yes", False: "no"}[default] if isinstance(default, bool) else default
        raise Refused(f'{key} is {kind}, e.g. {key}={example}, not "{text}".') from None


def refuse_choice(
    key: str, value: int | float | str, choices: tuple[int | float | str, ...]
) -> None:
    """Refuses a value that is not among the choices that a device has."""
    if value not in choices:
        raise Refused(f"{key} is one of {', '.join(map(str, choices))}, not {value}.")
