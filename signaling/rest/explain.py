"""REST: why a participant gets what it gets."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from sfu.explaining import ConsumerExplained, explain_connection, explain_consumer, explain_uplink
from sfu.wishes import Mode, Quality
from signaling.errors import ErrorCode, RoomError
from signaling.live_room import LiveRoom
from signaling.messages.preferences import LayerInfo, TrackStatus
from signaling.model import Kind, Source
from signaling.rest.calls import REFUSALS, Call
from signaling.room import Participant, Publication
from signaling.rules import find, has

if TYPE_CHECKING:
    from sfu.transport import Transport


class EstimateChange(BaseModel):
    """The estimate went from one value to another; a climb of small steps is one change."""

    at: str = Field(description="When it began (ISO 8601, UTC).")
    until: str = Field(description="When it ended.")
    from_bps: int = Field(description="Before, bits a second.")
    to_bps: int = Field(description="After, bits a second.")
    reason: str = Field(description="Why.")


class EstimateInfo(BaseModel):
    """What the path to the participant carries, and the figures behind it."""

    estimate_bps: int = Field(description="Bits a second.")
    reason: str = Field(description="The limiting cause.")
    wanted_bps: int = Field(description="What would be sent if the path allowed.")
    allocated_bps: int = Field(description="What the layers that were chosen need.")
    sent_bps: int = Field(description="What is sent.")
    acknowledged_bps: int | None = Field(description="What arrives; null: not known.")
    application_limited: bool = Field(description="Whether so little is sent that the path is not being tried.")
    usage: str = Field(description="What the delay says: `underuse`, `normal` or `overuse`.")
    queue_ms: float = Field(description="Delay that stands in the path's queue.")
    pacer_queue_ms: float = Field(description="How long the oldest packet waits before it is sent.")
    loss: float = Field(description="Share of packets lost, 0.0 to 1.0.")
    own_loss: float = Field(description="The part of the loss that does not depend on the rate.")
    rtt_ms: float = Field(description="Round trip.")
    feedback: str = Field(description="What the client tells: `transport-wide`, `reports` or `none`.")
    changes: list[EstimateChange] = Field(description="The last changes, oldest first.")


class TargetChange(BaseModel):
    """The layer that is to be sent has changed."""

    at: str = Field(description="When (ISO 8601, UTC).")
    from_layer: str = Field(description="Before, as rid/spatial/temporal; `none`: nothing.")
    to_layer: str = Field(description="After.")
    reason: str = Field(description="Why.")


class WishInfo(BaseModel):
    """What the participant wants of a track."""

    visible: bool = Field(description="Whether it can be seen.")
    width: int = Field(description="How wide it is shown; 0: not told.")
    height: int = Field(description="How high it is shown; 0: not told.")
    quality: Quality = Field(description="The best layer that is wanted.")
    pinned: bool = Field(description="Whether it comes before other video.")


class ReceivedTrack(TrackStatus):
    """A track that the participant receives."""

    publication_id: str = Field(description="The track.")
    user_id: str = Field(description="Its publisher.")
    source: Source = Field(description="What it shows.")
    kind: Kind = Field(description="Its medium.")
    state: str = Field(description="`new`, `waiting` (for a key frame), `forwarding` or `halted`.")
    wish: WishInfo = Field(description="What the participant wants of it.")
    packets: int = Field(description="Packets sent.")
    resent_packets: int = Field(description="Packets sent again because they were lost.")
    loss: float = Field(description="Share lost at the last report, 0.0 to 1.0.")
    rtt_ms: float | None = Field(description="Round trip; null: not known.")
    changes: list[TargetChange] = Field(description="The last changes, oldest first.")


class SentLayer(LayerInfo):
    """An encoding that the participant sends, as it arrives."""

    ssrc: int = Field(description="Its SSRC.")
    wanted: bool = Field(description="Whether anybody wants it.")
    active: bool = Field(description="Whether packets arrive.")


class SentTrack(BaseModel):
    """A track that the participant publishes."""

    publication_id: str = Field(description="The track.")
    source: Source = Field(description="What it shows.")
    kind: Kind = Field(description="Its medium.")
    layers: list[SentLayer] = Field(description="Its encodings, the smallest first.")


class ConnectionInfo(BaseModel):
    """One of the participant's two connections."""

    role: str = Field(description="`publish` or `subscribe`.")
    state: str = Field(description="Its state.")
    failure: str | None = Field(description="Why it failed; null: it did not.")
    ice_path: str | None = Field(description="`udp` or `tcp`, as it arrives here (a TURN relay is `udp`); null: none.")
    local: str | None = Field(description="Our side of the candidate pair, address and port.")
    remote: str | None = Field(description="The other side; with TURN, that of the relay.")


class Explanation(BaseModel):
    """Why a participant gets what it gets."""

    room_id: str = Field(description="The room.")
    user_id: str = Field(description="Whom it is about.")
    at: str = Field(description="When it was read (ISO 8601, UTC).")
    mode: Mode = Field(description="What the participant wants in all.")
    estimate: EstimateInfo | None = Field(description="The path to it; null: it receives nothing.")
    received: list[ReceivedTrack] = Field(description="What it receives.")
    sent: list[SentTrack] = Field(description="What it publishes.")
    connections: list[ConnectionInfo] = Field(description="Its connections.")


def create_router() -> APIRouter:
    """The route, below ``/webrtc``."""
    router = APIRouter(prefix="/webrtc", tags=["people"], responses=REFUSALS)

    @router.get("/rooms/{room_id}/participants/{user_id}/explain", summary="Why a participant gets what it gets")
    async def explain(call: Call, user_id: str) -> Explanation:
        """For the participant itself, and for who may manage participants."""
        live = call.live()
        caller = call.participant()
        if caller.username != user_id and not has(caller.permissions, "can_manage_participants"):
            raise RoomError(
                ErrorCode.PERMISSION_DENIED,
                "You do not have the right to do this.",
                details={"permission": "can_manage_participants"},
            )
        return explanation(live, find(live.room, user_id), time.monotonic(), time.time())

    return router


def explanation(live: LiveRoom, participant: Participant, now: float, now_unix: float) -> Explanation:
    """All that is known of a participant's media. ``now`` is monotonic, as the engine's times are."""
    pair = live.negotiation.transports_of(participant.username)
    clock = _Clock(now_unix - now)
    subscribe = pair.subscribe
    return Explanation(
        room_id=live.room.room_id,
        user_id=participant.username,
        at=clock.iso(now),
        mode=subscribe.mode if subscribe is not None else Mode.AUTO,
        estimate=_estimate(subscribe, clock, now),
        received=_received(live, subscribe, clock, now),
        sent=[_sent(live, publication, now) for publication in participant.publications.values()],
        connections=[
            ConnectionInfo(**asdict(explain_connection(t))) for t in (pair.publish, subscribe) if t is not None
        ],
    )


class _Clock:
    """From the engine's monotonic seconds to time of day."""

    def __init__(self, offset_s: float) -> None:
        self._offset_s = offset_s

    def iso(self, at: float) -> str:
        when = datetime.fromtimestamp(at + self._offset_s, UTC)
        return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _estimate(subscribe: Transport | None, clock: _Clock, now: float) -> EstimateInfo | None:
    downlink = subscribe.downlink if subscribe is not None else None
    if downlink is None:
        return None
    changes = [
        EstimateChange(
            at=clock.iso(change.at),
            until=clock.iso(change.until),
            from_bps=change.from_bps,
            to_bps=change.to_bps,
            reason=change.reason.value,
        )
        for change in downlink.estimator.changes()
    ]
    figures = downlink.estimator.explain() | {
        "allocated_bps": downlink.chooser.chosen_bps,
        "pacer_queue_ms": round(downlink.sender.pacer.queue_s(now) * 1000, 1),
        "changes": changes,
    }
    return EstimateInfo.model_validate(figures)


def _received(live: LiveRoom, subscribe: Transport | None, clock: _Clock, now: float) -> list[ReceivedTrack]:
    tracks = []
    for consumer in subscribe.sending.consumers.values() if subscribe is not None else ():
        publication = live.room.publication(consumer.producer.id)
        if publication is not None:
            tracks.append(_track(publication, explain_consumer(consumer), clock))
    return tracks


def _track(publication: Publication, found: ConsumerExplained, clock: _Clock) -> ReceivedTrack:
    values: dict[str, Any] = asdict(found)
    status = values.pop("status")
    del values["producer_id"], values["kind"]
    for change in values["changes"]:
        change["at"] = clock.iso(change["at"])
    return ReceivedTrack(
        publication_id=publication.publication_id,
        user_id=publication.user_id,
        source=publication.source,
        kind=publication.kind,
        **status,
        **values,
    )


def _sent(live: LiveRoom, publication: Publication, now: float) -> SentTrack:
    producer = live.router.producers.get(publication.publication_id)
    layers = []
    for found in explain_uplink(producer, now) if producer is not None else ():
        values = asdict(found)
        layers.append(SentLayer(**values.pop("layer"), **values))
    return SentTrack(
        publication_id=publication.publication_id, source=publication.source, kind=publication.kind, layers=layers
    )
