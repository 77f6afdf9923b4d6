"""Puts a live run together from words, and makes its report."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from acquisition.sources import open_source
from acquisition.stream import DeviceError, Source
from firmware_bridge.hands import open_hand
from firmware_bridge.sole_control import sole_control
from firmware_bridge.wearer_limits import limits_within, narrowed
from flexor.door import Door
from flexor.estop import EStop, open_line
from flexor.feed import Feed, spawn
from flexor.live import run, stoppable
from flexor.loop import Loop, note
from flexor.mapping import efforts_for, steering_for
from flexor.outlet import refuse_without_library, start_outlet
from flexor.perform import told_source
from flexor.profile import DEMO_ARTIFACT, Profile, read_profile
from flexor.reader import Inbox, moving
from flexor.service import Notifier
from flexor.signing import require_signature
from flexor.tally import device_report, jitter_s, loss_report, memory_mb, spread
from models.artifact import Artifact, open_artifact, open_or_last_good
from models.decoder import open_decoder
from models.score import SETTLE_S, Score, score
from preprocessing.quality import Quality

DEMO_GOALS = {"accuracy_settled": 0.97, "rest_false_activation": 0.01}


def run_demo(
    *, seconds: float, seed: int, record: Path | None, view: bool, hand: str = "simulated"
) -> dict[str, Any]:
    """The main job on the simulated arm: the report, with `ok` for the demo's own bars."""
    artifact = open_artifact(DEMO_ARTIFACT)
    report = drive(
        open_source("synthetic:armband", seed=seed, seconds=seconds),
        artifact,
        Profile(hand=hand),
        source_name="synthetic:armband",
        arm=True,
        record=record,
        view=view,
        seconds=None,
    )
    rate, nominal = report["decision_rate_hz"], report["nominal_rate_hz"]
    report["ok"] = bool(
        report["error"] is None
        and rate is not None
        and abs(rate / nominal - 1) <= 0.01
        and (report["accuracy_settled"] or 0) >= DEMO_GOALS["accuracy_settled"]
        and (report["rest_false_activation"] or 0) <= DEMO_GOALS["rest_false_activation"]
        and report["lost_samples"] == 0
        and report["commands_stale"] == 0
        and report["final_state"] == "armed"
    )
    return report


def run_live(
    *,
    profile_path: Path | None,
    source_word: str | None,
    artifact_path: Path | None,
    hand_word: str | None,
    arm: bool,
    record: Path | None,
    seconds: float | None,
    view: bool,
    lsl: bool = False,
    realtime: bool | None = None,
    estop_gpio: int | None = None,
) -> dict[str, Any]:
    """What the profile says, but for what is given. Refuses what does not fit before it starts."""
    profile = read_profile(profile_path)
    word = source_word or profile.source
    last_good = profile.last_good if artifact_path is None else ""
    artifact = open_or_last_good(artifact_path or profile.artifact, last_good)
    if profile.signed_by:
        require_signature(Path(artifact.path), profile.signed_by)
    profile = replace(
        profile,
        hand=hand_word or profile.hand,
        realtime=profile.realtime if realtime is None else realtime,
        estop_gpio=profile.estop_gpio if estop_gpio is None else estop_gpio,
    )
    return drive(
        told_source(word),
        artifact,
        profile,
        source_name=word,
        arm=arm,
        record=record,
        view=view,
        seconds=seconds,
        lsl=lsl,
    )


def drive(
    source: Source,
    artifact: Artifact,
    profile: Profile,
    *,
    source_name: str,
    arm: bool,
    record: Path | None,
    view: bool,
    seconds: float | None,
    lsl: bool = False,
) -> dict[str, Any]:
    """Runs the loop with everything that was asked for around it; gives the report."""
    contract = artifact.contract
    decoder = open_decoder(artifact, source.spec)
    efforts = efforts_for(profile, contract)
    with ExitStack() as stack:
        estop = EStop() if profile.estop_gpio is None else open_line(profile.estop_gpio)
        stack.callback(estop.close)
        stack.enter_context(sole_control(profile.hand))
        hand = stack.enter_context(open_hand(profile.hand))
        steering = steering_for(profile, contract, narrowed(hand.hand, profile.limits))
        hand.wait_connected()
        feeds = _feeds(source, source_name, record, view, lsl, stack)
        loop = Loop(
            decoder,
            steering,
            limits_within(hand.hand, profile.limits),
            hand,
            Quality(line_hz=profile.line_hz),
            feeds,
            arm_when_rested=arm,
            joint_names=hand.hand.joint_names,
            motion=(record is not None or lsl) and moving(source) is not None,
            realtime=profile.realtime,
            sites=efforts,
            estop=estop,
            notifier=stack.enter_context(closing(Notifier())),
            source=source,
            door=stack.enter_context(closing(_door(source, source_name))),
        )
        if artifact.instead:
            note(loop, loop.clock(), "artifact refused", artifact.instead)
        stack.enter_context(stoppable(loop))
        try:
            inbox = run(loop, source, seconds)
        except DeviceError:  # of its start: nothing was recorded, and the name is free again
            if record is not None:
                feeds[0].close()
                record.unlink(missing_ok=True)
            raise
        report = make_report(loop, inbox, artifact, source_name, profile.hand)
        report["link"] = hand.report()
    return {**report, **device_report(source), "recording": _recording(feeds, record)}


def make_report(
    loop: Loop, inbox: Inbox, artifact: Artifact, source_name: str, hand_name: str
) -> dict[str, Any]:
    """All that was counted and measured, JSON-ready."""
    contract, tally = artifact.contract, loop.tally
    span_s = tally.last_clock_s - (tally.first_clock_s or 0.0)
    decisions = loop.state.counters.decisions
    result = scored(loop)
    pids = [feed.process.pid for feed in loop.feeds if feed.process is not None]
    return {
        "source": source_name,
        "hand": hand_name,
        "artifact": {
            "name": contract.name,
            "digest": artifact.digest,
            "runtime": artifact.runtime.name,
            "bytes": artifact.bytes_n,
            "instead": artifact.instead,
        },
        "error": str(loop.error) if loop.error else None,
        "nominal_rate_hz": 1 / contract.hop_s,
        "decision_rate_hz": (decisions - 1) / span_s if decisions > 1 and span_s > 0 else None,
        **{key: value for key, value in asdict(result).items() if key != "confusion"},
        "confusion": result.confusion,
        **loss_report(loop.state.counters, inbox.dropped_samples),
        "decisions": decisions,
        "commands": tally.commands_n,
        "commands_stale": tally.stale_commands_n,
        "stops": tally.stops_n,
        "skipped_windows": tally.skipped_windows,
        "missed_deadlines": tally.missed_deadlines,
        "latency_ms": spread(tally.latency_s, 1e3),
        "jitter_ms": spread(jitter_s(tally.turn_s), 1e3),
        "compute_us": spread(tally.compute_s, 1e6),
        "delay_ms": round(1e3 * contract.delay_s, 1),
        "realtime": [step._asdict() for step in loop.setup],
        "first_decision_s": tally.first_decision_s,
        "memory_mb": memory_mb(["self", *pids]),
        "events": dict(tally.counts),
        "event_log": [event._asdict() for event in tally.events],
        "final_state": loop.final_state,
    }


def scored(loop: Loop, settle_s: float = SETTLE_S) -> Score:
    """How right the decisions were, where the source told what was asked for."""
    contract = loop.decoder.contract
    return score(
        loop.tally.decided,
        loop.tally.prompts,
        window_samples=contract.windows.length_samples,
        rate_hz=contract.spec.rate_hz,
        rest=contract.rest,
        settle_s=settle_s,
    )


def _feeds(
    source: Source, source_name: str, record: Path | None, view: bool, lsl: bool, stack: ExitStack
) -> Sequence[Feed]:
    feeds = []
    if lsl:
        refuse_without_library()
    device = moving(source)
    motion_spec = None if device is None else device.motion_spec
    if record is not None:
        from flexor.recorder import start_recorder

        feeds.append(start_recorder(record, source.spec, source_name, motion_spec=motion_spec))
    if lsl:
        feeds.append(start_outlet(source.spec, source_name, motion_spec))
    if view and sys.stdout.isatty():
        feeds.append(spawn("flexor.view", source.spec, source_name, keyboard=True))
    for feed in feeds:
        stack.callback(feed.close)
    return feeds


def _door(source: Source, source_name: str) -> Door:
    device = moving(source)
    return Door(source.spec, source_name, None if device is None else device.motion_spec)


def _recording(feeds: Sequence[Feed], record: Path | None) -> dict[str, Any] | None:
    if record is None:
        return None
    return {"path": str(record), "dropped_messages": feeds[0].dropped_n}
