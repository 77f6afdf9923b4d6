"""One control loop per hand: a lock that ends with its process, and tells who holds it.

Two loops that drive one hand would each think the other's movements its own.
"""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from acquisition.stream import DeviceRefused, Refused

OWN_PROCESS = ("simulated", "firmware")
"""Hands that each link starts for itself: there is nothing to share."""


@contextmanager
def sole_control(word: str, folder: Path | None = None) -> Iterator[None]:
    """Holds the hand that `word` names, e.g. "serial:/dev/ttyACM0", for as long as it lasts.

    The kernel frees it when the process ends, however that comes. Refuses a hand that another
    control loop of this user holds, and names its process. A port is the same under all its names
    and whatever is spoken over it.
    """
    name, _, argument = word.partition(":")
    if name in OWN_PROCESS:
        yield
        return
    path = (folder or lock_folder()) / _file_name(name, argument)
    number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DeviceRefused(
                f"The hand {word} is driven by {_holder(number)} already: end that first."
            ) from None
        os.ftruncate(number, 0)
        os.pwrite(number, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(number)


def lock_folder() -> Path:
    """Where the locks are: with what else lives only as long as the machine runs.

    Refuses a folder that belongs to somebody else.
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    base = Path(runtime) if runtime and Path(runtime).is_dir() else None
    folder = base / "flexor" if base else Path(tempfile.gettempdir()) / f"flexor-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or folder.is_symlink():
        raise Refused(f"{folder} belongs to another user: remove it, or set XDG_RUNTIME_DIR.")
    return folder


def _file_name(name: str, argument: str) -> str:
    """The same for the same port; a hand that is sought stands for all of its kind."""
    address = argument.partition(",")[0]
    if "=" in address:
        address = ""
    path = address.startswith("/")
    key = os.path.realpath(address) if path else f"{name}:{address}"
    readable = re.sub(r"[^A-Za-z0-9]+", "_", key).strip("_")[:40]
    return f"{readable}-{sha256(key.encode()).hexdigest()[:8]}.lock"


def _holder(number: int) -> str:
    """Name and number of the process that holds the lock, as far as we may look."""
    process = os.pread(number, 20, 0).decode("ascii", "ignore")
    try:
        name = Path(f"/proc/{int(process)}/comm").read_text(encoding="utf-8").strip()
    except (ValueError, OSError):
        return "another process"
    return f"{name} (process {process})"
