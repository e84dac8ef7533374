"""The two Transports of each participant: publishing, and receiving all that the others publish.

The engine answers at once, so nothing here waits. What has to be told or stored comes back as effects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from sfu.connection import TransportState
from sfu.errors import NegotiationError
from sfu.transport import TransportRole
from signaling.audience.port import AudiencePort, PipedSeat
from signaling.effects import Broadcast, Effects, LookAtOffers, Send
from signaling.errors import ErrorCode, RoomError
from signaling.messages.base import Leg
from signaling.messages.negotiation import (
    CandidateInit,
    PublishAnswer,
    SubscribedTrack,
    SubscribeOffer,
    TrackPublished,
    TrackUnpublished,
)
from signaling.messages.preferences import PreferencesRequest
from signaling.messages.room import ErrorMessage
from signaling.model import Kind, Source
from signaling.preferences import Preferences
from signaling.quality_board import Pair
from signaling.room import Participant, Publication, Room
from signaling.rules import may_share

if TYPE_CHECKING:
    from sfu.consumer import Consumer
    from sfu.producer import Producer
    from sfu.router import Router
    from sfu.transport import OfferResult, Transport

log = structlog.get_logger("plenum.negotiation")

_KIND_OF_SOURCE = {
    Source.MICROPHONE: Kind.AUDIO,
    Source.SCREEN_AUDIO: Kind.AUDIO,
    Source.CAMERA: Kind.VIDEO,
    Source.SCREEN: Kind.VIDEO,
}
_DEFAULT_SOURCE = {"audio": Source.MICROPHONE, "video": Source.CAMERA}
_CODES = {"not_supported": ErrorCode.NOT_SUPPORTED, "invalid_state": ErrorCode.INVALID_STATE}


@dataclass(slots=True)
class Seat:
    """The media of one participant. ``consumers`` by publication; ``refused``: those its client cannot decode.
    ``piped``: where it receives, if that is another shard.

    At most one offer is outstanding; what changes meanwhile is in the engine's book, and offered after the answer.
    """

    username: str
    publish: Transport | None = None
    subscribe: Transport | None = None
    receives: bool = True
    consumers: dict[str, Consumer] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    piped: PipedSeat | None = None
    preferences: Preferences = field(default_factory=Preferences)
    answer_due: bool = False
    restart_wanted: bool = False


class Negotiation:
    """Brings the Room's publications and the Router's Producers and Consumers together."""

    def __init__(self, room: Room, router: Router, max_publications: int) -> None:
        self._room = room
        self._router = router
        self._max_publications = max_publications
        self._seats: dict[str, Seat] = {}
        # To whom an offer is due, in order, and whether there may be something new for them.
        self._due: dict[str, bool] = {}
        self.audience: AudiencePort | None = None

    # -- participants come and go ----------------------------------------------------------------------------------

    def enter(self, username: str, *, receives: bool = True) -> Effects:
        """Open a seat; offers all there is to see and hear. ``receives`` is False for WHIP publishers."""
        seat = self._seats[username] = Seat(username, receives=receives)
        self._due.pop(username, None)
        self._consume(seat, self._producers_for(username))
        return self._offer(seat)

    def leave(self, username: str) -> Effects:
        """Close a seat and withdraw what it published. Harmless for who has none."""
        seat = self._seats.pop(username, None)
        if seat is None:
            return []
        self._due.pop(username, None)
        effects: Effects = []
        participant = self._room.participants.get(username)
        if participant is not None:
            effects = self._withdraw(participant, list(participant.publications))
        if seat.piped is not None:
            seat.piped.close()
        for transport in (seat.publish, seat.subscribe):
            if transport is not None:
                transport.close()
        return effects

    def seat_of(self, transport: Transport) -> Seat | None:
        """Whose transport it is; None if it is nobody's any more."""
        seat = self._seats.get(transport.owner)
        if seat is not None and (seat.publish is transport or seat.subscribe is transport):
            return seat
        return None

    def transports_of(self, username: str) -> Pair:
        """What the participant publishes on, and receives on."""
        seat = self._seats.get(username)
        return Pair(seat.publish, seat.subscribe) if seat is not None else Pair(None, None)

    # -- publishing ------------------------------------------------------------------------------------------------

    def take_offer(self, participant: Participant, sdp: str, sources: Mapping[str, Source]) -> Effects:
        """Answer a publisher's offer; raises RoomError for one that cannot be used, and changes nothing then."""
        seat = self._seats[participant.username]
        transport = seat.publish
        if transport is None or transport.state is TransportState.CLOSED:
            transport = self._router.create_transport(owner=participant.username, role=TransportRole.PUBLISH)
        try:
            offered = transport.accept_offer(sdp, {mid: source.value for mid, source in sources.items()})
        except Exception as error:
            if transport is not seat.publish:
                transport.close()
            if isinstance(error, NegotiationError):
                raise refusal(error) from None
            raise
        effects = self.adopt(participant, transport, offered, sources)
        reply = PublishAnswer(sdp=offered.answer, publications=[p.info() for p in participant.publications.values()])
        return [Send(participant.username, reply, reply=True), *effects]

    def adopt(
        self, participant: Participant, transport: Transport, offered: OfferResult, sources: Mapping[str, Source]
    ) -> Effects:
        """Make ``transport`` the one the participant publishes on, and its tracks known to the others."""
        seat = self._seats.get(participant.username)
        if seat is None:
            seat = self._seats[participant.username] = Seat(participant.username, receives=not participant.by_whip)
        seat.publish = transport
        effects = self._withdraw(participant, [producer.id for producer in offered.removed])
        added, told = self._announce(participant, offered.added, sources)
        return [*effects, *told, *self._offer_to_others(participant.username, added)]

    def _announce(
        self, participant: Participant, producers: Iterable[Producer], sources: Mapping[str, Source]
    ) -> tuple[list[Producer], Effects]:
        added: list[Producer] = []
        effects: Effects = []
        for producer in producers:
            source = sources.get(producer.mid, _DEFAULT_SOURCE[producer.kind])
            problem = self._problem(participant, producer, source)
            if problem is not None:
                # The offer as a whole stands; this track arrives, but nobody is told of it and nobody gets it.
                producer.set_muted(True)
                effects.append(Send(participant.username, ErrorMessage(**problem.body().model_dump())))
                continue
            publication = Publication(producer.id, participant.username, source, Kind(producer.kind))
            publication.muted = not participant.wants(source)
            producer.set_muted(publication.muted)
            if source is Source.SCREEN:
                participant.screen_on = True
            self._room.publish(participant, publication)
            added.append(producer)
            message = TrackPublished(publication=publication.info())
            effects.append(self._to_others(participant, message))
        return added, effects

    def _problem(self, participant: Participant, producer: Producer, source: Source) -> RoomError | None:
        details = {"mid": producer.mid, "source": source.value}
        if _KIND_OF_SOURCE[source].value != producer.kind:
            return RoomError(ErrorCode.INVALID_MESSAGE, "The source does not fit the medium.", details=details)
        if not may_share(participant, source):
            return RoomError(ErrorCode.PERMISSION_DENIED, "You do not have the right to share this.", details=details)
        if len(participant.publications) >= self._max_publications:
            return RoomError(ErrorCode.INVALID_STATE, "You publish too many tracks.", details=details)
        return None

    def _withdraw(self, participant: Participant, publication_ids: Iterable[str]) -> Effects:
        effects: Effects = []
        gone = [p for i in publication_ids if (p := self._room.unpublish(participant, i)) is not None]
        for publication in gone:
            if publication.source is Source.SCREEN:
                participant.screen_on = False
            message = TrackUnpublished(
                publication_id=publication.publication_id, user_id=publication.user_id, source=publication.source
            )
            effects.append(self._to_others(participant, message))
        if gone:
            for seat in self._seats.values():
                self._drop(seat, [p.publication_id for p in gone])
            effects += self._offers()
        return effects

    def _to_others(self, participant: Participant, message: TrackPublished | TrackUnpublished) -> Broadcast:
        """To the others who are where the participant is."""
        without = frozenset({participant.username})
        area = participant.breakout_room_id
        return Broadcast(message, sender=participant.username, without=without, area=area)

    def on_publish_closed(self, participant: Participant) -> Effects:
        """The client, or the network for good, ended the publish transport: withdraw its tracks."""
        self._seats[participant.username].publish = None
        return self._withdraw(participant, list(participant.publications))

    # -- receiving -------------------------------------------------------------------------------------------------

    def take_answer(self, participant: Participant, sdp: str) -> Effects:
        """Take the answer to the outstanding offer, then offer what has changed meanwhile."""
        seat = self._seats[participant.username]
        if seat.piped is not None:
            seat.piped.take_answer(sdp)
            return []
        if seat.subscribe is None or not seat.answer_due:
            raise RoomError(ErrorCode.INVALID_STATE, "No offer is waiting for an answer.")
        try:
            refused = seat.subscribe.accept_answer(sdp)
        except NegotiationError as error:
            raise refusal(error) from None
        seat.answer_due = False
        effects: Effects = []
        for consumer in refused:
            effects.append(self._refused(seat, consumer.producer.id))
            seat.consumers.pop(consumer.producer.id, None)
            seat.subscribe.unconsume(consumer)
        # One that is due brings all that is new; another before it would only have to be answered, too.
        return effects if seat.username in self._due else effects + self._offer(seat)

    def restart(self, participant: Participant) -> Effects:
        """Offer anew with new ICE credentials; after the answer, if one is outstanding."""
        seat = self._seats[participant.username]
        if seat.piped is not None:
            seat.piped.restart()
        elif seat.subscribe is None:
            self._consume(seat, self._producers_for(participant.username))
        else:
            seat.restart_wanted = True
        return self._offer(seat)

    def take_preferences(self, username: str, request: PreferencesRequest) -> None:
        """What a subscriber wishes to receive has changed."""
        seat = self._seats.get(username)
        if seat is not None:
            seat.preferences.merge(request)
            if seat.piped is not None:
                seat.piped.tell_wishes()
            seat.preferences.apply(seat.subscribe, seat.consumers)

    def on_subscribe_closed(self, participant: Participant) -> None:
        """The subscribe transport has ended: the client asks for a restart when it wants to receive again."""
        seat = self._seats[participant.username]
        seat.subscribe = None
        seat.consumers.clear()
        seat.answer_due = False
        seat.restart_wanted = False

    def rearrange(self) -> Effects:
        """Participants have moved between breakout rooms: each receives what is where it is now, by one offer.

        The Router keeps those apart at once who are no longer together; the rest takes its turn.
        """
        if self.audience is not None:
            self.audience.refresh()
        self._due.update((seat.username, True) for seat in self._seats.values() if seat.receives)
        return self._offers()

    def _unconsume(self, seat: Seat, publication_ids: Iterable[str]) -> bool:
        """Whether there was anything to take away."""
        if seat.piped is not None:
            return seat.piped.drop(publication_ids)
        found = [c for i in publication_ids if (c := seat.consumers.pop(i, None)) is not None]
        for consumer in found:
            if seat.subscribe is not None:
                seat.subscribe.unconsume(consumer)
        return bool(found)

    def _offer_to_others(self, publisher: str, producers: list[Producer]) -> Effects:
        if producers:
            area = self._area_of(publisher)
            for seat in self._seats.values():
                if seat.receives and seat.username != publisher and self._area_of(seat.username) == area:
                    self._due[seat.username] = True
        return self._offers()

    def _consume(self, seat: Seat, producers: Iterable[Producer]) -> None:
        if not seat.receives:
            return
        producers = list(producers)
        if not producers:
            return
        if seat.piped is None and seat.subscribe is None and self.audience is not None:
            seat.piped = self.audience.seat_for(seat.username, seat.preferences)
        if seat.piped is not None:
            seat.piped.want(producer.id for producer in producers)
            return
        fresh = False
        for producer in producers:
            if seat.subscribe is None or seat.subscribe.state is TransportState.CLOSED:
                seat.subscribe = self._router.create_transport(owner=seat.username, role=TransportRole.SUBSCRIBE)
            if producer.id in seat.consumers or producer.id in seat.refused:
                continue
            try:
                seat.consumers[producer.id] = seat.subscribe.consume(producer)
                fresh = True
            except NegotiationError as error:
                log.warning("consume refused", room=self._room.room_id, participant=seat.username, code=error.code)
        if fresh:
            seat.preferences.apply(seat.subscribe, seat.consumers)

    def _drop(self, seat: Seat, publication_ids: Iterable[str]) -> None:
        gone = list(publication_ids)
        seat.refused.difference_update(gone)
        seat.preferences.forget(gone)
        if self._unconsume(seat, gone):
            self._due.setdefault(seat.username, False)

    def _offers(self) -> Effects:
        return [LookAtOffers()] if self._due else []

    @property
    def offers_due(self) -> bool:
        """Whether somebody is to get an offer."""
        return bool(self._due)

    def next_offer(self) -> Effects:
        """Make the offer that has been due the longest; nothing if its receiver has not answered the one before."""
        username = next(iter(self._due), None)
        if username is None:
            return []
        may_be_new = self._due.pop(username)
        seat = self._seats[username]
        if may_be_new:
            wanted = self._producers_for(username)
            held = seat.consumers.keys() if seat.piped is None else seat.piped.wanted
            self._unconsume(seat, set(held) - {producer.id for producer in wanted})
            self._consume(seat, wanted)
        return self._offer(seat)

    def _offer(self, seat: Seat) -> Effects:
        if seat.piped is not None:
            seat.piped.sync()
            return []
        transport = seat.subscribe
        if transport is None or seat.answer_due or transport.state is TransportState.CLOSED:
            return []
        if not (transport.needs_offer or seat.restart_wanted):
            return []
        try:
            sdp = transport.create_offer(ice_restart=seat.restart_wanted)
        except NegotiationError as error:
            log.warning("no offer", room=self._room.room_id, participant=seat.username, code=error.code)
            return []
        seat.restart_wanted = False
        seat.answer_due = True
        return [Send(seat.username, SubscribeOffer(sdp=sdp, tracks=self._tracks(seat)))]

    def _tracks(self, seat: Seat) -> dict[str, SubscribedTrack]:
        tracks: dict[str, SubscribedTrack] = {}
        for publication_id, consumer in seat.consumers.items():
            publication = self._room.publication(publication_id)
            if publication is not None and consumer.mid is not None:
                tracks[consumer.mid] = SubscribedTrack(
                    publication_id=publication_id,
                    user_id=publication.user_id,
                    source=publication.source,
                    kind=publication.kind,
                )
        return tracks

    def _refused(self, seat: Seat, publication_id: str) -> Send:
        seat.refused.add(publication_id)
        publication = self._room.publication(publication_id)
        details = {"publication_id": publication_id, "user_id": publication.user_id if publication else None}
        error = RoomError(ErrorCode.NOT_SUPPORTED, "Your client cannot receive this track.", details=details)
        return Send(seat.username, ErrorMessage(**error.body().model_dump()))

    def _producers_for(self, username: str) -> list[Producer]:
        """What others publish where the participant is."""
        return self._producers(p for p in self._room.publications_in(self._area_of(username)) if p.user_id != username)

    def _producers(self, publications: Iterable[Publication]) -> list[Producer]:
        found = (self._router.producers.get(publication.publication_id) for publication in publications)
        return [producer for producer in found if producer is not None]

    def _area_of(self, username: str) -> str | None:
        participant = self._room.participants.get(username)
        return participant.breakout_room_id if participant is not None else None

    # -- both ------------------------------------------------------------------------------------------------------

    def take_candidate(self, participant: Participant, leg: Leg, candidate: CandidateInit | None) -> Effects:
        """Pass a client's candidate on; one that comes before its transport says nothing an ICE-lite server needs."""
        seat = self._seats[participant.username]
        transport = seat.publish if leg is Leg.PUBLISH else seat.subscribe
        if transport is None:
            return []
        try:
            transport.add_remote_candidate(candidate.candidate if candidate is not None else None)
        except NegotiationError as error:
            raise refusal(error) from None
        return []

    def set_muted(self, publication_id: str, muted: bool) -> None:
        """Stop or resume forwarding."""
        producer = self._router.producers.get(publication_id)
        if producer is not None:
            producer.set_muted(muted)


def refusal(error: NegotiationError) -> RoomError:
    """What a client is told of a negotiation that failed."""
    code = _CODES.get(error.code, ErrorCode.INVALID_MESSAGE)
    return RoomError(code, error.message, details={"reason": error.code})
