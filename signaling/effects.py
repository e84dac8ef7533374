"""What handlers want done. Handlers only decide; the live room carries effects out, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import SecretStr

from signaling.messages.base import Leg, Outgoing
from signaling.messages.negotiation import CandidateInit
from signaling.messages.preferences import PreferencesRequest
from signaling.messages.recordings import RecordingOptions
from signaling.model import Permissions, Role, RoomSettings, Source

# -- messages ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Send:
    """One message to one participant; ``reply``: it answers the message that is being handled."""

    to: str
    message: Outgoing
    sender: str | None = None
    reply: bool = False


EVERYWHERE = "*"
"""The main room and all breakout rooms."""


@dataclass(frozen=True, slots=True)
class Broadcast:
    """One message to all in the room but ``without``; ``reply``: the sender's own copy is the answer.

    ``area``: only to those in that breakout room, or (None) in the main room.
    """

    message: Outgoing
    sender: str | None = None
    without: frozenset[str] = frozenset()
    reply: bool = False
    area: str | None = EVERYWHERE


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


@dataclass(frozen=True, slots=True)
class LetIn:
    """Bring somebody from the waiting room into the room, on the same WebSocket."""

    username: str


@dataclass(frozen=True, slots=True)
class LookAtWaiting:
    """Something has changed for those who wait: let in who may come in now, tell the others their place."""


@dataclass(frozen=True, slots=True)
class EndViewing:
    """End what a user watches by WHEP."""

    username: str


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


@dataclass(frozen=True, slots=True)
class TakePreferences:
    """A subscriber's wishes have changed."""

    username: str
    request: PreferencesRequest


@dataclass(frozen=True, slots=True)
class MoveMedia:
    """Bring the media of participants to where they are now: user → breakout room, or None for the main room."""

    places: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class LookAtBreakouts:
    """Breakout rooms came or went: wait for what their time brings about next."""


@dataclass(frozen=True, slots=True)
class LookAtOffers:
    """What others may receive has changed: make them their offers, soon."""


# -- chat --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FetchPreview:
    """Read the page that a chat message links to."""

    message_id: str
    url: str


@dataclass(frozen=True, slots=True)
class StartRecording:
    """Begin to record the room; ``username`` None: by its setting."""

    recording_id: str
    username: str | None
    options: RecordingOptions


@dataclass(frozen=True, slots=True)
class StopRecording:
    """Let a recording finish."""

    recording_id: str
    username: str | None


@dataclass(frozen=True, slots=True)
class LookAtRecording:
    """Begin to record, if the room's setting says so and somebody is there."""


@dataclass(frozen=True, slots=True)
class DropImages:
    """Delete uploaded images."""

    image_ids: tuple[str, ...]


# -- live streams ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StartLive:
    """Begin a live stream that the room's book holds; the key is a secret."""

    stream_id: str
    key: SecretStr


@dataclass(frozen=True, slots=True)
class StopLive:
    """End a live stream."""

    stream_id: str


@dataclass(frozen=True, slots=True)
class ArrangeLive:
    """Make the picture of the live streams as the room's book says."""


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
    overrides: Mapping[str, bool] = field(default_factory=dict)


class Table(StrEnum):
    """What is kept in Redis as long as the room lives, one entry a user or a file transfer."""

    BANS = "bans"
    WAITING = "waiting"
    ADMITTED = "admitted"
    HANDS = "hands"
    FILES = "files"
    BREAKOUTS = "breakouts"
    BREAKOUT_PLACES = "breakout-places"
    SEATS = "seats"


@dataclass(frozen=True, slots=True)
class SaveEntry:
    """An entry of one of the room's tables, as it is now."""

    table: Table
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class ForgetEntry:
    """An entry that is no more."""

    table: Table
    key: str


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


@dataclass(frozen=True, slots=True)
class SaveE2eeKey:
    """Somebody's public key, as it is now, and whose are to be forgotten. Kept for a day, beyond the room's life."""

    username: str
    record: str
    forgotten: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SaveLive:
    """A live stream, as it is now; kept for a day after its end. ``running``: a new process has to go on with it."""

    stream_id: str
    record: str
    running: bool


@dataclass(frozen=True, slots=True)
class ForgetLive:
    """A live stream that ended long ago."""

    stream_id: str


@dataclass(frozen=True, slots=True)
class AppendEvent:
    """One event of the room's log. ``writer`` and ``number`` name it; ``tally``: what ``user``'s event counts for."""

    writer: str
    number: int
    type: str
    actor: str | None
    at_unix: float
    payload: str
    tally: str
    user: str


@dataclass(frozen=True, slots=True)
class Record:
    """Something for the room's event log that no other effect tells."""

    type: str
    actor: str | None
    payload: Mapping[str, Any]


TableEffect = SaveEntry | ForgetEntry | SaveE2eeKey | SaveLive | ForgetLive
ChatStateEffect = SaveChat | ForgetChat | SaveChatRead
StateEffect = (
    SaveParticipant | ForgetParticipant | RenewPresence | SaveRole | SaveSettings | TableEffect | ChatStateEffect
)
EngineEffect = (
    TakeOffer | TakeAnswer | TakeCandidate | RestartSubscribe | SetMuted | MoveMedia | TakePreferences | LookAtOffers
)
DoorEffect = EndSession | Leave | LetIn | LookAtWaiting | EndViewing | LookAtBreakouts
ChatEffect = FetchPreview | DropImages
LiveEffect = StartLive | StopLive | ArrangeLive
RecordingEffect = StartRecording | StopRecording | LookAtRecording
OutputEffect = LiveEffect | RecordingEffect
Effect = ChatEffect | OutputEffect | Send | Broadcast | Relay | Record | DoorEffect | EngineEffect | StateEffect
Effects = list[Effect]
