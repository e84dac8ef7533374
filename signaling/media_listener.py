"""What the engine tells a room: states of Transports, and who is heard."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import structlog

from sfu.connection import TransportState
from signaling.effects import Broadcast, Effects, Send
from signaling.errors import ErrorCode, RoomError
from signaling.messages.base import Leg
from signaling.messages.preferences import PublishLayers
from signaling.messages.room import ErrorMessage
from signaling.negotiation import Negotiation
from signaling.preferences import subscription_status
from signaling.room import Room
from signaling.speakers import SpeakerBoard
from signaling.tracing import JoinTraces

if TYPE_CHECKING:
    from sfu.producer import Producer
    from sfu.transport import Transport

log = structlog.get_logger("plenum.room")

Watcher = Callable[[TransportState], None]
TOLD = frozenset({TransportState.CONNECTED, TransportState.DISCONNECTED, TransportState.FAILED})
"""States that are in the log of each day."""


class MediaListener:
    """The Router's listener; ``apply`` carries out what follows."""

    def __init__(
        self, room: Room, negotiation: Negotiation, apply: Callable[[Effects], None], speakers_interval_s: float
    ) -> None:
        self._room = room
        self._negotiation = negotiation
        self._apply = apply
        self._watchers: dict[str, Watcher] = {}
        self._speakers: dict[str | None, SpeakerBoard] = {}
        self._speakers_interval_s = speakers_interval_s
        self._speakers_due: dict[str | None, tuple[str | None, dict[str, float]]] = {}
        self._speakers_timer: asyncio.TimerHandle | None = None
        self._closed = False
        self.traces: JoinTraces | None = None
        self._log = log.bind(room=room.room_id)

    # -- Transports ------------------------------------------------------------------------------------------------

    def watch(self, transport: Transport, watcher: Watcher) -> None:
        """Tell ``watcher`` of the states of a transport that belongs to a WHIP or WHEP session."""
        self._watchers[transport.id] = watcher

    def unwatch(self, transport: Transport) -> None:
        """Stop telling."""
        self._watchers.pop(transport.id, None)

    def on_transport_state(self, transport: Transport) -> None:
        """A Transport's state changed (called by the Router, which must never see a failure of ours)."""
        try:
            self._on_state(transport)
        except Exception:
            self._log.exception("transport state failed", transport=transport.id)

    def _on_state(self, transport: Transport) -> None:
        state = transport.state
        tell = self._log.info if state in TOLD else self._log.debug
        tell("transport", participant=transport.owner, transport=transport.id, state=state.value)
        if self.traces is not None:
            self.traces.on_transport(self._room.room_id, transport.owner, transport.role.value, state.value)
        watcher = self._watchers.get(transport.id)
        if watcher is not None:
            watcher(state)
            return
        seat = self._negotiation.seat_of(transport)
        participant = self._room.participants.get(transport.owner)
        if seat is None or participant is None:
            return
        leg = Leg.PUBLISH if seat.publish is transport else Leg.SUBSCRIBE
        if state is TransportState.CLOSED:
            if leg is Leg.PUBLISH:
                self._apply(self._negotiation.on_publish_closed(participant))
            else:
                self._negotiation.on_subscribe_closed(participant)
        elif state is TransportState.FAILED:
            error = RoomError(
                ErrorCode.MEDIA_FAILED, "The media connection has failed.", details={"transport": leg.value}
            )
            self._apply([Send(participant.username, ErrorMessage(**error.body().model_dump()))])

    def on_wanted_layers(self, producer: Producer, layers: Mapping[str, bool]) -> None:
        """Which encodings of a track anybody wants has changed (called by the Router): its publisher is told."""
        participant = self._room.participants.get(producer.owner)
        if participant is not None and producer.id in participant.publications and not participant.by_whip:
            message = PublishLayers(publication_id=producer.id, layers=dict(layers))
            self._apply([Send(participant.username, message)])

    def on_subscription(self, transport: Transport) -> None:
        """What a subscriber gets has changed (called by the Router)."""
        seat = self._negotiation.seat_of(transport)
        if seat is not None and seat.subscribe is transport:
            self._apply([Send(seat.username, subscription_status(transport))])

    # -- speakers --------------------------------------------------------------------------------------------------

    def on_speakers(self, dominant: str | None, levels: dict[str, float], group: str | None = None) -> None:
        """Who is heard in a breakout room, or in the main room, has changed (called by the Router, often)."""
        self._speakers_due[group] = (dominant, levels)
        if self._speakers_timer is None:
            self._tell_speakers()

    def _tell_speakers(self) -> None:
        self._speakers_timer = None
        if not self._speakers_due or self._closed:
            return
        due, self._speakers_due = self._speakers_due, {}
        for area, (dominant, levels) in due.items():
            message = self._board(area).update(dominant, levels)
            if message is not None:
                self._apply([Broadcast(message, area=area)])
        self._speakers_timer = asyncio.get_running_loop().call_later(self._speakers_interval_s, self._tell_speakers)

    def speakers_anew(self) -> None:
        """People have moved: all are told again who speaks where they are now, as soon as the Router says so."""
        areas = {None, *(p.breakout_room_id for p in self._room.participants.values())}
        self._speakers = {area: self._board(area) for area in areas}
        self._speakers_due.clear()
        for board in self._speakers.values():
            board.tell_anew()

    def _board(self, area: str | None) -> SpeakerBoard:
        return self._speakers.setdefault(area, SpeakerBoard(self._room, area))

    def close(self) -> None:
        """The room has ended, and its Router: tell the watchers."""
        self._closed = True
        if self._speakers_timer is not None:
            self._speakers_timer.cancel()
        for watcher in list(self._watchers.values()):
            watcher(TransportState.CLOSED)
