"""What a handler is given beside room, participant and message: time, chance and options as values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from signaling.options import RoomOptions


@dataclass(frozen=True, slots=True)
class Context:
    """``now_unix``: seconds since 1970. ``raw``: the payload as the client wrote it, for what is relayed untouched.

    ``origin``: the session and the id of the message, joined by a colon; empty for a REST call.
    ``live_urls``: where streaming platforms take streams.
    """

    now_unix: float
    new_id: Callable[[], str]
    options: RoomOptions
    raw: Mapping[str, Any] = field(default_factory=dict)
    origin: str = ""
    live_urls: Mapping[str, str] = field(default_factory=dict)
