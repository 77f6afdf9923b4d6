"""The ways in which every device of SOURCES is opened on its twin: rows for whoever tests all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from acquisition.emulators.lsl import twin_stream


class Case(NamedTuple):
    """One way in which a source is opened, and the twin that fits."""

    word: str
    twin: dict[str, Any]
    center: float = 0.0
    """subtracted from counts to give samples over scale"""
    exact: bool = True
    """whether it counts its frames: else a loss shows up to a second late, and a duplicate never"""
    blind: bool = False
    """whether a single lost sample cannot be told from the error of its clock"""
    text: bool = False
    """whether it sends text: a changed byte is another number, or breaks its neighbour as well"""
    stops: bool = True
    """whether it can be told to stop; else it sends as long as it has power"""
    opens: Mapping[str, Any] = {}
    """what else it is opened with, in place of what is not there"""
    needs: str = ""
    """a vendor's library without which neither device nor twin can be opened"""

    @property
    def name(self) -> str:
        return self.word.partition(":")[0]


CASES = [
    Case("cyton:virtual", {}),
    Case("cyton:virtual,daisy=yes", {"daisy": True}),
    Case("brainflow:synthetic", {}, needs="brainflow"),
    Case("brainflow:cyton_daisy", {"board": "cyton_daisy"}, needs="brainflow"),
    Case("mindrove", {}, needs="mindrove"),
    Case("lsl:name=flexor-twin", {}, blind=True, opens={"stream": twin_stream()}),
    Case(
        "arduino:virtual,channels=4,first=counter",
        {"channels": 4, "first": "counter"},
        text=True,
        stops=False,
    ),
    Case(
        "arduino:virtual,channels=3,first=time_us",
        {"channels": 3, "first": "time_us"},
        text=True,
        stops=False,
    ),
    Case("arduino:virtual,channels=2", {"channels": 2}, blind=True, text=True, stops=False),
    Case("chords:virtual", {}),
    Case("chords:virtual,board=giga-r1", {"board": "giga-r1"}),
    Case("emager:virtual", {}, exact=False, stops=False),
    Case("myo:virtual", {}),
    Case("myo:virtual,mode=raw", {"mode": "raw"}),
    Case("myo_dongle:virtual", {}),
    Case("myo_dongle:virtual,mode=raw", {"mode": "raw"}),
    Case("npg_lite:virtual", {}),
    Case("gforce:virtual,rate=500,bits=12", {"rate": 500, "bits": 12}, center=2048, exact=False),
    Case("gforce:virtual", {}, center=128, exact=False),
    Case("ganglion:virtual,accel=no", {"accel": False}),
    Case("ganglion:virtual", {}),
    Case("sessantaquattro:virtual,channels=8,rate=500", {}),
    Case("sessantaquattro:virtual,model=old,channels=16,rate=500,bits=24", {"model": "old"}),
    Case("muovi:virtual,signal=eeg", {}),
    Case("muovi_plus:virtual,signal=eeg", {}),
    Case("syncstation:virtual,devices=7+15", {"devices": "7"}),
    Case("quattrocento:virtual,channels=120,rate=512", {}),
    Case("otb_light:virtual,rate=512", {"rate": 512}),
    Case("delsys:virtual,sensors=1-4+7", {"sensors": "1-4+7"}, exact=False),
    Case(
        "intan:virtual,channels=a-000..a-003,rate=4000",
        {"channels": "a-000..a-003", "rate": 4000.0},
        center=32768,
    ),
]
