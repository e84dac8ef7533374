"""Who watches: a session is a value signed by the stream, so that no process has to remember it."""

from __future__ import annotations

import base64
import hashlib
import hmac

_RANDOM_BYTES = 9
_TAG_BYTES = 9


class Viewers:
    """The viewer sessions of one stream; a session counts while it has asked within ``away_s``."""

    def __init__(self, key: bytes, away_s: float) -> None:
        self._key = key
        self._away_s = away_s
        self._seen: dict[str, float] = {}

    def new_session(self, random: bytes) -> str:
        """A session's name, from ``_RANDOM_BYTES`` random bytes."""
        random = random[:_RANDOM_BYTES]
        return base64.urlsafe_b64encode(random + self._tag(random)).decode()

    def seen(self, session: str, now: float) -> bool:
        """The session asks; False: it is none of ours."""
        if session not in self._seen and not self._is_ours(session):
            return False
        self._seen[session] = now
        return True

    def count(self, now: float) -> int:
        """How many watch."""
        gone = [session for session, at in self._seen.items() if now - at > self._away_s]
        for session in gone:
            del self._seen[session]
        return len(self._seen)

    def _tag(self, random: bytes) -> bytes:
        return hmac.digest(self._key, random, hashlib.sha256)[:_TAG_BYTES]

    def _is_ours(self, session: str) -> bool:
        try:
            raw = base64.urlsafe_b64decode(session)
        except ValueError:
            return False
        random, tag = raw[:_RANDOM_BYTES], raw[_RANDOM_BYTES:]
        return len(raw) == _RANDOM_BYTES + _TAG_BYTES and hmac.compare_digest(tag, self._tag(random))
