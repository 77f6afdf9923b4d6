"""Why a port cannot be opened, and what to do about it."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Sequence
from pathlib import Path


def why_refused(url: str, error: Exception, ports: Sequence[str]) -> str:
    """One sentence for a person; `ports` are those that are there."""
    number = getattr(error, "errno", None)
    if number == errno.ENOENT:
        known = ", ".join(ports) or "none"
        return f"There is no port {url}: connect the device, or choose among these: {known}."
    if number in (errno.EACCES, errno.EPERM):
        return (
            f"You may not open {url}: join the group that owns it "
            f"(sudo usermod -aG {_group(url)} $USER) and log in again."
        )
    if number in (errno.EAGAIN, errno.EBUSY):
        return f"The port {url} is in use by {_users(url)}: end that first."
    if "ioctl" in str(error):
        return f"{url} is no serial port: choose among these: {', '.join(ports) or 'none'}."
    return f"{url} cannot be opened as a serial port: {error}"


def _group(path: str) -> str:
    import grp

    try:
        return grp.getgrgid(Path(path).stat().st_gid).gr_name
    except (OSError, KeyError):
        return "dialout"


def _users(path: str) -> str:
    """Names and numbers of the processes that hold the port, as far as we may look."""
    real = os.path.realpath(path)
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(os.path.realpath(fd) == real for fd in (process / "fd").iterdir()):
                name = (process / "comm").read_text().strip()
                found.append(f"{name} (process {process.name})")
    return " and ".join(found) or "another process"
