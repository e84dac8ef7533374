"""Time-limited credentials of TURN servers that share a secret with us, as coturn's ``use-auth-secret`` expects them.

The user name holds when it expires, the password is its HMAC under the shared secret: the TURN server checks both
without asking anybody (draft-uberti-behave-turn-rest-00 section 2.2). The secret itself is never handed out.
"""

from __future__ import annotations

import base64
import hmac
from typing import NamedTuple
from urllib.parse import quote

MAX_USER_CHARACTERS = 192
"""Percent-encoded user names are cut here: TURN user names have less than 509 bytes (RFC 8489 section 14.3)."""


class TurnCredentials(NamedTuple):
    """What a client gives to the TURN server."""

    username: str
    password: str


def credentials(secret: str, user: str, expires_unix: float) -> TurnCredentials:
    """Credentials of ``user`` until ``expires_unix`` (seconds since 1970).

    The user's part only tells the TURN server's log whose allocation it is. It is percent-encoded, because coturn
    refuses names with spaces and quotes, and a user may be called anything.
    """
    readable = quote(user, safe="@")[:MAX_USER_CHARACTERS]
    username = f"{int(expires_unix)}:{readable}"
    digest = hmac.digest(secret.encode(), username.encode(), "sha1")
    return TurnCredentials(username, base64.b64encode(digest).decode())
