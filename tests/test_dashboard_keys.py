"""The device's secrets and its audit log on disk."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from acquisition.stream import Refused
from flexor.dashboard import audit as audit_module
from flexor.dashboard.audit import Audit
from flexor.dashboard.keys import certificate, device_token, fingerprint, state_folder, write_secret

pytest.importorskip("cryptography", reason="cryptography comes with flexor[dashboard]")


def test_the_token_lasts_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    token = device_token(tmp_path)
    assert len(token) >= 32
    assert device_token(tmp_path) == token
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
    (tmp_path / "token").chmod(0o644)
    with pytest.raises(Refused, match="Others can read"):
        device_token(tmp_path)


def test_a_token_that_is_none_is_refused(tmp_path: Path) -> None:
    write_secret(tmp_path / "token", b"short")
    with pytest.raises(Refused, match="holds no token"):
        device_token(tmp_path)


def test_the_certificate_serves_tls_and_stays_while_the_names_do(tmp_path: Path) -> None:
    crt, key = certificate(tmp_path, ["hand.local", "10.0.0.1"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(crt, key)
    assert key.stat().st_mode & 0o077 == 0
    before = fingerprint(crt)
    assert len(before.split(":")) == 32
    certificate(tmp_path, ["hand.local", "10.0.0.1"])
    assert fingerprint(crt) == before
    certificate(tmp_path, ["hand.local", "10.0.0.2"])
    assert fingerprint(crt) != before


def test_the_folder_of_a_service_is_used_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "service"))
    assert state_folder() == tmp_path / "service"
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setenv("STATE_DIRECTORY", str(blocked / "below"))
    with pytest.raises(Refused, match="cannot be made"):
        state_folder()


def test_the_log_keeps_its_lines_and_survives_a_torn_one(tmp_path: Path) -> None:
    log = Audit(tmp_path / "audit.jsonl", lambda: 12.5)
    log.write("armed", "browser 1", hand="simulated")
    with log.path.open("ab") as file:
        file.write(b'{"at": 13, "wh')
    assert log.rows() == [{"at": 12.5, "what": "armed", "who": "browser 1", "hand": "simulated"}]
    assert log.path.stat().st_mode & 0o777 == 0o600


def test_a_log_that_cannot_be_written_counts_what_it_lost(tmp_path: Path) -> None:
    log = Audit(tmp_path)
    log.write("armed", "browser 1")
    assert log.lost_n == 1
    assert log.rows() == []


def test_a_long_log_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_module, "LARGEST_BYTES", 100)
    log = Audit(tmp_path / "audit.jsonl")
    for _ in range(10):
        log.write("armed", "browser 1")
    assert log.path.with_suffix(".old").exists()
    assert len(log.rows()) < 10
