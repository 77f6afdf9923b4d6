"""Faults 1 to 5: what befalls frames on their way from the sensor, and on to the hand."""

from __future__ import annotations

from functools import cache

from acquisition.emulators.trouble import Trouble
from acquisition.port import Arrival
from firmware_bridge.link import HandState
from firmware_bridge.safety_state import Phase, Request
from flexor.fault_bench import MOVING_S, VirtualRun
from flexor.fault_table import Outcome

DEVICE = "myo_dongle:virtual"
"""Frames on a serial line, at the rate and with the channels that the demo was made for."""
BLE = "myo:virtual"
COUNTING = "cyton:virtual"
"""Its counter has 256 values, the armband's 4."""
WHOLE_S = 5.0
"""By then the hand has closed."""
RARELY_N = 41
"""One arrival of so many is struck: a frame in 0.4 s, far from the next."""


def moving(word: str = DEVICE, trouble: Trouble | None = None) -> VirtualRun:
    """A run whose hand has been closing for half a second."""
    return VirtualRun(word=word, c=True, trouble=trouble).until(MOVING_S)


@cache
def undisturbed(word: str) -> VirtualRun:
    """The same run without any fault, to its end."""
    return VirtualRun(word=word, c=True).until(WHOLE_S)


def alike(run: VirtualRun, word: str) -> float:
    """Share of the undisturbed run's decisions that were made the same, at the same samples."""
    same = set(run.decided)
    expected = undisturbed(word).decided
    return sum(decision in same for decision in expected) / len(expected)


def rarely(run: VirtualRun, change: bytes | None = None) -> None:
    """Tears one arrival of RARELY_N in half, or gives its first bytes other values."""
    seen = [0]

    def strike(arrivals: list[Arrival]) -> list[Arrival]:
        out = []
        for arrival in arrivals:
            seen[0] += 1
            struck = seen[0] % RARELY_N == 0
            data = _struck(arrival.data, change) if struck else arrival.data
            out.append(arrival._replace(data=data))
        return out

    run.line.meddle = strike


def always(run: VirtualRun, change: bytes | None = None) -> None:
    """The same with every arrival."""
    run.line.meddle = lambda arrivals: [a._replace(data=_struck(a.data, change)) for a in arrivals]


def _struck(data: bytes, change: bytes | None) -> bytes:
    if change is None:
        return data[: len(data) // 2]
    return bytes(a ^ b for a, b in zip(data, change, strict=False)) + data[len(change) :]


def unplugged() -> Outcome:
    """1: the cable is pulled, and the armband walks out of reach, while the hand closes."""
    ok, safe_s, said = True, 0.0, ""
    for word in (DEVICE, BLE):
        run = moving(word)
        ok &= run.moving
        run.line.gone = True
        safe_s = max(safe_s, run.rest_s())
        stood = run.mcu.position_deg
        run.until(MOVING_S + 3.0)
        tries_n = len(run.device_ports)
        run.line.gone = False
        run.until(MOVING_S + 5.0)
        said = run.told(MOVING_S)
        ok &= run.events.get("source lost") == run.events.get("source back") == 1
        ok &= 3 <= tries_n <= 5  # at once would be hundreds
        ok &= run.loop.tally.stale_commands_n == 0
        ok &= run.loop.gate_state.phase is Phase.DISARMED and run.mcu.position_deg == stood
    return Outcome(ok, 1e3 * safe_s, said)


def torn() -> Outcome:
    """2: reads end anywhere in a frame; some frames lose their end; then all do."""
    split = VirtualRun(word=DEVICE, c=True, trouble=Trouble(split=True, seed=5)).until(
        WHOLE_S + 0.1
    )
    ok = alike(split, DEVICE) == 1.0 and split.counts.lost_samples == 0
    some = VirtualRun(word=DEVICE, c=True)
    rarely(some)
    some.until(WHOLE_S)
    counts = some.counts
    ok &= counts.resyncs + counts.garbage_bytes + counts.damaged_frames > 0
    ok &= 0 < counts.lost_samples == some.loop.state.counters.concealed_samples
    # No check guards these frames: what is left of a torn one may pass for samples. Then the
    # window is refused; it never becomes another gesture.
    meant = {gesture for _, gesture in undisturbed(DEVICE).decided}
    ok &= alike(some, DEVICE) > 0.8 and {gesture for _, gesture in some.decided} <= meant
    ok &= some.loop.error is None
    run = moving()
    ok &= run.moving
    always(run)
    return Outcome(ok, 1e3 * run.rest_s(), f"{run.told(MOVING_S)} In all: {some.device_told}.")


def corrupt() -> Outcome:
    """3: frames with a damaged head, or link frames whose CRC does not fit."""
    head = b"\x5a\x5a\x5a\x5a"
    some = VirtualRun(word=DEVICE, c=True)
    rarely(some, head)
    some.until(WHOLE_S)
    state = some.loop.state.counters
    ok = 0 < some.counts.lost_samples == state.concealed_samples and state.restarts == 0
    ok &= alike(some, DEVICE) > 0.98
    some.line.meddle = list
    always(some, head)
    some.until(WHOLE_S + 0.060)  # 12 samples are missing, and a hop has 5
    some.line.meddle = list
    some.until(WHOLE_S + 1.0)
    ok &= state.restarts == 1
    run = moving()
    ok &= run.moving
    always(run, head)
    sensor_s = run.rest_s()
    link = moving()
    ok &= link.moving
    link.port.meddle = lambda data: data[:1] + bytes([data[1] ^ 0x10]) + data[2:]
    link_s = link.rest_s()
    ok &= link.mcu.rx.crc_errors > 0
    said = f"{run.told(MOVING_S)} {link.told(MOVING_S)} In all: {some.device_told}."
    return Outcome(ok, 1e3 * max(sensor_s, link_s), said)


def duplicated() -> Outcome:
    """4: frames come twice; and a stalled host's last setpoint comes again and again."""
    ok, said = True, ""
    for word in (DEVICE, COUNTING):
        run = VirtualRun(word=word, c=True, trouble=Trouble(duplicate=0.3, seed=5)).until(WHOLE_S)
        done_n = run.device_ports[-1].injected.duplicated
        ok &= alike(run, word) == 1.0 and run.counts.lost_samples == 0
        ok &= 0 < done_n - 1 <= run.counts.duplicate_frames <= done_n
        said = run.device_told
    stalled = moving()
    ok &= stalled.moving
    stalled.frozen, last = True, stalled.port.sent[-1]
    safe_s = stalled.rest_s(each=lambda: stalled.port.deliver(last))
    ok &= stalled.mcu.rx.stale > 0 and stalled.mcu.state in (HandState.HOLD, HandState.FAILSAFE)
    stalled.frozen = False
    stalled.until(stalled.second + 0.3)
    return Outcome(ok, 1e3 * safe_s, f"{stalled.told(MOVING_S)} In all: {said}.")


def reordered() -> Outcome:
    """5: neighbours change places, a frame comes far too late, an old setpoint after a stop."""
    run = VirtualRun(word=COUNTING, c=True, trouble=Trouble(reorder=0.2, seed=5)).until(WHOLE_S)
    ok = run.device_ports[-1].injected.reordered > 100
    ok &= alike(run, COUNTING) == 1.0 and run.counts.lost_samples == 0
    late = VirtualRun(word=COUNTING, c=True)
    _delay_some(late, 5)
    late.until(WHOLE_S)
    ok &= 0 < late.counts.late_frames <= late.counts.lost_samples
    ok &= late.loop.state.counters.restarts == 0 and alike(late, COUNTING) > 0.95
    stop = moving()
    ok &= stop.moving
    old, stale_n = stop.port.sent[-1], stop.mcu.rx.stale
    stop.loop.request = Request.DISARM

    def again() -> None:
        if stop.mcu.state is HandState.IDLE:
            stop.port.deliver(old)

    safe_s = stop.rest_s(each=again)
    ok &= stop.mcu.rx.stale > stale_n and stop.mcu.state is HandState.IDLE
    return Outcome(ok, 1e3 * safe_s, f"{stop.told(MOVING_S)} In all: {late.device_told}.")


def _delay_some(run: VirtualRun, places: int) -> None:
    """One frame of RARELY_N comes so many frames late."""
    seen, held = [0], list[tuple[int, Arrival]]()

    def strike(arrivals: list[Arrival]) -> list[Arrival]:
        out = []
        for arrival in arrivals:
            seen[0] += 1
            if seen[0] % RARELY_N == 0:
                held.append((seen[0] + places, arrival))
            else:
                out.append(arrival)
            out += [a for due, a in held if due == seen[0]]
        return out

    run.line.meddle = strike
