"""Settings of hands that several of them have."""

from __future__ import annotations

from acquisition.stream import Refused


def only_port(argument: str, hand: str) -> str:
    """The port that stands behind a hand's name. Refuses settings, for hands that have none."""
    port, comma, rest = argument.partition(",")
    if comma:
        raise Refused(
            f'The hand {hand} has no settings, and "{rest}" is one: write {hand}:{port or "PORT"}.'
        )
    return port


def read_ids(text: str, low: int, high: int) -> tuple[int, ...]:
    """Ids of servos out of "1+2+3". Refuses none, doubles and those outside `low`..`high`."""
    parts = [part.strip() for part in text.split("+")]
    ids = tuple(int(part) for part in parts if part.isascii() and part.isdigit())
    if (
        len(ids) != len(parts)
        or len(set(ids)) != len(ids)
        or not low <= min(ids) <= max(ids) <= high
    ):
        raise Refused(
            f'ids are different numbers from {low} to {high}, e.g. ids=1+2, not "{text}".'
        )
    return ids
