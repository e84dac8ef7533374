"""What all live rooms of a process share."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sfu.totals import Histogram
from signaling import effects as fx
from signaling.audience.near import AudienceServices
from signaling.events.options import EventOptions
from signaling.live.desk import LiveDesk
from signaling.offer_turns import OfferTurns
from signaling.options import RoomOptions
from signaling.recordings import NoRecordings, RecordingPort
from signaling.tracing import JoinTraces

if TYPE_CHECKING:
    from signaling.live_room import LiveRoom

MESSAGE_BOUNDS_S = (0.000_25, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)


@dataclass(slots=True)
class Surroundings:
    """Options, clocks and services; ``counters`` and ``message_seconds`` are for metrics."""

    options: RoomOptions
    save: Callable[[str, fx.StateEffect], None]
    on_empty: Callable[[LiveRoom], None]
    new_id: Callable[[], str]
    unix: Callable[[], float] = time.time
    counters: Counter[str] = field(default_factory=Counter)
    message_seconds: Histogram = field(default_factory=lambda: Histogram(MESSAGE_BOUNDS_S))
    fetch_preview: Callable[[LiveRoom, str, str], None] = lambda live, message_id, link: None
    drop_images: Callable[[str, tuple[str, ...]], None] = lambda room_id, image_ids: None
    viewing_enders: list[Callable[[str, str], None]] = field(default_factory=list)
    monotonic: Callable[[], float] = time.monotonic
    events: EventOptions = field(default_factory=EventOptions)
    append: Callable[[str, fx.AppendEvent], None] = lambda room_id, event: None
    live: LiveDesk | None = None
    recordings: RecordingPort = field(default_factory=NoRecordings)
    audiences: AudienceServices | None = None
    traces: JoinTraces | None = None
    offers: OfferTurns = field(default_factory=OfferTurns)
