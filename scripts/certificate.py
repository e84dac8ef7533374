"""A certificate for trying things out over HTTPS: self-signed, for localhost and this machine's addresses."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME_DAYS = 90
_RENEW_BEFORE_DAYS = 7
Address = IPv4Address | IPv6Address


@dataclass(frozen=True)
class CertificateFiles:
    """Where certificate and key stand (PEM), and the SHA-256 fingerprint to compare with what a browser shows."""

    certificate: Path
    key: Path
    fingerprint: str


def default_directory() -> Path:
    """Where the certificate is kept between runs, so that a browser asks for an exception only once."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "plenum" / "dev-tls"


def ensure(directory: Path, *, now: datetime | None = None) -> CertificateFiles:
    """The kept certificate if it is still good for all our names and a week, else a new one."""
    now = now or datetime.now(UTC)
    names, addresses = own_names(), own_addresses()
    files = directory / "certificate.pem", directory / "key.pem"
    certificate = _kept(*files)
    if certificate is None or not _serves(certificate, names, addresses, now):
        directory.mkdir(parents=True, exist_ok=True)
        certificate = _create(*files, names, addresses, now)
    return CertificateFiles(*files, certificate.fingerprint(hashes.SHA256()).hex(":").upper())


def own_names() -> list[str]:
    """localhost and the host name."""
    name = socket.gethostname()
    # RFC 5280 names are ASCII of at most 64 characters; a host name that is neither is left out.
    usable = name.isascii() and 0 < len(name) <= 64
    return ["localhost", *([name] if usable and name != "localhost" else [])]


def own_addresses() -> list[Address]:
    """The addresses of all interfaces, loopback first; link-local ones are left out (a URL cannot carry their zone)."""
    import ifaddr

    found = {ip_address("127.0.0.1"), ip_address("::1")}
    for adapter in ifaddr.get_adapters():
        for entry in adapter.ips:
            address = ip_address(entry.ip if isinstance(entry.ip, str) else entry.ip[0])
            if not address.is_link_local:
                found.add(address)
    return sorted(found, key=lambda a: (not a.is_loopback, a.version, int(a)))


def _kept(certificate: Path, key: Path) -> x509.Certificate | None:
    try:
        loaded = x509.load_pem_x509_certificate(certificate.read_bytes())
        private = serialization.load_pem_private_key(key.read_bytes(), password=None)
    except (OSError, ValueError, TypeError):
        return None
    return loaded if private.public_key() == loaded.public_key() else None


def _serves(certificate: x509.Certificate, names: list[str], addresses: list[Address], now: datetime) -> bool:
    if certificate.not_valid_after_utc - now < timedelta(days=_RENEW_BEFORE_DAYS):
        return False
    extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(names) <= set(extension.get_values_for_type(x509.DNSName)) and set(addresses) <= set(
        extension.get_values_for_type(x509.IPAddress)
    )


def _create(
    certificate_file: Path, key_file: Path, names: list[str], addresses: list[Address], now: datetime
) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Plenum development")])
    alternatives = [*map(x509.DNSName, names), *map(x509.IPAddress, addresses)]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=LIFETIME_DAYS))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key_file.unlink(missing_ok=True)
    with os.fdopen(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return certificate
