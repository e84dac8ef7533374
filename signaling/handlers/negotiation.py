"""Offers, answers and candidates: checked here, carried out by the engine."""

from __future__ import annotations

from typing import Any

from signaling.context import Context
from signaling.effects import Effects, Relay, RestartSubscribe, TakeAnswer, TakeCandidate, TakeOffer
from signaling.errors import ErrorCode, RoomError
from signaling.messages.base import Leg
from signaling.messages.negotiation import AnswerRequest, CandidateRequest, IceRestartRequest, OfferRequest
from signaling.room import Participant, Room
from signaling.rules import find, require_share

_CLAIMS_OF_IDENTITY = frozenset({"sender", "sender_id", "user_id", "from"})


def offer(room: Room, participant: Participant, message: OfferRequest, context: Context) -> Effects:
    """A client publishes, or offers to another participant."""
    if message.target_user_id is not None:
        return _relay(room, participant, message.target_user_id, "offer", context)
    if message.transport is not Leg.PUBLISH:
        raise RoomError(ErrorCode.INVALID_STATE, "On the subscribe transport the server offers.")
    sources = {mid: track.source for mid, track in message.tracks.items()}
    published = {publication.source for publication in participant.publications.values()}
    for mid, source in sources.items():
        # Who has lost a right goes on negotiating what it publishes already; it is withheld from the others.
        if source not in published:
            require_share(participant, source, mid=mid)
    return [TakeOffer(participant.username, message.sdp, sources)]


def answer(room: Room, participant: Participant, message: AnswerRequest, context: Context) -> Effects:
    """A client answers the server's offer, or that of another participant."""
    if message.target_user_id is not None:
        return _relay(room, participant, message.target_user_id, "answer", context)
    if message.transport is not Leg.SUBSCRIBE:
        raise RoomError(ErrorCode.INVALID_STATE, "On the publish transport the server answers.")
    return [TakeAnswer(participant.username, message.sdp)]


def ice_candidate(room: Room, participant: Participant, message: CandidateRequest, context: Context) -> Effects:
    """A client's candidate, for the server or for another participant."""
    if message.target_user_id is not None:
        return _relay(room, participant, message.target_user_id, "ice-candidate", context)
    assert message.transport is not None
    return [TakeCandidate(participant.username, message.transport, message.candidate)]


def ice_restart(room: Room, participant: Participant, message: IceRestartRequest, context: Context) -> Effects:
    """A client wants a new connection for what it receives."""
    if message.transport is not Leg.SUBSCRIBE:
        raise RoomError(ErrorCode.INVALID_STATE, "On the publish transport, offer anew with an ICE restart.")
    return [RestartSubscribe(participant.username)]


def _relay(room: Room, participant: Participant, to: str, message_type: str, context: Context) -> Effects:
    find(room, to)
    payload: dict[str, Any] = {k: v for k, v in context.raw.items() if k not in _CLAIMS_OF_IDENTITY}
    return [Relay(to, message_type, payload | {"user_id": participant.username}, participant.username)]
