"""An experiment's TOML: its recipe, and what of it a search may change."""

from __future__ import annotations

import json
import typing
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Union

from acquisition.stream import Refused
from models.settings import from_mapping, toml_tables
from training.recipe import Recipe

TABLE = "search"
NOT_SEARCHED = {
    "name": "it changes nothing",
    "seed": "the best of several seeds is luck, not a better recipe",
    "targets": "another target is another task",
}
"""Fields that no search may change, and why."""
FREE = ("options.", "teacher.options.")
"""Below these stand the settings of a network's family, which the family itself knows."""


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both of them included."""

    low: float
    high: float
    log: bool = False
    """a decade counts like the next: for rates"""
    step: float = 0.0
    """0: any number, or any whole one"""


@dataclass(frozen=True)
class Choice:
    """Some values."""

    values: tuple[Any, ...]


Space = Mapping[str, Union[Range, Choice]]  # noqa: UP007 - read at run time on Python 3.10 too


def read_experiment(path: Path) -> tuple[Recipe, Space]:
    """(the recipe, field -> what a search tries) of a TOML; without a table [search], nothing."""
    tables = toml_tables(path)
    searched = tables.pop(TABLE, {})
    recipe = from_mapping(tables, Recipe, f'"{path}"')
    if not isinstance(searched, Mapping):
        raise Refused(f'"{path}", {TABLE} must be a table.')
    return recipe, space_of(searched, recipe, f'"{path}", {TABLE}')


def space_of(table: Mapping[str, Any], recipe: Recipe, where: str) -> Space:
    """The fields of a [search] table: a list of choices, or {low = .., high = ..}.

    Refuses, with `where` before it, a field that a recipe has not (with the nearest), one that may
    not be searched, and whatever the recipe would not take as its value.
    """
    known = dict(_fields(Recipe))
    space: dict[str, Range | Choice] = {}
    for name, value in _flat(table):
        if name in NOT_SEARCHED:
            raise Refused(f'{where} has "{name}", which is not searched: {NOT_SEARCHED[name]}.')
        if name not in known and not name.startswith(FREE):
            near = get_close_matches(name, known, n=1)
            hint = f' Did you mean "{near[0]}"?' if near else f" It has {', '.join(known)}."
            raise Refused(f'{where} has "{name}", and a recipe has no such field.{hint}')
        space[name] = _one(value, f"{where}, {name}")
        part = space[name]
        ends = part.values if isinstance(part, Choice) else (part.low, part.high)
        for end in ends:
            changed(recipe, {name: end}, f"{where}, {name}")
    return space


def changed(recipe: Recipe, values: Mapping[str, Any], where: str = "the recipe") -> Recipe:
    """The recipe with other values, e.g. {"pretrain.rate": 0.002}; refuses those of wrong kind."""
    tables = json.loads(json.dumps(asdict(recipe)))
    for name, value in values.items():
        *path, last = name.split(".")
        table = tables
        for key in path:
            table = table[key]
        table[last] = value
    return from_mapping(tables, Recipe, where)


def whole(name: str, part: Range) -> bool:
    """Whether only whole numbers of the range are meant."""
    if name.startswith(FREE):
        return all(isinstance(end, int) for end in (part.low, part.high))
    return dict(_fields(Recipe))[name] is int


def to_toml(recipe: Recipe, comment: str = "") -> str:
    """The recipe as `read_experiment` reads it."""
    lines = [f"# {line}" for line in comment.splitlines()] + [""] * bool(comment)
    return "\n".join(lines + list(_lines(asdict(recipe), ""))) + "\n"


def _lines(table: Mapping[str, Any], name: str) -> Iterator[str]:
    for key, value in table.items():
        if not isinstance(value, Mapping):
            yield f"{key} = {_text(value)}"
    for key, value in table.items():
        if isinstance(value, Mapping) and value:
            inner = f"{name}.{key}" if name else key
            yield from ("", f"[{inner}]")
            yield from _lines(value, inner)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_text, value))}]"
    # TOML has JSON's strings, whole numbers, true and false, but wants one sign more escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _fields(cls: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, hint in typing.get_type_hints(cls).items():
        if is_dataclass(hint):
            yield from _fields(hint, f"{prefix}{name}.")
        elif f"{prefix}{name}." not in FREE:
            yield prefix + name, hint


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping) and not {"low", "high"} & set(value):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _one(value: Any, where: str) -> Range | Choice:
    if isinstance(value, list) and value:
        if any(isinstance(item, (list, Mapping)) for item in value):
            raise Refused(f"{where} must be a list of plain values.")
        return Choice(tuple(value))
    if not isinstance(value, Mapping):
        raise Refused(f"{where} must be a list of choices or {{low = .., high = ..}}.")
    part = from_mapping(value, Range, where)
    low, high = value["low"], value["high"]
    if not part.low < part.high or part.step < 0 or (part.log and (part.low <= 0 or part.step)):
        raise Refused(
            f"{where} goes from {low} to {high}; low must be below high, and with log above "
            "0 and without a step."
        )
    return Range(low, high, part.log, value.get("step", 0.0))  # whole numbers stay whole
