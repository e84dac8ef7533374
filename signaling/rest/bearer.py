"""Bearer tokens (RFC 6750)."""

from __future__ import annotations


def bearer_of(header: str | None) -> str | None:
    """The token of an ``Authorization`` header; None if there is none of that kind."""
    if header is None:
        return None
    scheme, _, token = header.strip().partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
