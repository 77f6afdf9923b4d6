"""The table of sources, and how a word from the command line becomes one."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from typing import Any, cast

from acquisition.stream import Refused, Source

SOURCES: dict[str, tuple[str, str]] = {
    "synthetic": ("acquisition.synthetic", "open_synthetic"),
    "replay": ("acquisition.replay", "open_replay"),
}
"""name -> (module, function of (argument, **options) that gives a Source), imported lazily."""


def open_source(word: str, **options: Any) -> Source:
    """The source that `NAME` or `NAME:ARGUMENT` names, e.g. "synthetic:armband", "replay:a.xdf".

    Refuses an unknown name with the nearest known one.
    """
    name, _, argument = word.partition(":")
    if name not in SOURCES:
        near = get_close_matches(name, SOURCES, n=1)
        hint = f' Did you mean "{near[0]}"?' if near else ""
        raise Refused(f'There is no source "{name}"; there are {", ".join(SOURCES)}.{hint}')
    module, function = SOURCES[name]
    opener = cast("Callable[..., Source]", getattr(import_module(module), function))
    return opener(argument, **options)
