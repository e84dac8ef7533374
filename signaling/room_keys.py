"""The names of a room's keys in Redis.

Keys, with ``P`` the configured prefix and ``R`` the room (in braces, so that a cluster keeps a room in one place):
``P:rooms`` (set), ``P:{R}:participants`` (set), ``P:{R}:presence:USER`` (string, 30 s), ``P:{R}:roles`` and
``P:{R}:permissions`` (hashes, 1 hour), ``P:{R}:overrides`` (hash, 1 hour: permissions that were set one by one),
``P:{R}:bans``, ``:waiting``, ``:admitted`` and ``:hands`` (hashes, while the room lives),
``P:{R}:chat`` and ``:chat-reads`` (hashes of messages by id and of read marks, while the room lives),
``P:{R}:files`` (hash of transfers by id, while the room lives), ``P:{R}:breakouts`` (hash by id) and
``P:{R}:breakout-places`` (hash of users who belong to one, while the room lives),
``P:{R}:settings`` (string, 24 hours), ``P:{R}:e2ee`` (hash of public keys by user, 24 hours),
``P:{R}:live`` (hash of live streams by id, 24 hours after the last change; their keys under seal), ``P:live`` (set of
``STREAM R`` of the streams that run).
The event log's are in ``signaling/events/keys.py``.
"""

from __future__ import annotations

from signaling import effects as fx
from signaling.key_base import room_base


class RoomKeys:
    """Of one room."""

    __slots__ = (
        "_room",
        "chat",
        "chat_reads",
        "e2ee",
        "live",
        "overrides",
        "participants",
        "permissions",
        "roles",
        "room_id",
        "settings",
    )

    def __init__(self, prefix: str, room_id: str) -> None:
        self._room = room_base(prefix, room_id)
        self.room_id = room_id
        self.participants = f"{self._room}:participants"
        self.roles = f"{self._room}:roles"
        self.permissions = f"{self._room}:permissions"
        self.overrides = f"{self._room}:overrides"
        self.settings = f"{self._room}:settings"
        self.chat = f"{self._room}:chat"
        self.chat_reads = f"{self._room}:chat-reads"
        self.e2ee = f"{self._room}:e2ee"
        self.live = f"{self._room}:live"

    def table(self, table: fx.Table) -> str:
        """One of the hashes that live with the room."""
        return f"{self._room}:{table.value}"

    def presence(self, username: str) -> str:
        """There while somebody is in the room."""
        return f"{self._room}:presence:{username}"
