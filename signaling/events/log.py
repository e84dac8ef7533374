"""Reads the event log of a room, and what it adds up to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from signaling.errors import ErrorCode, RoomError
from signaling.events.keys import EventKeys
from signaling.options import RedisOptions
from signaling.redis_client import REDIS_FAILURES


@dataclass(frozen=True, slots=True)
class RoomEvent:
    """Something that happened. ``seq`` grows within a room; ``event_id`` is unique; ``actor``: who did it."""

    seq: int
    event_id: str
    type: str
    actor: str | None
    at_unix: float
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """Events after a number. ``first_seq``: the oldest that is kept; None: there is none at all."""

    events: list[RoomEvent]
    first_seq: int | None
    has_more: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """What a room's events add up to. Durations in seconds; those who are there now are counted until now."""

    total_participants: int
    occupied_s: float
    peak: int
    messages: int
    files: int
    average_session_s: float


class EventLog:
    """The logs of all rooms, in Redis; raises RoomError ``unavailable`` when it does not answer."""

    def __init__(self, redis: Redis, options: RedisOptions) -> None:
        self._redis = redis
        self._options = options

    def keys(self, room_id: str) -> EventKeys:
        """The keys of a room."""
        return EventKeys(self._options.key_prefix, room_id)

    async def read(self, room_id: str, since: int, limit: int) -> Page:
        """At most ``limit`` events after number ``since``, in order."""
        key = self.keys(room_id).events
        pipe: Any = self._redis.pipeline(transaction=False)
        pipe.xrange(key, min=f"{since + 1}-0", count=limit + 1)
        pipe.xrange(key, count=1)
        found, first = await self._execute(pipe)
        events = [_event(entry_id, fields) for entry_id, fields in found]
        return Page(events[:limit], _seq(first[0][0]) if first else None, len(events) > limit)

    async def summary(self, room_id: str, now_unix: float) -> Summary | None:
        """What a room's events add up to; None if there are none."""
        keys = self.keys(room_id)
        pipe: Any = self._redis.pipeline(transaction=False)
        pipe.hgetall(keys.analytics)
        pipe.scard(keys.users)
        pipe.hvals(keys.open)
        stored, users, present = await self._execute(pipe)
        if not stored:
            return None
        totals = {_text(name): float(_text(value)) for name, value in stored.items()}
        since = [float(_text(value)) for value in present]
        occupied_s = totals.get("occupied_s", 0.0)
        if since:
            occupied_s += max(0.0, now_unix - totals.get("occupied_from", now_unix))
        sessions = int(totals.get("sessions", 0)) + len(since)
        sessions_s = totals.get("sessions_s", 0.0) + sum(max(0.0, now_unix - joined) for joined in since)
        return Summary(
            total_participants=int(users),
            occupied_s=occupied_s,
            peak=int(totals.get("peak", 0)),
            messages=int(totals.get("messages", 0)),
            files=int(totals.get("files", 0)),
            average_session_s=sessions_s / sessions if sessions else 0.0,
        )

    async def _execute(self, pipe: Any) -> Any:
        try:
            async with asyncio.timeout(self._options.command_timeout_s):
                return await pipe.execute()
        except REDIS_FAILURES:
            raise RoomError(ErrorCode.UNAVAILABLE, "The event log cannot be read now.", retry_after=5) from None


def _event(entry_id: Any, fields: Mapping[Any, Any]) -> RoomEvent:
    texts = {_text(name): _text(value) for name, value in fields.items()}
    return RoomEvent(
        seq=_seq(entry_id),
        event_id=texts.get("id", ""),
        type=texts.get("type", ""),
        actor=texts.get("actor") or None,
        at_unix=float(texts.get("at", "0")),
        payload=json.loads(texts.get("payload", "{}")),
    )


def _seq(entry_id: Any) -> int:
    return int(_text(entry_id).partition("-")[0])


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
