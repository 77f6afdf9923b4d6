"""Starts and ends the run beside the page; it has a session of its own and outlives the page."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from acquisition.stream import Refused
from flexor.door import runs

FLEXOR = (sys.executable, "-c", "from flexor.cli import main; main()")
QUIT_S, TERM_S = 3.0, 3.0


class Supervisor:
    """What this page has begun. A run that was there before is found at its door as well."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, words: Sequence[str], timeout_s: float = 20.0) -> None:
        """Begins `flexor WORDS` and waits until its door is open.

        Refuses a second run, and with the run's own last sentence one that ends at once.
        """
        if self.running():
            raise Refused("A run is there already: end it before another one begins.")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as file:
            self._process = subprocess.Popen(
                [*FLEXOR, *words],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until_s = time.monotonic() + timeout_s
        while not self.running():
            if self._process is None:
                raise Refused(last_sentence(self.log))
            if time.monotonic() > until_s:
                self._process.kill()
                raise Refused(
                    f"The run did not begin within {timeout_s:g} s: {last_sentence(self.log)}"
                )
            time.sleep(0.02)

    def running(self) -> bool:
        """Whether there is a run, of this page or of anybody."""
        if self._process is not None and self._process.poll() is not None:
            self._process = None
        return bool(runs())

    def end(self, say: Callable[[str], bool]) -> None:
        """Asks the run to end, which lets the hand go first; harder when it does not.

        Refuses to go on where it stays.
        """
        say("quit")
        if self._gone(QUIT_S):
            return
        for path in runs():
            with suppress(ProcessLookupError):
                os.kill(int(path.stem.removeprefix("run-")), signal.SIGTERM)
        if self._process is not None:
            self._process.terminate()
        if not self._gone(TERM_S):
            raise Refused("The run does not end: switch the hand off, and restart the device.")

    def _gone(self, timeout_s: float) -> bool:
        until_s = time.monotonic() + timeout_s
        while self.running() or self._process is not None:
            if time.monotonic() > until_s:
                return False
            time.sleep(0.02)
        return True


def last_sentence(log: Path) -> str:
    """What the run said last."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        lines = []
    return lines[-1].removeprefix("flexor: ") if lines else "The run ended without a word."
