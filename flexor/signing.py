"""Signed artifacts: a profile may demand that what decides for its wearer comes from somebody it
trusts. Ed25519 (RFC 8032); the signature lies beside the artifact, in a file of its own."""

from __future__ import annotations

import os
from pathlib import Path

from acquisition.stream import Refused
from models.whole_file import replace_file

SUFFIX = ".sig"
KEY_N, SIGNATURE_N = 32, 64


def sign_file(artifact: Path, key: Path) -> dict[str, str]:
    """Signs an artifact with the key in a file, which is made where there is none; the report."""
    _bytes(artifact)  # refused before a key is made for it
    if not key.exists():
        make_key(key)
    return {"signature": str(sign(artifact, key)), "signed_by": public_key(key)}


def public_key(key: Path) -> str:
    """What a profile's `signed_by` says for this private key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    secret = _hexadecimal(_text(key), KEY_N, str(key))
    return Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw().hex()


def make_key(path: Path) -> str:
    """Writes a new private key that only its owner reads; gives the public one, in hexadecimal.

    Refuses to replace a key: what it signed could not be signed again.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Refused(f"{path} is there already: use it, or name another file.") from None
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}.") from None
    with os.fdopen(number, "wb") as file:
        file.write(key.private_bytes_raw().hex().encode())
    return key.public_key().public_bytes_raw().hex()


def sign(artifact: Path, key: Path) -> Path:
    """Writes the signature of an artifact beside it; gives its path."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    secret = _hexadecimal(_text(key), KEY_N, str(key))
    signature = Ed25519PrivateKey.from_private_bytes(secret).sign(_bytes(artifact))
    path = artifact.with_name(artifact.name + SUFFIX)
    replace_file(path, signature.hex().encode())
    return path


def require_signature(artifact: Path, public_key: str) -> None:
    """Refuses an artifact that the owner of `public_key` has not signed."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    trusted = _hexadecimal(public_key, KEY_N, "signed_by")
    path = artifact.with_name(artifact.name + SUFFIX)
    if not path.exists():
        raise Refused(
            f"The profile demands a signed artifact, and {artifact} has no {path.name} beside it: "
            "sign it (flexor sign), or choose one that is signed."
        )
    signature = _hexadecimal(_text(path), SIGNATURE_N, str(path))
    try:
        Ed25519PublicKey.from_public_bytes(trusted).verify(signature, _bytes(artifact))
    except InvalidSignature:
        raise Refused(
            f"{artifact} was not signed by {public_key[:8]}..., whom the profile trusts, or was "
            "changed since: get it anew from there."
        ) from None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}.") from None


def _text(path: Path) -> str:
    return _bytes(path).decode("ascii", "replace")


def _hexadecimal(text: str, length: int, what: str) -> bytes:
    try:
        found = bytes.fromhex(text.strip())
    except ValueError:
        found = b""
    if len(found) != length:
        raise Refused(f"{what} holds {length} bytes in hexadecimal, which this is not.")
    return found
