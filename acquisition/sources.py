"""The table of sources, and how a word from the command line becomes one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from acquisition.stream import Source
from acquisition.tables import look_up

SOURCES: dict[str, tuple[str, str]] = {
    "synthetic": ("acquisition.synthetic", "open_synthetic"),
    "cyton": ("acquisition.cyton", "open_cyton"),
    "brainflow": ("acquisition.brainflow", "open_brainflow"),
    "lsl": ("acquisition.lsl", "open_lsl"),
    "mindrove": ("acquisition.mindrove", "open_mindrove"),
    "myo": ("acquisition.myo", "open_myo"),
    "myo_dongle": ("acquisition.myo_dongle", "open_myo_dongle"),
    "sessantaquattro": ("acquisition.sessantaquattro", "open_sessantaquattro"),
    "muovi": ("acquisition.muovi", "open_muovi"),
    "muovi_plus": ("acquisition.muovi", "open_muovi_plus"),
    "syncstation": ("acquisition.syncstation", "open_syncstation"),
    "quattrocento": ("acquisition.quattrocento", "open_quattrocento"),
    "otb_light": ("acquisition.quattrocento", "open_otb_light"),
    "arduino": ("acquisition.arduino", "open_arduino"),
    "chords": ("acquisition.chords", "open_chords"),
    "emager": ("acquisition.emager", "open_emager"),
    "ganglion": ("acquisition.ganglion", "open_ganglion"),
    "delsys": ("acquisition.delsys", "open_delsys"),
    "intan": ("acquisition.intan", "open_intan"),
    "gforce": ("acquisition.gforce", "open_gforce"),
    "npg_lite": ("acquisition.npg_lite", "open_npg_lite"),
    "replay": ("acquisition.replay", "open_replay"),
}
"""name -> (module, function of (argument, **options) that gives a Source), imported lazily."""


def open_source(word: str, **options: Any) -> Source:
    """The source that `NAME` or `NAME:ARGUMENT` names, e.g. "synthetic:armband", "replay:a.xdf".

    Refuses an unknown name with the nearest known one.
    """
    name, _, argument = word.partition(":")
    opener = cast("Callable[..., Source]", look_up(SOURCES, name, "source"))
    return opener(argument, **options)
