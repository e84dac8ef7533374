"""What a server needs that no single setting can say: a way to check tokens, files that can be read."""

from __future__ import annotations

import ssl
from pathlib import Path

from config.options import HttpOptions
from config.settings import Settings
from signaling.options import AuthOptions
from signaling.tokens import TokenConfigurationError, TokenVerifier

MAKE_SECRET = "export PLENUM_AUTH__SECRET=$(python3 -c 'import secrets; print(secrets.token_urlsafe(32))')"


def problems(settings: Settings) -> list[str]:
    """Everything that would keep ``plenum serve`` from starting with these settings, one sentence each."""
    return [*_auth(settings.auth), *_tls(settings.http)]


def _auth(auth: AuthOptions) -> list[str]:
    if "HS256" in auth.algorithms and auth.secret is None:
        return [f"auth.secret is not set; it signs and checks tokens. Make one: {MAKE_SECRET}"]
    try:
        TokenVerifier(auth)
    except TokenConfigurationError as error:
        return [str(error)]
    return []


def _tls(http: HttpOptions) -> list[str]:
    if not http.tls or http.tls_certificate is None or http.tls_key is None:
        return []
    found = [
        f"{name}: cannot read {path}: {reason}"
        for name, path in (("http.tls_certificate", http.tls_certificate), ("http.tls_key", http.tls_key))
        if (reason := _unreadable(path))
    ]
    if found:
        return found
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            http.tls_certificate, http.tls_key, password=_no_password
        )
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or str(error)
        text = str(reason).replace("_", " ").lower()
        return [f"{http.tls_certificate} and {http.tls_key} are no certificate and key that belong together: {text}"]
    return []


def _no_password() -> str:
    raise ValueError("the key is protected by a password, which is not supported")


def _unreadable(path: Path) -> str | None:
    try:
        with path.open("rb"):
            return None
    except OSError as error:
        return error.strerror or str(error)
