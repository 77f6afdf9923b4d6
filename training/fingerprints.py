"""Which data it is: whose files a folder holds, and one digest over their names and bytes."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from acquisition.stream import Refused
from training.catalogue import CATALOGUE

REMEMBERED_BYTES = 1 << 18
"""From this size on a file's digest is remembered; smaller ones are read faster than looked up."""
RACY_S = 2.0
"""A file changed less than this before it was read may change again within the same tick of the
file system's clock, so its digest is not remembered."""
READ_BYTES = 1 << 22


def fingerprint(root: Path, name: str = "") -> str:
    """SHA-256 over the names and bytes of the recordings at `root`, in the order of the names.

    name: the data set, where it is known; else whatever set's files are recognised there. The
    place of `root` is no part of it, and neither are files of other kinds. Every byte is read
    once: for large files the digest is then remembered beside size, times and inode, so that the
    next time costs a look at the directory, also for many GB. Refuses where there is no file.
    """
    if name == "libemg" and "@" in str(root):
        root = Path(str(root).rpartition("@")[0])  # the rate is written behind the path
    found = _files(root, name)
    if not found:
        kind = f"the data set {name}" if name else "a known data set"
        raise Refused(f"{root} has no recording: no file of {kind} is in it.")
    memory = _Memory(cache_folder() / "fingerprints.json")
    whole = hashlib.sha256()
    for relative, path in sorted(found):
        digest, size = memory.digest(path)
        whole.update(f"{relative}\0{size}\0{digest}\n".encode())
    memory.keep()
    return whole.hexdigest()


def cache_folder() -> Path:
    """Where what can be made anew is kept: $XDG_CACHE_HOME/flexor, else ~/.cache/flexor."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "flexor"


def own_files(root: Path, name: str) -> Iterator[Path]:
    """The files of the set `name` below `root`, in no order."""
    for pattern in CATALOGUE[name].files:
        yield from (path for path in root.rglob(pattern) if path.is_file())


def recognised(root: Path) -> tuple[str, ...]:
    """The sets of which `root` holds files; several where their files have the same names and
    no folder's name decides."""
    if not root.is_dir():
        return ()
    there = [name for name in CATALOGUE if next(own_files(root, name), None) is not None]
    decided = [name for name in there if not (word := CATALOGUE[name].folder) or _says(root, word)]
    return tuple(decided or there)


def _says(root: Path, word: str) -> bool:
    """Whether `root`, or a folder in it, has the word in its name and no further digit."""
    names = [root.resolve().name, *(path.name for path in root.iterdir() if path.is_dir())]
    return any(
        (at := name.lower().find(word)) >= 0 and not name[at + len(word) :][:1].isdigit()
        for name in names
    )


def _files(root: Path, name: str) -> set[tuple[str, Path]]:
    if root.is_file():
        return {(root.name, root)}
    names = (name,) if name else recognised(root)
    return {
        (path.relative_to(root).as_posix(), path)
        for each in names
        for path in own_files(root, each)
    }


class _Memory:
    """Digests of large files, by what the file system says of them."""

    def __init__(self, path: Path) -> None:
        self._path, self._new = path, False
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
            self._known: dict[str, Any] = known if isinstance(known, dict) else {}
        except (OSError, ValueError):
            self._known = {}

    def digest(self, path: Path) -> tuple[str, int]:
        """(SHA-256, size) of the file."""
        place = str(path.resolve())
        seen = _stamp(path)
        row = self._known.get(place)
        if isinstance(row, list) and row[:-1] == seen:
            return str(row[-1]), seen[0]
        began_s = time.time()
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(READ_BYTES):
                digest.update(block)
        text = digest.hexdigest()
        settled = began_s - max(seen[1], seen[2]) / 1e9 > RACY_S
        if seen[0] >= REMEMBERED_BYTES and settled and _stamp(path) == seen:
            self._known[place], self._new = [*seen, text], True
        return text, seen[0]

    def keep(self) -> None:
        """Writes what is new, whole or not at all; a cache that cannot be written is no loss."""
        if not self._new:
            return
        part = self._path.with_suffix(f".{os.getpid()}.part")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(self._known), encoding="utf-8")
            part.replace(self._path)
        except OSError:
            part.unlink(missing_ok=True)


def _stamp(path: Path) -> list[int]:
    """[bytes, modified, changed, inode, device]: what changes with a file's content. The time of
    the last change cannot be set back by hand."""
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, stat.st_dev]
