"""The device's secrets on disk: its token, and a certificate that it made itself."""

from __future__ import annotations

import datetime
import ipaddress
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from acquisition.stream import Refused

if TYPE_CHECKING:
    from cryptography import x509

YEARS = 10
"""Nobody renews it: who trusts a device by its fingerprint once should not be asked again."""


def state_folder() -> Path:
    """Where what lasts is kept: $STATE_DIRECTORY of a service, else the user's state folder."""
    given = os.environ.get("STATE_DIRECTORY")
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    folder = Path(given) if given else Path(base) / "flexor"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(
            f"{folder} cannot be made ({error.strerror}): set STATE_DIRECTORY to a folder that "
            "can be written."
        ) from None
    return folder


def device_token(folder: Path) -> str:
    """The device's lasting secret; made at the first call. Refuses a file others can read."""
    path = folder / "token"
    if not path.exists():
        write_secret(path, secrets.token_urlsafe(32).encode())
    if path.stat().st_mode & 0o077:
        raise Refused(f"Others can read {path}: remove it, and pair all browsers anew.")
    token = path.read_text(encoding="ascii").strip()
    if len(token) < 32:
        raise Refused(f"{path} holds no token: remove it, and pair all browsers anew.")
    return token


def certificate(folder: Path, names: Sequence[str]) -> tuple[Path, Path]:
    """(certificate, key) for these names and addresses, made anew when the names have changed."""
    crt, key, told = folder / "cert.pem", folder / "key.pem", folder / "cert.names"
    wanted = "\n".join(names)
    fresh = crt.exists() and key.exists() and told.exists() and told.read_text() == wanted
    if not fresh:
        made_crt, made_key = _make(names)
        write_secret(key, made_key)
        write_secret(crt, made_crt)
        write_secret(told, wanted.encode())
    return crt, key


def fingerprint(crt: Path) -> str:
    """SHA-256 of the certificate as browsers show it, to compare by eye."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    digest = x509.load_pem_x509_certificate(crt.read_bytes()).fingerprint(hashes.SHA256())
    return ":".join(f"{byte:02X}" for byte in digest)


def write_secret(path: Path, data: bytes) -> None:
    """A file that only its owner reads: the old one or the new one, whatever happens."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    number = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(number, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _make(names: Sequence[str]) -> tuple[bytes, bytes]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Flexor")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))  # a Pi without a clock begins late
        .not_valid_after(now + datetime.timedelta(days=365 * YEARS))
        .add_extension(x509.SubjectAlternativeName([_name(n) for n in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    return made.public_bytes(pem), private


def _name(name: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
