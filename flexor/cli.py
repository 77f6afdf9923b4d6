"""The command line: where its commands are, and how it ends."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import typer

from flexor import cli_calibrate, cli_live, cli_machine, cli_training
from flexor.app import BROKEN, FAILED, REFUSED, app

COMMANDS = (cli_live, cli_calibrate, cli_machine, cli_training)
"""in the order of the help"""

EXTRAS = {"bleak": "ble", "pylsl": "lsl", "mne_lsl": "lsl", "can": "can", "edfio": "files"}
EXTRAS |= {"nicegui": "dashboard", "segno": "dashboard", "cryptography": "dashboard"}
EXTRAS |= {"fpdf": "dashboard", "ray": "cluster"}
EXTRAS |= {"gpiozero": "gpio", **{name: name for name in ("brainflow", "mindrove")}}
"""library -> the extra that brings it; every other one comes with training"""


def main() -> NoReturn:
    """The console script: one clear line and an exit code, never a traceback."""
    from acquisition.stream import FlexorError, Refused

    try:
        sys.exit(app(sys.argv[1:] or ["--help"], standalone_mode=False) or 0)
    except Refused as error:
        _fail(str(error), REFUSED)
    except FlexorError as error:
        _fail(str(error), FAILED)
    except (KeyboardInterrupt, typer.Abort):
        _fail("stopped", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        extra = EXTRAS.get(name, "training")
        where = "" if name in EXTRAS else " on a workstation"
        _fail(
            f"this needs {name}, which is not installed here; install flexor[{extra}]{where}.",
            REFUSED,
        )
    except Exception as error:
        said = getattr(error, "format_message", None)  # what typer says of wrong words
        if said is not None:
            _fail(f"{said().rstrip('.')}. Try flexor --help.", REFUSED)
        if os.environ.get("FLEXOR_TRACE"):
            raise
        _fail(
            f"a mistake of this program ({type(error).__name__}: {error}); please report it. "
            f"FLEXOR_TRACE=1 shows where.",
            BROKEN,
        )


def _fail(sentence: str, code: int) -> NoReturn:
    print(f"flexor: {sentence}", file=sys.stderr)
    sys.exit(code)
