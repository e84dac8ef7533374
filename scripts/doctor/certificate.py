"""Whether browsers will accept the certificate of HTTPS."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509

from config.options import HttpOptions
from scripts.doctor.findings import Finding, fail, ok, warn
from scripts.sockets import is_loopback

RENEW_BEFORE = timedelta(days=14)
_RENEW = "http.tls_certificate = …  # a renewed one, then restart"
_TLS = "http.tls = true  # unless a reverse proxy in front serves HTTPS"


def check_certificate(http: HttpOptions, name: str | None, *, now: datetime | None = None) -> list[Finding]:
    """Validity and names; ``name`` is the host in the address that browsers open, None: not known."""
    if not http.tls or http.tls_certificate is None:
        if is_loopback(http.host):
            return [ok("tls", f"HTTP is served to {http.host} alone, so it needs no certificate here.")]
        return [warn("tls", "HTTP is served without TLS: browsers give camera and microphone to HTTPS only.", _TLS)]
    try:
        chain = x509.load_pem_x509_certificates(http.tls_certificate.read_bytes())
    except (OSError, ValueError) as error:
        return [fail("tls", f"{http.tls_certificate} cannot be read: {error}.", "http.tls_certificate = …")]
    return [
        _validity(chain, now or datetime.now(UTC)),
        _names(chain[0], name),
        *_issuer(chain),
    ]


def _validity(chain: list[x509.Certificate], now: datetime) -> Finding:
    ends = min(certificate.not_valid_after_utc for certificate in chain)
    begins = max(certificate.not_valid_before_utc for certificate in chain)
    if now < begins:
        return fail("tls", f"The certificate is good from {begins:%Y-%m-%d %H:%M} UTC on only.", _RENEW)
    if now >= ends:
        return fail("tls", f"The certificate has expired on {ends:%Y-%m-%d %H:%M} UTC.", _RENEW)
    if ends - now < RENEW_BEFORE:
        return warn("tls", f"The certificate expires in {(ends - now).days} days, on {ends:%Y-%m-%d}.", _RENEW)
    return ok("tls", f"The certificate is good until {ends:%Y-%m-%d}.")


def _names(certificate: x509.Certificate, name: str | None) -> Finding:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return fail("tls-name", "The certificate has no alternative names: no browser accepts it.", _RENEW)
    hosts = [text.lower() for text in names.get_values_for_type(x509.DNSName)]
    addresses = names.get_values_for_type(x509.IPAddress)
    listed = ", ".join([*hosts, *map(str, addresses)])
    if name is None:
        return ok("tls-name", f"The certificate is for {listed}. Hold it to your own: plenum doctor --name HOST.")
    if _matches(name.lower().rstrip("."), hosts) or _same_address(name, addresses):
        return ok("tls-name", f"The certificate is for {name}.")
    return fail("tls-name", f"The certificate is for {listed}, not for {name}.", f"http.tls_certificate = …  # {name}")


def _matches(name: str, hosts: list[str]) -> bool:
    """RFC 9525 section 6.3: a wildcard stands for exactly the leftmost label."""
    parent = name.partition(".")[2]
    return name in hosts or (bool(parent) and f"*.{parent}" in hosts)


def _same_address(name: str, addresses: Sequence[object]) -> bool:
    try:
        return ip_address(name) in addresses
    except ValueError:
        return False


def _issuer(chain: list[x509.Certificate]) -> list[Finding]:
    leaf = chain[0]
    if leaf.issuer == leaf.subject:
        return [warn("tls-issuer", "The certificate is self-signed: browsers warn of it.", _RENEW)]
    for certificate, issuer in itertools.pairwise(chain):
        if certificate.issuer != issuer.subject:
            change = "put the certificate first and each issuer's right after it"
            return [fail("tls-issuer", "The file's certificates do not follow from one another.", change)]
    if len(chain) == 1:
        change = "http.tls_certificate = …  # the full chain (fullchain.pem)"
        return [
            warn("tls-issuer", "The file has no certificate of the issuer: some clients cannot build trust.", change)
        ]
    return [ok("tls-issuer", f"The certificate comes with {len(chain) - 1} of its issuers.")]
