"""How a name becomes what a table names: the nearest one is offered for a wrong one."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from acquisition.stream import Refused

Table = dict[str, tuple[str, str]]
"""name -> (module, attribute), imported when asked for"""


def look_up(table: Table, name: str, what: str) -> Any:
    """The attribute that a table's row names. Refuses an unknown name with the nearest one."""
    refuse_unknown(name, table, what)
    module, attribute = table[name]
    return getattr(import_module(module), attribute)


def refuse_unknown(name: str, known: Collection[str], what: str) -> None:
    """Refuses a name that is not known, in a sentence that says what there is."""
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f' Did you mean "{near[0]}"?' if near else ""
        raise Refused(f'There is no {what} "{name}"; there are {", ".join(known)}.{hint}')
