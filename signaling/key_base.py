"""Where all keys of a room in Redis begin."""

from __future__ import annotations


def room_base(prefix: str, room_id: str) -> str:
    """The room in braces: a cluster hashes only what is in them, so all keys of a room lie in one place."""
    return f"{prefix}:{{{room_id}}}"
