"""Room, Participant and Publication: what is so, without sockets, engine or clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from signaling.bans import Ban
from signaling.breakouts.rooms import Breakouts
from signaling.chat.log import ChatLog
from signaling.envelope import iso_utc
from signaling.files.transfer import TransferBook
from signaling.live.book import LiveBook
from signaling.messages.background import VirtualBackground
from signaling.messages.e2ee import KeptKey
from signaling.messages.recordings import RecordingInfo
from signaling.messages.room import ParticipantInfo, PublicationInfo
from signaling.model import Kind, Permissions, Role, RoomSettings, Source
from signaling.waiting import WaitingRoom

SCREEN_SOURCES = frozenset({Source.SCREEN, Source.SCREEN_AUDIO})


@dataclass(slots=True)
class Publication:
    """A track that a participant announces; its id is that of the engine's Producer.

    ``withheld``: it is muted because its publisher has lost the right to share it.
    """

    publication_id: str
    user_id: str
    source: Source
    kind: Kind
    muted: bool = False
    withheld: bool = False

    def info(self) -> PublicationInfo:
        """What others are told."""
        return PublicationInfo(
            publication_id=self.publication_id,
            user_id=self.user_id,
            source=self.source,
            kind=self.kind,
            muted=self.muted,
        )


@dataclass(frozen=True, slots=True)
class Reported:
    """What a client said of its own connection; ``rtt_ms`` None: it does not know."""

    rtt_ms: float | None
    at_unix: float


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is known of a user from before: role, permissions that were set one by one, a name given by others."""

    role: Role
    overrides: Mapping[str, bool] = field(default_factory=dict)
    display_name: str | None = None


@dataclass(slots=True)
class Participant:
    """A user in a room.

    ``session_id`` names the WebSocket or the WHIP session by which it is here. ``microphone_on`` and its like are what
    the participant, or a moderator, wants; a microphone or camera that is published later starts accordingly.
    ``granted``: permissions that the token sets; ``overrides``: those set in the room, until the role changes.
    ``renamed``: its name was given by a moderator, and the token's does not count. ``breakout_room_id``: where it is;
    None: in the main room.
    """

    username: str
    display_name: str
    avatar_url: str | None
    role: Role
    permissions: Permissions
    joined_unix: float
    session_id: str
    granted: Mapping[str, bool] = field(default_factory=dict)
    overrides: Mapping[str, bool] = field(default_factory=dict)
    token_role: Role | None = None
    renamed: bool = False
    is_hand_raised: bool = False
    by_whip: bool = False
    breakout_room_id: str | None = None
    microphone_on: bool = True
    camera_on: bool = True
    screen_on: bool = False
    is_speaking: bool = False
    audio_level: float = 0.0
    connection_quality: str | None = None
    reported: Reported | None = None
    virtual_background: VirtualBackground | None = None
    publications: dict[str, Publication] = field(default_factory=dict)

    @property
    def may_host(self) -> bool:
        """Guests never become hosts by themselves, nor does an encoder that publishes by WHIP."""
        return self.role is not Role.GUEST and not self.by_whip

    def wants(self, source: Source) -> bool:
        """Whether tracks of ``source`` are to be forwarded."""
        if source is Source.MICROPHONE:
            return self.microphone_on
        if source is Source.CAMERA:
            return self.camera_on
        return True  # publishing a screen is the wish to show it

    def shows_again(self, source: Source) -> bool:
        """Whether a track of ``source`` that was withheld is to be forwarded when it may be again."""
        if source not in SCREEN_SOURCES:
            return self.wants(source)
        return self.screen_on or all(p.source is not Source.SCREEN for p in self.publications.values())

    def shows(self, *sources: Source) -> bool:
        """Whether a track of ``sources`` is published and not muted."""
        return any(p.source in sources and not p.muted for p in self.publications.values())

    def info(self) -> ParticipantInfo:
        """What others are told."""
        return ParticipantInfo(
            username=self.username,
            display_name=self.display_name,
            avatar_url=self.avatar_url,
            connection_quality=self.connection_quality,
            is_speaking=self.is_speaking,
            audio_level=self.audio_level,
            is_hand_raised=self.is_hand_raised,
            role=self.role,
            joined_at=iso_utc(self.joined_unix),
            audio_enabled=self.shows(Source.MICROPHONE),
            video_enabled=self.shows(Source.CAMERA),
            screen_sharing=self.shows(Source.SCREEN),
            virtual_background=self.virtual_background,
            breakout_room_id=self.breakout_room_id,
        )


class Room:
    """A named meeting. ``participants`` is in order of joining.

    ``hands``: who raised its hand, and when, first in first out. ``admitted``: who has been let in once and needs no
    approval any more. ``was_entered``: people, not only encoders, have been in it. ``remembered``: users who are not
    here now, as far as something is known of them.
    """

    def __init__(self, room_id: str, settings: RoomSettings, created_unix: float) -> None:
        self.room_id = room_id
        self.settings = settings
        self.created_unix = created_unix
        self.participants: dict[str, Participant] = {}
        self.chat = ChatLog()
        self.remembered: dict[str, Remembered] = {}
        self.waiting = WaitingRoom()
        self.admitted: set[str] = set()
        self.was_entered = False
        self.bans: dict[str, Ban] = {}
        self.hands: dict[str, float] = {}
        self.files = TransferBook()
        self.e2ee_keys: dict[str, KeptKey] = {}
        self.breakouts = Breakouts()
        self.live = LiveBook()
        self.recordings: dict[str, RecordingInfo] = {}
        self._publications: dict[str, Publication] = {}

    @property
    def host(self) -> Participant | None:
        """Who is host now."""
        return next((p for p in self.participants.values() if p.role is Role.HOST), None)

    def publications_in(self, area: str | None) -> list[Publication]:
        """The tracks of those in a breakout room, or (None) in the main room."""
        publishers = self.participants
        return [p for p in self._publications.values() if publishers[p.user_id].breakout_room_id == area]

    def publications(self) -> Iterable[Publication]:
        """All tracks of the room, in order of publishing."""
        return self._publications.values()

    def publication(self, publication_id: str) -> Publication | None:
        """The track of that id."""
        return self._publications.get(publication_id)

    def publish(self, participant: Participant, publication: Publication) -> None:
        """Add a track."""
        participant.publications[publication.publication_id] = publication
        self._publications[publication.publication_id] = publication

    def unpublish(self, participant: Participant, publication_id: str) -> Publication | None:
        """Take a track away; None if the participant has none of that id."""
        publication = participant.publications.pop(publication_id, None)
        if publication is not None:
            del self._publications[publication_id]
        return publication
