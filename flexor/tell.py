"""What the recorder and the view are told, after the command is out."""

from __future__ import annotations

from typing import Any

from acquisition.stream import Chunk
from firmware_bridge.command import Command
from firmware_bridge.hands import Joint, Telemetry
from firmware_bridge.link import HandFlag
from firmware_bridge.link_words import TROUBLES
from firmware_bridge.safety_state import Do
from firmware_bridge.serial_link import Sent
from flexor.door import GUEST
from flexor.loop import Loop
from flexor.messages import CommandMessage, IntentMessage, Kind
from flexor.session_recording import recording
from flexor.tally import jitter_s, sensor_battery, spread
from models.decision import Reject
from preprocessing.quality import MENDS

STATUS_S = 0.1
"""How often the view is told the state of things."""


def tell(
    loop: Loop,
    chunks: list[Chunk],
    sent: Sent | None,
    now_s: float,
) -> None:
    """Feeds recorder and view."""
    for feed in loop.feeds:
        for chunk in chunks:
            feed.send_chunk(chunk)
        for intent in loop.intents:
            feed.send(Kind.INTENT, IntentMessage(now_s, intent))
        if sent is not None and sent.do is Do.SETPOINT:
            basis_s = loop.gate_state.seen.basis_s
            real = Command(sent.mode, sent.joints, basis_s, sent.decision_n, sent.ttl_s)
            feed.send(Kind.COMMAND, CommandMessage(now_s, real))
    if now_s - loop.status_s >= STATUS_S and (loop.feeds or loop.door):
        loop.status_s = now_s
        welcome(loop)
        status = describe(loop)
        for feed in loop.feeds:
            feed.send(Kind.STATUS, status)


def welcome(loop: Loop) -> None:
    """Lets in who has come to the door since, and forgets the guests that have gone."""
    if loop.door is None:
        return
    guests = [feed for feed in loop.feeds if feed.name == GUEST]
    gone = [f for f in loop.feeds if not f.alive and f.missed and f.process is None]
    for feed in gone:
        feed.close(0.0)
    came = loop.door.enter([feed for feed in guests if feed.alive])
    if gone or came is not None:
        stay = [feed for feed in loop.feeds if feed not in gone]
        loop.feeds = [*stay, came] if came is not None else stay
    if came is not None:
        came.send(Kind.STATUS, {"about": about(loop)})


def about(loop: Loop) -> dict[str, Any]:
    """What does not change while a run lasts."""
    contract, limits = loop.decoder.contract, loop.limits
    hand = getattr(loop.hand, "hand", None)
    torques = [{"max_nm": most} for most, _ in limits.torque] or [{} for _ in limits.joints]
    return {
        "artifact": contract.name,
        "labels": list(contract.labels),
        "rest": contract.rest,
        "hop_ms": 1e3 * contract.hop_s,
        "delay_ms": 1e3 * contract.delay_s,
        "least_confidence": next(
            (stage.min_confidence for stage in contract.decision if isinstance(stage, Reject)), 0.0
        ),
        "line_hz": loop.quality.line_hz,
        "hand": hand.name if hand is not None else "",
        "joints": [
            {"name": name, "low_deg": joint[0], "high_deg": joint[1], "max_deg_s": joint[2], **own}
            for name, joint, own in zip(loop.joint_names, limits.joints, torques, strict=False)
        ],
        "hand_limits": [] if hand is None else [_own_limits(joint) for joint in hand.joints],
    }


def _own_limits(joint: Joint) -> dict[str, Any]:
    """What the hand itself allows, whatever its wearer allows of it."""
    return {
        "name": joint.name,
        "low_deg": joint.range_deg[0],
        "high_deg": joint.range_deg[1],
        "max_deg_s": joint.max_velocity_deg_s,
        "max_deg_s2": joint.max_acceleration_deg_s2,
        "max_nm": joint.max_torque_nm,
        "max_nm_s": joint.max_torque_rate_nm_s,
    }


def tell_motion(loop: Loop, chunks: list[Chunk]) -> None:
    """Feeds the second stream to whoever records it."""
    for feed in loop.feeds:
        for chunk in chunks:
            feed.send_motion(chunk)


def describe(loop: Loop) -> dict[str, Any]:
    """The state of things, for a view."""
    state, counters = loop.gate_state, loop.state.counters
    at = loop.telemetry.position_deg if loop.telemetry else ()
    joints = zip(loop.joint_names, at, state.motion.velocity_deg_s, strict=False)
    return {
        "clock_s": loop.clock(),
        "state": state.phase.value,
        "cause": state.cause.value,
        "joints": [list(joint) for joint in joints],
        "findings": [
            {"channel": f.channel, "kind": f.kind, "fault": f.fault, "mend": MENDS[f.kind]}
            for f in loop.findings
        ],
        "latency_ms": spread(loop.tally.latency_s[-400:], 1e3),
        "counts": {
            "decisions": counters.decisions,
            "lost samples": counters.lost_samples,
            "restarts": counters.restarts,
            "missed deadlines": loop.tally.missed_deadlines,
        },
        "torque_nm": list(loop.telemetry.torque_nm) if loop.telemetry else [],
        "hand_says": says(loop.telemetry),
        "battery": {"sensor": sensor_battery(loop.source), "hand": hand_battery(loop)},
        "jitter_ms": spread(jitter_s(loop.tally.turn_s[-100:]), 1e3),
        "recording": recording(loop.feeds),
        "event": loop.last_event,
    }


def says(telemetry: Telemetry | None) -> list[str]:
    """What the hand reports beside its state, in sentences."""
    flags = telemetry.flags if telemetry is not None else HandFlag(0)
    return [text for flag, text in TROUBLES.items() if flags & flag]


def hand_battery(loop: Loop) -> str | None:
    """Low or well, which is all that our link tells; None where the hand does not report it."""
    hand = getattr(loop.hand, "hand", None)
    if loop.telemetry is None or hand is None or not hand.tells_battery:
        return None
    return "low" if loop.telemetry.flags & HandFlag.LOW_BATTERY else "well"
