"""Tokens as an embedding application would sign them."""

from __future__ import annotations

import time
from typing import Any

import jwt

SECRET = "a-secret-of-the-tests-that-is-long-enough"


def mint_token(username: str, room: str | None = None, *, lifetime_s: int = 3600, **claims: Any) -> str:
    """A participant's token; further claims such as ``name``, ``role`` and ``permissions`` as keywords."""
    payload: dict[str, Any] = {"sub": username, "exp": int(time.time()) + lifetime_s, **claims}
    if room is not None:
        payload["room"] = room
    return jwt.encode(payload, SECRET, algorithm="HS256")


def mint_invite(room: str, *, lifetime_s: int = 3600) -> str:
    """An invite to a room, as `plenum dev` prints it in the link."""
    payload = {"room": room, "invite": True, "exp": int(time.time()) + lifetime_s}
    return jwt.encode(payload, SECRET, algorithm="HS256")
