"""Stream keys at rest: encrypted with a key derived from the server's secret, and bound to their stream."""

from __future__ import annotations

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12


class Sealer:
    """AES-256-GCM (RFC 5116) under a key from HKDF (RFC 5869)."""

    def __init__(self, secret: bytes) -> None:
        derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"plenum stream keys").derive(secret)
        self._cipher = AESGCM(derived)

    def seal(self, text: str, bound_to: str) -> str:
        """The sealed text; opens only with the same ``bound_to``."""
        nonce = os.urandom(_NONCE_BYTES)
        return urlsafe_b64encode(nonce + self._cipher.encrypt(nonce, text.encode(), bound_to.encode())).decode()

    def open(self, sealed: str, bound_to: str) -> str | None:
        """The text; None if it was sealed with another secret or is not whole."""
        try:
            raw = urlsafe_b64decode(sealed)
            return self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], bound_to.encode()).decode()
        except (InvalidTag, ValueError):
            return None
