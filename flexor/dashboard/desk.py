"""What the page's process holds: the run it looks at, who may do what, and what was chosen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from acquisition.stream import Refused
from flexor.dashboard.access import Access
from flexor.dashboard.audit import Audit
from flexor.dashboard.calibrating import Calibrating
from flexor.dashboard.editing import GestureChoice, Hands, gestures_text, limits_text, save
from flexor.dashboard.hub import Hub
from flexor.dashboard.policy import MAY, Who, Why
from flexor.dashboard.recordings import Recordings
from flexor.dashboard.replay import Player, open_player
from flexor.dashboard.supervisor import Supervisor
from flexor.examination import Examination
from flexor.profile import read_profile
from flexor.wearers import Version, Wearers

STATIC = Path(__file__).parent / "static"
POLL_S = 0.03
"""How often the run is listened to: faster than a page is drawn."""
REQUESTS = ("arm", "disarm", "estop", "clear")
PLAYERS_N = 4
"""Replays at the same time; each holds its recording in memory."""


@dataclass
class Chosen:
    """What the next run uses."""

    source: str = "synthetic:armband"
    hand: str = "simulated"
    profile: Path | None = None
    artifact: Path | None = None


@dataclass
class Desk:
    """One for the whole process; browsers come and go."""

    access: Access
    audit: Audit
    supervisor: Supervisor
    folder: Path
    hub: Hub = field(default_factory=Hub)
    chosen: Chosen = field(default_factory=Chosen)
    wearer: str = ""
    """whose profile the next run uses; nobody's where it is empty"""
    examination: Examination | None = None
    """the test that is done, or was done last"""
    every_turn: list[Callable[[], None]] = field(default_factory=list)
    """called after every look at the run: tests and calibrations go on here"""
    driven: str = ""
    """the hand of the run that was begun here"""
    players: dict[str, Player] = field(default_factory=dict)
    """name of a browser's session -> what it looks at instead of the run"""

    @cached_property
    def calibrating(self) -> Calibrating:
        """The one calibration that may be under way."""
        made = Calibrating(self.hub, self.folder / "calibrations")
        self.every_turn.append(made.turn)
        return made

    @property
    def wearers(self) -> Wearers:
        """Everybody's profiles."""
        return Wearers(self.folder / "wearers")

    @cached_property
    def recordings(self) -> Recordings:
        """Those that were made from the page."""
        return Recordings(self.hub, self.folder / "recordings", self.folder / "calibrations")

    async def record(self, cookie: str) -> None:
        """Has the run recorded. Refuses as the run does, and who does not control the hand."""
        self._must(cookie, "record")
        self._log(cookie, "record", name=await self.recordings.begin())

    def end_recording(self, cookie: str) -> None:
        """Ends the recording. Refuses who does not control the hand."""
        self._must(cookie, "end recording")
        self.recordings.end()
        self._log(cookie, "end recording")

    def delete_recording(self, cookie: str, name: str) -> None:
        """Removes a recording for good. Refuses who does not control the hand."""
        self._must(cookie, "delete recording")
        self.recordings.delete(name)
        self._log(cookie, "delete recording", name=name)

    def download(self, cookie: str, name: str) -> Path:
        """The file of a recording. Refuses a name that is none."""
        self._must(cookie, "download")
        path = self.recordings.path_of(name)
        self._log(cookie, "download", name=name)
        return path

    async def replay(self, cookie: str, name: str) -> None:
        """Shows this browser a recording instead of the run."""
        self._must(cookie, "replay")
        player = await asyncio.to_thread(open_player, self.recordings.path_of(name))
        session = self.access.session(cookie)
        if session is None:
            raise Refused(Why.NO_SESSION.text)
        there = {known.name for known in self.access.sessions.values()}
        self.players = {who: p for who, p in self.players.items() if who in there}
        while len(self.players) >= PLAYERS_N and session.name not in self.players:
            del self.players[next(iter(self.players))]
        self.players[session.name] = player
        self._log(cookie, "replay", name=name)

    def player(self, cookie: str) -> Player | None:
        """What this browser looks at instead of the run, if it does."""
        session = self.access.session(cookie) if self.players else None
        return self.players.get(session.name) if session is not None else None

    def leave_replay(self, cookie: str) -> None:
        """This browser looks at the run again."""
        session = self.access.session(cookie)
        self.players.pop(session.name if session is not None else "", None)

    def choose_wearer(self, cookie: str, name: str) -> None:
        """The next run uses this wearer's profile. Refuses who does not control the hand."""
        self._must(cookie, "wearer")
        self.chosen.profile = self.wearers.profile_path(name) if name else None
        if self.chosen.profile is not None:
            self.chosen.source = read_profile(self.chosen.profile).source
            self.chosen.hand = read_profile(self.chosen.profile).hand
        self.wearer = name
        self._log(cookie, "wearer", name=name)

    def roll_back(self, cookie: str, number: int) -> None:
        """Uses an earlier version of the wearer's profile. Refuses who does not control."""
        self._must(cookie, "roll back")
        version = self.wearers.roll_back(self.wearer, number)
        self._log(cookie, "roll back", name=self.wearer, version=version.number)

    @cached_property
    def hands(self) -> Hands:
        """What is known of the hands."""
        return Hands(self.folder / "hands.json")

    async def set_limits(self, cookie: str, wanted: Mapping[str, Mapping[str, float]]) -> Version:
        """A new version of the wearer's profile with these limits. Refuses who does not control,
        and whatever is wider than the hand's own."""
        self._must(cookie, "limits")
        path, hand = self.wearers.profile_path(self.wearer), self.hands.spec(self.chosen.hand)
        text = limits_text(path, hand, wanted)
        version = await asyncio.to_thread(save, self.wearers, self.wearer, text, hand, "limits")
        told = {joint: dict(row) for joint, row in wanted.items()}
        self._log(cookie, "limits", name=self.wearer, version=version.number, limits=told)
        return version

    async def set_gestures(self, cookie: str, wanted: Sequence[GestureChoice]) -> Version:
        """The same with what each gesture does."""
        self._must(cookie, "gestures")
        path, hand = self.wearers.profile_path(self.wearer), self.hands.spec(self.chosen.hand)
        text = gestures_text(path, wanted)
        version = await asyncio.to_thread(save, self.wearers, self.wearer, text, hand, "gestures")
        told = {each.gesture: dict(each.joints) for each in wanted}
        self._log(cookie, "gestures", name=self.wearer, version=version.number, gestures=told)
        return version

    def take_in(self, cookie: str, name: str, data: bytes) -> Version:
        """A wearer's profile from another device. Refuses who does not control, and bad files."""
        self._must(cookie, "import")
        version = self.wearers.take_in(name, data)
        self._log(cookie, "import", name=name, version=version.number)
        return version

    async def look(self) -> None:
        """Listens to the run for as long as the page's process lives."""
        while True:
            if self.hub.attach():
                self.hub.poll()
                if self.driven:
                    self.hands.note(self.driven, self.hub.about)
            for call in list(self.every_turn):
                call()
            await asyncio.sleep(POLL_S)

    def ask(self, cookie: str, key: str, number: int | None = None) -> Why | None:
        """Asks the gate for something in the name of a browser; why it may not, if it may not.

        number: of this action, larger than the browser's last; None takes the next.
        """
        if key not in REQUESTS:
            return Why.MALFORMED
        session = self.access.session(cookie)
        if session is None:
            return Why.NO_SESSION
        stop = MAY[key] is Who.PAIRED
        why = self.access.act(cookie, session.last_n + 1 if number is None else number, stop=stop)
        if why is None and not stop and session.name in self.players:
            why = Why.REPLAY
        done = why is None and self.hub.say(key)
        said = why.name.lower() if why else "asked" if done else "no run"
        self.audit.write(key, session.name, answer=said)
        return why

    def words(self, what: str) -> list[str]:
        """The command line of a run that is to begin: "watch" or "run"."""
        chosen = self.chosen
        words = [what, "--source", chosen.source, "--json", "-"]
        if what == "run":
            words += ["--hand", chosen.hand, "--realtime"]
            if chosen.profile is not None:
                words += ["--profile", str(chosen.profile)]
            if chosen.artifact is not None:
                words += ["--artifact", str(chosen.artifact)]
        return words

    async def begin(self, cookie: str, what: str) -> str:
        """Begins a run; gives nothing, or the sentence that tells why not."""
        refusal = self._may(cookie, f"begin {what}")
        if refusal:
            return refusal
        try:
            if self.supervisor.running():
                await asyncio.to_thread(self.supervisor.end, self.hub.say)
            self.hub.leave()
            await asyncio.to_thread(self.supervisor.start, self.words(what))
            self.driven = self.chosen.hand if what == "run" else ""
        except Refused as error:
            return str(error)
        self._log(cookie, f"begin {what}", source=self.chosen.source, hand=self.chosen.hand)
        return ""

    async def end(self, cookie: str) -> str:
        """Ends the run; gives nothing, or the sentence that tells why not."""
        refusal = self._may(cookie, "end")
        if refusal:
            return refusal
        try:
            await asyncio.to_thread(self.supervisor.end, self.hub.say)
        except Refused as error:
            return str(error)
        self.hub.leave()
        self._log(cookie, "end")
        return ""

    def _must(self, cookie: str, what: str) -> None:
        refusal = self._may(cookie, what)
        if refusal:
            raise Refused(refusal)

    def _may(self, cookie: str, what: str) -> str:
        if MAY[what] is Who.PAIRED:
            return "" if self.access.session(cookie) is not None else Why.NO_SESSION.text
        why = self.access.take_control(cookie)
        return why.text if why is not None else ""

    def _log(self, cookie: str, what: str, **more: Any) -> None:
        session = self.access.session(cookie)
        self.audit.write(what, session.name if session else "nobody", **more)
