"""A JSON object that carries its own digest, so that no damage to it goes unnoticed."""

from __future__ import annotations

from hashlib import sha256

from acquisition.stream import Refused

MARK = b',"seal":"'


def sealed(data: bytes) -> bytes:
    """The object with its SHA-256 as the last key."""
    return data[:-1] + MARK + sha256(data).hexdigest().encode() + b'"}'


def unsealed(data: bytes) -> bytes:
    """The object without its seal. Refuses one that was changed since; older ones have none."""
    at = len(data) - len(MARK) - 66
    if at < 0 or data[at : at + len(MARK)] != MARK:
        return data
    if sealed(data[:at] + b"}") != data:
        raise Refused(
            "The contract in the artifact is not the one that was written: it was changed or "
            "damaged after export."
        )
    return data[:at] + b"}"
