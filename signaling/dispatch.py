"""From a message to its handler: the type is known, the payload valid, and its sender in the right place."""

from __future__ import annotations

from pydantic import ValidationError

from signaling.admission import waiting_for_approval
from signaling.catalogue import CATALOGUE, MessageType
from signaling.context import Context
from signaling.effects import Effects
from signaling.envelope import Frame, explain
from signaling.errors import ErrorCode, RoomError
from signaling.messages.base import Incoming
from signaling.room import Participant, Room
from signaling.waiting import Waiter


def dispatch(room: Room, participant: Participant, frame: Frame, context: Context) -> Effects:
    """What a participant's message does; raises RoomError."""
    line = _line(frame)
    assert line.handle is not None
    return line.handle(room, participant, _read(line, frame), context)


def dispatch_waiting(room: Room, waiter: Waiter, frame: Frame, context: Context) -> Effects:
    """What a message of one who waits does; raises RoomError, ``waiting_for_approval`` for most types."""
    line = _line(frame)
    if line.while_waiting is None:
        raise waiting_for_approval()
    return line.while_waiting(room, waiter, _read(line, frame), context)


def _line(frame: Frame) -> MessageType:
    line = CATALOGUE.get(frame.type)
    if line is None or line.receives is None:
        raise RoomError(ErrorCode.INVALID_MESSAGE, "Unknown message type.", details={"type": frame.type})
    return line


def _read(line: MessageType, frame: Frame) -> Incoming:
    assert line.receives is not None
    try:
        return line.receives.model_validate(frame.payload)
    except ValidationError as error:
        raise explain(error) from None
