"""Which files can be read as a session, and how a file is recognised: by what is in it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import cast

from acquisition.session import Session
from acquisition.stream import Refused

IMPORTS: dict[str, tuple[str, str]] = {
    "xdf": ("acquisition.recording", "read_session"),
    "myo_armband": ("acquisition.myo_files", "read_session"),
    "libemg": ("acquisition.libemg_files", "read_session"),
    "openbci": ("acquisition.openbci_files", "read_session"),
    "delsys": ("acquisition.delsys_files", "read_session"),
    "uci_gestures": ("acquisition.uci_files", "read_gestures"),
    "datalog": ("acquisition.uci_files", "read_datalog"),
}
"""name -> (module, function of (path, head, rate_hz or None) that gives a Session), imported
lazily. The function gives None for what is not its kind, and refuses what is but is broken."""

HEAD_BYTES = 1 << 20
"""What a kind is recognised by; the header of an export of many sensors is 100 kB long."""

Reader = Callable[[Path, bytes, "float | None"], "Session | None"]


def load_session(path: Path | str, rate_hz: float | None = None) -> Session:
    """The recording at `path`, of any kind in IMPORTS, as one stream.

    A session of the MyoArmbandDataset is a folder of `classe_*.dat`. Its files are one
    continuous stream, in numeric order, with a marker that names the gesture at the start of
    each: the recording says nothing of the time between them, so nothing counts as lost.
    `rate_hz` is for files that do not say their rate. Refuses what is of no known kind, and
    what says another rate, in a sentence.
    """
    path = Path(path)
    head = _head(path)
    for module, function in IMPORTS.values():
        reader = cast("Reader", getattr(import_module(module), function))
        session = reader(path, head, rate_hz)
        if session is not None:
            return session
    raise Refused(_of_no_kind(path, head))


def _head(path: Path) -> bytes:
    if path.is_dir():
        return b""
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except FileNotFoundError:
        raise Refused(f"There is no recording {path}.") from None
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}.") from None


def _of_no_kind(path: Path, head: bytes) -> str:
    kinds = ", ".join(IMPORTS)
    if path.is_dir():
        return (
            f"{path} is a folder without classe_*.dat files and without C_*_R_*.csv files; give a "
            "session of the MyoArmbandDataset, e.g. EvaluationDataset/Male0/Test0, a folder that "
            "LibEMG recorded, or a file."
        )
    if not head:
        return f"{path} is empty; copy it again."
    if path.suffix == ".xdf":
        return f'{path} is not an XDF file: it does not begin with "XDF:".'
    return f"{path} is no recording of a known kind ({kinds})."
