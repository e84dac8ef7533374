"""What handlers want done. Handlers only decide; the live room carries effects out, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from signaling.messages.base import Leg, Outgoing
from signaling.messages.negotiation import CandidateInit
from signaling.model import Permissions, Role, RoomSettings, Source

# -- messages ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Send:
    """One message to one participant; ``reply``: it answers the message that is being handled."""

    to: str
    message: Outgoing
    sender: str | None = None
    reply: bool = False


@dataclass(frozen=True, slots=True)
class Broadcast:
    """One message to all in the room but ``without``; ``reply``: the sender's own copy is the answer."""

    message: Outgoing
    sender: str | None = None
    without: frozenset[str] = frozenset()
    reply: bool = False


@dataclass(frozen=True, slots=True)
class Relay:
    """A payload passed on untouched to one participant."""

    to: str
    type: str
    payload: Mapping[str, Any]
    sender: str


@dataclass(frozen=True, slots=True)
class EndSession:
    """Close a participant's WebSocket."""

    username: str
    close_code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Leave:
    """Take a participant out of the room."""

    username: str
    reason: str


# -- engine ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TakeOffer:
    """Give a client's offer to its publish transport."""

    username: str
    sdp: str
    sources: Mapping[str, Source] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TakeAnswer:
    """Give a client's answer to its subscribe transport."""

    username: str
    sdp: str


@dataclass(frozen=True, slots=True)
class TakeCandidate:
    """Give a client's candidate to one of its transports; None: there are no more."""

    username: str
    leg: Leg
    candidate: CandidateInit | None


@dataclass(frozen=True, slots=True)
class RestartSubscribe:
    """Offer anew on the subscribe transport, with new ICE credentials."""

    username: str


@dataclass(frozen=True, slots=True)
class SetMuted:
    """Stop or resume forwarding of a publication."""

    publication_id: str
    muted: bool


# -- chat --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FetchPreview:
    """Read the page that a chat message links to."""

    message_id: str
    url: str


@dataclass(frozen=True, slots=True)
class DropImages:
    """Delete uploaded images."""

    image_ids: tuple[str, ...]


# -- state in Redis ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SaveParticipant:
    """Somebody is in the room."""

    username: str


@dataclass(frozen=True, slots=True)
class ForgetParticipant:
    """Somebody is no longer in the room."""

    username: str


@dataclass(frozen=True, slots=True)
class RenewPresence:
    """Somebody is alive."""

    username: str


@dataclass(frozen=True, slots=True)
class SaveRole:
    """Somebody's role and permissions, as they are now."""

    username: str
    role: Role
    permissions: Permissions


@dataclass(frozen=True, slots=True)
class SaveSettings:
    """The room's settings, as they are now."""

    settings: RoomSettings


@dataclass(frozen=True, slots=True)
class SaveChat:
    """A chat message, as it is now."""

    message_id: str
    record: str


@dataclass(frozen=True, slots=True)
class ForgetChat:
    """Chat messages, and read marks, that are kept no longer."""

    message_ids: tuple[str, ...]
    read_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SaveChatRead:
    """How far somebody has read, as it is now."""

    read_key: str
    record: str


ChatStateEffect = SaveChat | ForgetChat | SaveChatRead
StateEffect = ChatStateEffect | SaveParticipant | ForgetParticipant | RenewPresence | SaveRole | SaveSettings
EngineEffect = TakeOffer | TakeAnswer | TakeCandidate | RestartSubscribe | SetMuted
ChatEffect = FetchPreview | DropImages
Effect = ChatEffect | Send | Broadcast | Relay | EndSession | Leave | EngineEffect | StateEffect
Effects = list[Effect]
