"""Which data sets can be read, which of them are here, and what is in one."""

from __future__ import annotations

import os
import re
from collections import Counter
from fnmatch import translate
from pathlib import Path
from typing import Any

from acquisition.stream import Refused

MOST_TOLD = 20
"""Rows of what was left out that a report holds; the counts hold all."""


def tell_datasets(word: str) -> dict[str, Any]:
    """Every data set; those below a folder; one by its name; or what is in NAME:PATH."""
    from training.catalogue import CATALOGUE
    from training.export import code_commit

    name, colon, _ = word.partition(":")
    if colon and name in CATALOGUE:
        report = _inside(word)
    elif word in CATALOGUE:
        report = _one(word)
    elif not word or Path(word).is_dir():
        report = {"rows": _rows(Path(word) if word else None)}
    else:
        raise Refused(
            f'"{word}" is no folder, no data set and no NAME:PATH; '
            "flexor datasets without a word lists all of them."
        )
    return {**report, "command": f"flexor datasets {word}".strip(), "commit": code_commit()}


def _rows(folder: Path | None) -> list[dict[str, Any]]:
    from training.catalogue import CATALOGUE

    there = {} if folder is None else found_below(folder)
    return [
        {
            "name": name,
            "what": entry.what,
            "licence": entry.licence,
            "may_ship": entry.may_ship,
            "found": str(there[name]) if name in there else "",
            "about": _about(name),
        }
        for name, entry in CATALOGUE.items()
        if folder is None or name in there
    ]


def _about(name: str) -> dict[str, Any]:
    from training.catalogue import CATALOGUE

    entry = CATALOGUE[name]
    return {
        "where": entry.where,
        "users": entry.figures.users_n,
        "channels": entry.figures.channels_n,
        "rate_hz": entry.figures.rate_hz,
        "unit": entry.figures.unit,
        "labels": entry.labels,
        "credit": entry.credit,
        "files": list(entry.files),
    }


def _one(name: str) -> dict[str, Any]:
    from training.catalogue import CATALOGUE

    entry = CATALOGUE[name]
    about = {"what": entry.what, "licence": entry.licence, "may_ship": entry.may_ship}
    return {"name": name, **about, **_about(name)}


def _inside(word: str) -> dict[str, Any]:
    """What is in a set: a row for each user, and what could not be used."""
    from training.datasets import LeftOut, Selection, iterate
    from training.fingerprints import fingerprint

    users: dict[str, dict[str, Any]] = {}
    told: Counter[str] = Counter()
    left_out: list[dict[str, str]] = []
    specs: Counter[str] = Counter()
    gestures: Counter[str] = Counter()
    for item in iterate(word, Selection(unlabelled=True)):
        if isinstance(item, LeftOut):
            told[item.why] += 1
            left_out.append({"where": item.where, "why": item.why})
            continue
        seconds = len(item.samples) / item.spec.rate_hz
        row = users.setdefault(
            item.user, {"sessions": set(), "gestures": set(), "segments": 0, "minutes": 0.0}
        )
        row["sessions"].add(item.session)
        row["gestures"].add(item.gesture)
        row["segments"] += 1
        row["minutes"] += seconds / 60
        gestures[item.gesture or "(unlabelled)"] += 1
        shape = (
            f"{len(item.spec.channels)} channels at {item.spec.rate_hz:g} Hz in {item.spec.unit}"
        )
        targets = "" if item.targets is None else f", targets {', '.join(item.targets.names)}"
        specs[shape + targets] += 1
    if not users:
        raise Refused(f'"{word}" has no recording; {"; ".join(told) or "nothing was found"}.')
    rows = [
        {
            "user": user,
            "sessions": len(row["sessions"]),
            "gestures": len(row["gestures"] - {""}),
            "segments": row["segments"],
            "minutes": round(row["minutes"], 2),
        }
        for user, row in users.items()
    ]
    name, _, place = word.partition(":")
    return {
        "name": name,
        "fingerprint": "" if name == "synthetic" else fingerprint(Path(place), name),
        "signals": dict(specs),
        "segments_of": dict(gestures.most_common()),
        "left_out_n": dict(told.most_common()),
        "rows": rows,
        "left_out": left_out[:MOST_TOLD],
    }


def found_below(folder: Path) -> dict[str, Path]:
    """name -> the folder of each data set that lies below `folder`, by the names of its files.

    The folder is the deepest one that holds all of its files, or the next above it that the
    reader takes: a set in two places is found as one.
    """
    from training.catalogue import CATALOGUE
    from training.fingerprints import recognised

    files = [
        Path(place, name).relative_to(folder).as_posix()
        for place, _, names in os.walk(folder)
        for name in names
    ]
    out = {}
    for name, entry in CATALOGUE.items():
        shape = re.compile("|".join(f"(?:.*/)?{translate(p)}" for p in entry.files) or "$^")
        mine = [file for file in files if shape.match(file)]
        if not mine:
            continue
        top = Path(os.path.commonpath([str(Path(file).parent) for file in mine]))
        for place in (folder / top, *(folder / above for above in top.parents)):
            if name in recognised(place) and _opens(name, place):
                out[name] = place
                break
    return out


def _opens(name: str, place: Path) -> bool:
    """Whether the reader takes the folder, by the first thing that it gives."""
    from training.datasets import iterate

    try:
        next(iterate(f"{name}:{place}{'@1000' if name == 'libemg' else ''}"), None)
    except Refused:
        return False
    return True
