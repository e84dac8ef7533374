"""The certificate of HTTPS: when it is good, for whom, and from whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from config.options import HttpOptions
from scripts.doctor.certificate import check_certificate
from scripts.doctor.findings import Finding, Verdict

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
KEY = ec.generate_private_key(ec.SECP256R1())


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def make(
    *hosts: str, subject: str = "leaf", issuer: str = "ca", begins: float = -30, ends: float = 60, names: bool = True
) -> bytes:
    """A certificate that is good from ``begins`` to ``ends`` days from now."""
    builder = x509.CertificateBuilder(name(issuer), name(subject), KEY.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(NOW + timedelta(begins)).not_valid_after(NOW + timedelta(ends))
    if names:
        alternatives: list[x509.GeneralName] = []
        for host in hosts or ("meet.example.org",):
            try:
                alternatives.append(x509.IPAddress(ip_address(host)))
            except ValueError:
                alternatives.append(x509.DNSName(host))
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return builder.sign(KEY, SHA256()).public_bytes(serialization.Encoding.PEM)


CA = make(subject="ca", issuer="root", ends=900)


def look(tmp_path: Path, pem: bytes, host: str | None = None) -> dict[str, Finding]:
    file = tmp_path / "cert.pem"
    file.write_bytes(pem)
    http = HttpOptions(tls=True, tls_certificate=file, tls_key=file)
    return {finding.check: finding for finding in check_certificate(http, host, now=NOW)}


@pytest.mark.parametrize(
    ("begins", "ends", "verdict", "word"),
    [
        (-30, 60, Verdict.OK, "2027-01-23"),
        (-30, 14.1, Verdict.OK, "good until"),
        (-30, 13, Verdict.WARN, "in 13 days"),
        (-30, 0.01, Verdict.WARN, "in 0 days"),
        (-30, 0, Verdict.FAIL, "has expired"),
        (1, 60, Verdict.FAIL, "from 2026-11-25"),
    ],
)
def test_validity(tmp_path: Path, begins: float, ends: float, verdict: Verdict, word: str) -> None:
    finding = look(tmp_path, make(begins=begins, ends=ends) + CA)["tls"]
    assert finding.verdict is verdict
    assert word in finding.text


def test_an_issuer_that_expires_first_counts(tmp_path: Path) -> None:
    expired = make(subject="ca", issuer="root", ends=-1)
    assert look(tmp_path, make() + expired)["tls"].verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("hosts", "asked", "verdict"),
    [
        (["meet.example.org"], "meet.example.org", Verdict.OK),
        (["meet.example.org"], "MEET.example.org.", Verdict.OK),
        (["meet.example.org"], "example.org", Verdict.FAIL),
        (["*.example.org"], "meet.example.org", Verdict.OK),
        (["*.example.org"], "a.meet.example.org", Verdict.FAIL),
        (["*.example.org"], "example.org", Verdict.FAIL),
        (["203.0.113.7"], "203.0.113.7", Verdict.OK),
        (["2001:db8::7"], "2001:0db8::0007", Verdict.OK),
        (["203.0.113.7"], "203.0.113.8", Verdict.FAIL),
        (["meet.example.org"], None, Verdict.OK),
    ],
)
def test_names(tmp_path: Path, hosts: list[str], asked: str | None, verdict: Verdict) -> None:
    finding = look(tmp_path, make(*hosts) + CA, asked)["tls-name"]
    assert finding.verdict is verdict
    if asked is None or verdict is Verdict.FAIL:
        assert hosts[0] in finding.text


def test_no_names(tmp_path: Path) -> None:
    assert look(tmp_path, make(names=False) + CA)["tls-name"].verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("pem", "verdict", "word"),
    [
        (make() + CA, Verdict.OK, "1 of its issuers"),
        (make(), Verdict.WARN, "no certificate of the issuer"),
        (make(issuer="leaf"), Verdict.WARN, "self-signed"),
        (CA + make(), Verdict.FAIL, "do not follow"),
    ],
)
def test_issuer(tmp_path: Path, pem: bytes, verdict: Verdict, word: str) -> None:
    finding = look(tmp_path, pem)["tls-issuer"]
    assert finding.verdict is verdict
    assert word in finding.text


def test_no_certificate_in_the_file(tmp_path: Path) -> None:
    assert look(tmp_path, b"nothing")["tls"].verdict is Verdict.FAIL


@pytest.mark.parametrize(("host", "verdict"), [("127.0.0.1", Verdict.OK), ("*", Verdict.WARN)])
def test_without_tls(host: str, verdict: Verdict) -> None:
    (finding,) = check_certificate(HttpOptions(host=host), None)
    assert finding.verdict is verdict
