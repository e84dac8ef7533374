"""Keys of end-to-end encryption, passed on. Nothing here may log a payload."""

from __future__ import annotations

from signaling.context import Context
from signaling.e2ee import exchange, keep
from signaling.effects import Broadcast, Effects, Send
from signaling.envelope import iso_utc
from signaling.errors import ErrorCode, RoomError
from signaling.messages.base import Outgoing
from signaling.messages.e2ee import KeptKey, KeyExchangeRequest, RatchetUpdate, RatchetUpdateRequest
from signaling.room import Participant, Room
from signaling.rules import find


def key_exchange(room: Room, participant: Participant, message: KeyExchangeRequest, context: Context) -> Effects:
    """Give a public key to everybody, who comes later too, or to one participant."""
    key = KeptKey(
        public_key=message.public_key,
        key_id=message.key_id,
        algorithm=message.algorithm,
        kept_unix=context.now_unix,
    )
    told = exchange(participant.username, key, message.target_user_id)
    passed = _pass_on(room, participant, told, message.target_user_id)
    return passed if message.target_user_id is not None else [*passed, *keep(room, participant.username, key)]


def ratchet_update(room: Room, participant: Participant, message: RatchetUpdateRequest, context: Context) -> Effects:
    """Tell everybody, or one participant, of the next key."""
    told = RatchetUpdate(
        user_id=participant.username,
        ratchet_key=message.ratchet_key,
        chain_index=message.chain_index,
        timestamp=iso_utc(context.now_unix),
        target_user_id=message.target_user_id,
    )
    return _pass_on(room, participant, told, message.target_user_id)


def _pass_on(room: Room, participant: Participant, told: Outgoing, target: str | None) -> Effects:
    sender = participant.username
    if target is None:
        return [Broadcast(told, sender=sender, without=frozenset({sender}))]
    if find(room, target).username == sender:
        raise RoomError(
            ErrorCode.INVALID_MESSAGE, "Nobody needs a key of their own.", details={"field": "target_user_id"}
        )
    return [Send(target, told, sender=sender)]
