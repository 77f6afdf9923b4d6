"""A wearer's levels from a recording with prompts: the numbers that a profile asks for."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from acquisition.imports import load_session
from acquisition.session import Session
from acquisition.stream import Refused
from firmware_bridge.levels import levels_of, site_levels
from flexor.efforts import Efforts, Rows, Site
from models.artifact import Artifact, check_spec, open_artifact
from models.decoder import open_decoder
from models.score import OTHER, SETTLE_S, Prompt

UNREACHED = 1e9
"""In the signal's unit: as a site's high level it makes of an effort an envelope."""


def measure(artifact_path: Path, session_path: Path, sites: str) -> dict[str, Any]:
    """Each gesture's `low` and `high`, each site's too, and the text for the profile.

    `sites`: "flexors=emg6,extensors=emg1+emg2", or "" for none. Refuses a session that is not the
    artifact's, one without prompts, and sites that it lacks; what was too weak or too short to
    measure has its reason in its row.
    """
    from training.evaluate import prompts

    artifact, session = open_artifact(artifact_path), load_session(session_path)
    contract, named = artifact.contract, sites_of(sites)
    check_spec(contract, session.spec)
    efforts = Efforts(named, session.spec) if named else None
    asked = prompts(session, contract.labels)
    if not any(prompt.gesture in contract.labels for prompt in asked):
        raise Refused(
            f"{session_path} has no prompts of {list(contract.labels)}: record it by "
            f'flexor record --prompts "rest:3,hand_close:3", or with a protocol.'
        )
    strengths, envelopes = _listened(artifact, session, asked, efforts)
    wanted = {prompt.gesture for prompt in asked} - {contract.rest, OTHER}
    found = [_gesture_row(g, strengths[g]) for g in contract.labels if g in wanted]
    found += [_site_row(i, site, contract.rest, envelopes) for i, site in enumerate(named)]
    return {
        "artifact": str(artifact_path),
        "session": str(session_path),
        "rows": found,
        "profile": text_of(found),
    }


def _listened(
    artifact: Artifact, session: Session, asked: list[Prompt], efforts: Efforts | None
) -> tuple[dict[str, list[float]], dict[str, list[tuple[float, ...]]]]:
    """(strengths where the gesture that was asked for was decided, envelopes) of each gesture, of
    windows that lie wholly in its settled part."""
    from training.evaluate import pieces

    contract, decoder = artifact.contract, open_decoder(artifact, session.spec)
    strengths: dict[str, list[float]] = defaultdict(list)
    envelopes: dict[str, list[tuple[float, ...]]] = defaultdict(list)
    reach_n = contract.windows.length_samples + round(SETTLE_S * session.spec.rate_hz)
    state = decoder.start()
    for chunk in pieces(session):
        windows = decoder.push(chunk, state)
        rows: Rows = efforts.at(windows, chunk, state) if efforts else [()] * len(windows)
        for window, row in zip(windows, rows, strict=True):
            intent = decoder.decide(window, state)
            newest = [p for p in asked if p.sample_n <= window.sample_n][-1:]
            if not newest or newest[0].sample_n > window.sample_n - reach_n + 1:
                continue
            gesture = newest[0].gesture
            if gesture == OTHER:
                continue
            if intent.gesture == gesture and not intent.rejected:
                strengths[gesture].append(intent.strength)
            if row:
                envelopes[gesture].append(tuple(UNREACHED * effort for effort in row))
    return strengths, envelopes


def sites_of(text: str) -> list[Site]:
    """Sites without levels from "name=channel+channel,name=channel". Refuses other words."""
    found = []
    for word in filter(None, text.split(",")):
        name, equals, channels = word.partition("=")
        if not (name and equals and channels):
            raise Refused(
                f'A site is written as flexors=emg6 or flexors=emg6+emg7, not as "{word}".'
            )
        found.append(Site(name, tuple(channels.split("+")), 0.0, UNREACHED))
    return found


def text_of(rows: list[dict[str, Any]]) -> str:
    """What goes into the profile: the levels that could be measured."""
    lines: list[str] = []
    for row in rows:
        if row["problem"]:
            continue
        if row["kind"] == "site":
            names = ", ".join(f'"{name}"' for name in row["channels"])
            lines += ["[[sites]]", f'name = "{row["name"]}"', f"channels = [{names}]"]
        else:
            lines.append(f"[levels.{row['name']}]")
        lines += [f"low = {row['low']}", f"high = {row['high']}"]
    return "\n".join(lines) + "\n"


def _gesture_row(gesture: str, strengths: list[float]) -> dict[str, Any]:
    row = {"kind": "gesture", "name": gesture, "channels": [], "values": len(strengths)}
    try:
        low, high = levels_of({gesture: strengths})[gesture]
    except Refused as error:
        return {**row, "low": None, "high": None, "problem": str(error)}
    return {**row, "low": low, "high": high, "problem": ""}


def _site_row(
    index: int, site: Site, rest: str, envelopes: dict[str, list[tuple[float, ...]]]
) -> dict[str, Any]:
    """The site between rest and the gesture in which it works most."""
    of = {gesture: [row[index] for row in rows] for gesture, rows in envelopes.items() if rows}
    quiet = of.pop(rest, [])
    held = max(of.values(), key=lambda values: sum(values) / len(values), default=[])
    row = {"kind": "site", "name": site.name, "channels": list(site.channels), "values": len(held)}
    try:
        low, high = site_levels(quiet, held)
    except Refused as error:
        return {**row, "low": None, "high": None, "problem": f"{site.name}: {error}"}
    return {**row, "low": round(low, 2), "high": round(high, 2), "problem": ""}
