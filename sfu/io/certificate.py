"""The certificate of the process, and the OpenSSL context that all its DTLS connections share."""

from __future__ import annotations

import datetime
import secrets

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

_VALID = datetime.timedelta(days=365)
_CLOCK_SKEW = datetime.timedelta(days=1)

# The certificate is ECDSA; the RSA suites serve peers with an RSA certificate when they are the DTLS server.
_CIPHERS = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    b"ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    b"ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA"
)
# AES-128-GCM first: the cheapest to seal. AES-CM is for those who know nothing else (RFC 5764, RFC 7714).
_SRTP_PROFILES = b"SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80"


class Certificate:
    """A self-signed ECDSA P-256 certificate; peers know it by its fingerprint (RFC 8122)."""

    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _self_signed(key)
        digest = certificate.fingerprint(hashes.SHA256())
        self.fingerprint = ":".join(f"{byte:02X}" for byte in digest)
        self.context = _context(key, certificate)

    @property
    def fingerprints(self) -> tuple[tuple[str, str], ...]:
        """Pairs of algorithm and value as the session description holds them."""
        return (("sha-256", self.fingerprint),)


def _self_signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    # A random name, as RFC 8827 section 6.5 wants: it tells nothing about the server.
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, secrets.token_hex(8))])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - _CLOCK_SKEW).not_valid_after(now + _VALID)
    return builder.sign(key, hashes.SHA256())


def _accept_any(*_: object) -> bool:
    """Self-signed certificates verify against nothing: the fingerprint is compared after the handshake."""
    return True


def _context(key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> SSL.Context:
    """One context for all connections: it holds the parsed key and certificate once.

    The OpenSSL that the cryptography package brings knows DTLS up to 1.2 (it refuses 0xFEFC, which is 1.3);
    with a newer one ``DTLS_METHOD`` negotiates 1.3 by itself.
    """
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_options(SSL.OP_NO_QUERY_MTU | SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, _accept_any)
    context.set_cipher_list(_CIPHERS)
    context.use_certificate(certificate)
    context.use_privatekey(key)
    context.set_tlsext_use_srtp(_SRTP_PROFILES)
    return context
