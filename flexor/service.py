"""Flexor at boot: a systemd unit that begins disarmed, is restarted, and is watched over."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from acquisition.stream import Refused
from acquisition.tables import refuse_unknown
from flexor.profile import read_profile

WORDS = ("install", "remove", "status", "logs", "show")
UNIT = "flexor.service"
SYSTEM = Path("/etc/systemd/system")
LOG_LINES = 100
WATCHDOG_S = 5
"""The loop tells systemd that it lives; a loop that hangs for so long is restarted, disarmed."""

LOGS = ("journalctl", "-u", UNIT, "-n", str(LOG_LINES), "--no-pager", "-o", "short-iso")
RELOAD = ("systemctl", "daemon-reload")
ENABLE, DISABLE = (("systemctl", word, "--now", UNIT) for word in ("enable", "disable"))
SHOWN = ("ActiveState", "SubState", "UnitFileState", "NRestarts", "MainPID", "Result")
SHOW = ("systemctl", "show", UNIT, "--property", ",".join(SHOWN))
ASKS = {
    "install": (RELOAD, ENABLE, SHOW),
    "remove": (DISABLE, RELOAD),
    "status": (SHOW,),
    "logs": (LOGS,),
}
"""command -> what it asks of systemd, in this order"""

TEXT = """\
[Unit]
Description=Flexor: reads muscles and moves a hand
Documentation=https://www.freedesktop.org/software/systemd/man/systemd.service.html
After=bluetooth.target local-fs.target
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart={command}
# Relative paths mean what they meant where it was installed.
WorkingDirectory={folder}
User={user}
# Begins again within two seconds whatever ended it, and always disarmed.
Restart=always
RestartSec=1
WatchdogSec={watchdog_s}
# A run lets the hand go when it is asked to end.
KillSignal=SIGTERM
TimeoutStopSec=5
# Before other programs, and never swapped out.
LimitRTPRIO=50
LimitMEMLOCK=infinity
# What it may keep lies here; everything else may be read-only.
StateDirectory=flexor
RuntimeDirectory=flexor
Environment=XDG_RUNTIME_DIR=%t/flexor PYTHONDONTWRITEBYTECODE=1
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
NoNewPrivileges=yes
MemoryMax=512M

[Install]
WantedBy=multi-user.target
"""


def service(
    what: str,
    run_words: Sequence[str],
    user: str | None,
    folder: Path = SYSTEM,
    *,
    dry: bool = False,
) -> Any:
    """Does one of WORDS: gives a report. dry: only tells what it would write and ask.

    `run_words` are those of the `flexor run` that is to begin at boot. Refuses `--arm` (a hand
    that arms itself at boot), words and a profile that `flexor run` would refuse (at boot it would
    begin again for ever), machines without systemd, and users who may not install.
    """
    refuse_unknown(what, WORDS, "service command")
    if what in ("show", "install"):
        read_profile(_run_settings(run_words)["profile"])
        text = unit(run_words, user or _user())
        if what == "show":
            return {"unit": UNIT, "text": text}
        return _would(what, folder, text) if dry else install(text, folder)
    if dry:
        return _would(what, folder)
    if what == "remove":
        return remove(folder)
    if what == "status":
        return {"unit": UNIT, **status()}
    lines = _ask(*LOGS)
    return {"unit": UNIT, "lines": lines.splitlines()}


def unit(run_words: Sequence[str], user: str) -> str:
    """The unit's text. Refuses words that would arm at boot, or that break out of their line."""
    words, here = list(run_words), str(Path.cwd())
    if "--arm" in words:
        raise Refused("A hand is never armed at boot: leave --arm out, and arm it by key or page.")
    if any("\n" in word or "%" in word for word in [*words, user, here]):
        raise Refused("A unit's words have no line breaks and no %: rename what has them.")
    command = [sys.executable, "-c", "from flexor.cli import main; main()", "run", "--realtime"]
    line = " ".join(_quoted(word) for word in [*command, "--no-view", *words])
    return TEXT.format(command=line, folder=here, user=user, watchdog_s=WATCHDOG_S)


def _run_settings(words: Sequence[str]) -> dict[str, Any]:
    """What `flexor run` makes of these words; words that it does not know end as they would."""
    import typer

    import flexor.cli_live as commands  # here: the loop needs this file, and no command line
    from flexor.app import app

    command: Any = typer.main.get_command(app)
    return dict(command.commands[commands.run.__name__].make_context("run", list(words)).params)


def install(text: str, folder: Path) -> dict[str, Any]:
    """Writes the unit and lets systemd begin it now and at boot."""
    path = folder / UNIT
    try:
        part = path.with_suffix(".part")
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise Refused(
            f"{path} cannot be written ({error.strerror}): sudo flexor service install ..."
        ) from None
    _ask(*RELOAD)
    _ask(*ENABLE)
    return {"unit": UNIT, "installed": str(path), **status()}


def remove(folder: Path) -> dict[str, Any]:
    """Ends the service and forgets it."""
    path = folder / UNIT
    if not path.exists():
        raise Refused(f"There is no {path}: nothing is installed.")
    _ask(*DISABLE)
    path.unlink()
    _ask(*RELOAD)
    return {"unit": UNIT, "removed": str(path)}


def _would(what: str, folder: Path, text: str = "") -> dict[str, Any]:
    """What a command would do, without doing it."""
    writes = {"install": "write", "remove": "delete"}.get(what)
    told: dict[str, Any] = {"unit": UNIT, "would_ask": [" ".join(words) for words in ASKS[what]]}
    if writes:
        told[f"would_{writes}"] = str(folder / UNIT)
    return told | ({"text": text} if text else {})


def status() -> dict[str, str]:
    """What systemd says of it."""
    text = _ask(*SHOW)
    rows = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    names = ("state", "substate", "at boot", "restarts", "process", "result")
    return {name: rows.get(key, "") for name, key in zip(names, SHOWN, strict=True)}


class Notifier:
    """Tells systemd that the loop is ready and lives; nothing where no systemd listens."""

    def __init__(self, address: str | None = None) -> None:
        address = os.environ.get("NOTIFY_SOCKET", "") if address is None else address
        self._told_s = float("-inf")
        self._ready = False
        self._sock: socket.socket | None = None
        if address:
            self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._sock.setblocking(False)
            self._address = "\0" + address[1:] if address.startswith("@") else address

    def alive(self, now_s: float, text: str) -> None:
        """Once a second: that the loop lives, and its state; at first, that it is ready."""
        if self._sock is not None and now_s - self._told_s >= 1.0:
            self._told_s = now_s
            ready = b"" if self._ready else b"READY=1\n"
            self._ready = True
            self._say(ready + b"WATCHDOG=1\nSTATUS=" + text.encode())

    def close(self) -> None:
        """Says that it ends. Harmless when repeated."""
        self._say(b"STOPPING=1")
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    def _say(self, words: bytes) -> None:
        if self._sock is None:
            return
        with suppress(OSError):  # systemd went, or its socket is full: the loop does not wait
            self._sock.sendto(words, self._address)


def _quoted(word: str) -> str:
    """A word as systemd reads it back: quoted, and $ doubled."""
    return shlex.quote(word).replace("$", "$$") if word else '""'


def _user() -> str:
    return os.environ.get("SUDO_USER") or os.environ.get("USER") or "root"


def _ask(*words: str) -> str:
    if shutil.which(words[0]) is None:
        raise Refused(f"This machine has no {words[0]}: the service needs systemd.")
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        raise Refused(f"{' '.join(words[:2])} failed: {said[-1]}")
    return done.stdout
