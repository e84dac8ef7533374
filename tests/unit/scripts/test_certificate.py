"""The generated certificate: names, life, safe-keeping, and renewal when it no longer fits."""

from __future__ import annotations

import ssl
import stat
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509

from scripts import certificate


def alternatives(path: Path) -> x509.SubjectAlternativeName:
    loaded = x509.load_pem_x509_certificate(path.read_bytes())
    return loaded.extensions.get_extension_for_class(x509.SubjectAlternativeName).value


def test_it_is_for_localhost_and_all_our_addresses(tmp_path: Path) -> None:
    files = certificate.ensure(tmp_path / "tls")
    names = alternatives(files.certificate)
    assert "localhost" in names.get_values_for_type(x509.DNSName)
    addresses = names.get_values_for_type(x509.IPAddress)
    assert {ip_address("127.0.0.1"), ip_address("::1")} <= set(addresses)
    assert set(certificate.own_addresses()) == set(addresses)


def test_openssl_takes_it_and_the_key_is_private(tmp_path: Path) -> None:
    files = certificate.ensure(tmp_path)
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(files.certificate, files.key)
    assert stat.S_IMODE(files.key.stat().st_mode) == 0o600
    assert len(files.fingerprint.split(":")) == 32


def test_it_is_kept_while_it_is_good(tmp_path: Path) -> None:
    assert certificate.ensure(tmp_path).fingerprint == certificate.ensure(tmp_path).fingerprint


def test_it_is_renewed_before_it_ends(tmp_path: Path) -> None:
    first = certificate.ensure(tmp_path)
    later = datetime.now(UTC) + timedelta(days=certificate.LIFETIME_DAYS - 3)
    assert certificate.ensure(tmp_path, now=later).fingerprint != first.fingerprint


def test_it_is_renewed_for_a_new_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = certificate.ensure(tmp_path)
    monkeypatch.setattr(certificate, "own_addresses", lambda: [ip_address("192.0.2.9")])
    assert certificate.ensure(tmp_path).fingerprint != first.fingerprint


@pytest.mark.parametrize("broken", ["certificate.pem", "key.pem"])
def test_damaged_files_are_replaced(tmp_path: Path, broken: str) -> None:
    first = certificate.ensure(tmp_path)
    (tmp_path / broken).write_text("nonsense")
    assert certificate.ensure(tmp_path).fingerprint != first.fingerprint
