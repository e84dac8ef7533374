"""The way into a room for WHIP publishers, and the way out to WHEP viewers.

The HTTP side lives elsewhere and knows only the calls below; ids are never guessable, and each session obeys only
tokens of the user that started it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import structlog

from sfu.connection import TransportState
from sfu.errors import NegotiationError
from sfu.transport import TransportRole
from signaling import admission
from signaling.errors import ErrorCode, RoomError
from signaling.hub import Hub, new_id
from signaling.live_room import LiveRoom
from signaling.model import Source
from signaling.names import check_room_id
from signaling.negotiation import refusal
from signaling.room import Participant
from signaling.room_state import ice_servers
from signaling.shards.peers import Unreachable
from signaling.tokens import Identity, TokenVerifier

if TYPE_CHECKING:
    from sfu.producer import Producer
    from sfu.transport import Transport
    from signaling.messages.room import IceServerInfo

log = structlog.get_logger("plenum.whip")

NOTHING_TO_PLAY_RETRY_S = 2
_SCREEN_FIRST = (Source.SCREEN, Source.SCREEN_AUDIO, Source.CAMERA, Source.MICROPHONE)
_CAMERA_FIRST = (Source.CAMERA, Source.MICROPHONE, Source.SCREEN, Source.SCREEN_AUDIO)


@dataclass(frozen=True, slots=True)
class Started:
    """A session that has begun. ``ice_tag`` names its ICE session."""

    session_id: str
    answer: str
    ice_tag: str
    ice_servers: Sequence[IceServerInfo]


class MediaPath(Protocol):
    """Where a session's media goes: a Transport here, or one of another shard."""

    @property
    def state(self) -> TransportState:
        """Where its connection is."""
        ...

    @property
    def ice_tag(self) -> str:
        """A name of its ICE session."""
        ...

    async def patch(self, fragment: str) -> str | None:
        """Take candidates (None comes back), or new ICE credentials (our fragment comes back); raises RoomError."""
        ...

    def watch(self, watcher: Callable[[TransportState], None]) -> None:
        """Tell of each new state."""
        ...

    def unwatch(self) -> None:
        """Tell no more."""
        ...

    def close(self) -> None:
        """End it, and tell no more."""
        ...


class _Here:
    """``MediaPath`` of a Transport of this process."""

    def __init__(self, live: LiveRoom, transport: Transport) -> None:
        self._live = live
        self._transport = transport

    @property
    def state(self) -> TransportState:
        return self._transport.state

    @property
    def ice_tag(self) -> str:
        return self._transport.ice_tag

    async def patch(self, fragment: str) -> str | None:
        try:
            return self._transport.ice_patch(fragment)
        except NegotiationError as error:
            raise refusal(error) from None

    def close(self) -> None:
        self.unwatch()
        self._transport.close()

    def watch(self, watcher: Callable[[TransportState], None]) -> None:
        self._live.media.watch(self._transport, watcher)

    def unwatch(self) -> None:
        self._live.media.unwatch(self._transport)


@dataclass(slots=True)
class _MediaSession:
    """One WHIP publisher or WHEP viewer. ``connected_at``: when it was last seen connected, monotonic seconds."""

    session_id: str
    username: str
    live: LiveRoom
    path: MediaPath
    publishes: bool
    connected_at: float


class WhipGate:
    """All WHIP and WHEP sessions of this process."""

    def __init__(self, hub: Hub, verifier: TokenVerifier) -> None:
        self._hub = hub
        self._verifier = verifier
        self._sessions: dict[str, _MediaSession] = {}
        hub.sweepers.append(self._end_unconnected)
        hub.around.viewing_enders.append(self._end_viewer)

    @property
    def max_sdp_bytes(self) -> int:
        """The largest description that is read."""
        return self._hub.around.options.max_sdp_bytes

    @property
    def viewers(self) -> int:
        """WHEP sessions now."""
        return sum(1 for session in self._sessions.values() if not session.publishes)

    def admit(self, room_id: str, token: str | None) -> None:
        """Raises RoomError unless the token opens the room."""
        self._verifier.verify_for_room(token, check_room_id(room_id))

    # -- beginning -------------------------------------------------------------------------------------------------

    async def publish(self, room_id: str, token: str | None, sdp: str) -> Started:
        """Let the token's user publish ``sdp``'s tracks in a room; raises RoomError."""
        identity = self._verifier.verify_for_room(token, check_room_id(room_id))
        live = await self._hub.open(room_id, identity.username)
        try:
            return self._publish(live, identity, sdp)
        finally:
            live.close_if_empty()

    def _publish(self, live: LiveRoom, identity: Identity, sdp: str) -> Started:
        session_id = new_id()
        transport = live.router.create_transport(owner=identity.username, role=TransportRole.PUBLISH)
        try:
            offered = transport.accept_offer(sdp, {})
            live.join_by_whip(identity, session_id, transport, offered, lambda: self._forget(session_id))
        except NegotiationError as error:
            transport.close()
            raise refusal(error) from None
        except Exception:
            transport.close()
            raise
        return self._begin(session_id, identity, live, _Here(live, transport), offered.answer, publishes=True)

    async def play(
        self, room_id: str, token: str | None, sdp: str, *, user: str | None = None, source: str | None = None
    ) -> Started:
        """Let the token's user watch a room: of ``user``, else of who publishes first; raises RoomError.

        ``source`` ``screen`` prefers the screen to the camera.
        """
        identity = self._verifier.verify_for_room(token, check_room_id(room_id))
        live = self._hub.find(room_id)
        around = self._hub.around
        admission.check_reader(live.room, identity, around.options, around.unix())
        wanted = self._choose(live, user, source)
        viewers = sum(1 for s in self._sessions.values() if s.live is live and not s.publishes)
        if viewers >= self._hub.around.options.max_viewers:
            raise RoomError(ErrorCode.ROOM_FULL, f"The room has {viewers} viewers already.")
        if (elsewhere := await self._play_elsewhere(live, identity, sdp, wanted)) is not None:
            return elsewhere
        session_id = new_id()
        transport = live.router.create_transport(owner=f"viewer:{session_id}", role=TransportRole.SUBSCRIBE)
        try:
            answer = transport.accept_play_offer(sdp, wanted)
        except NegotiationError as error:
            transport.close()
            raise refusal(error) from None
        except Exception:
            transport.close()
            raise
        return self._begin(session_id, identity, live, _Here(live, transport), answer, publishes=False)

    async def _play_elsewhere(
        self, live: LiveRoom, identity: Identity, sdp: str, wanted: Sequence[Producer]
    ) -> Started | None:
        """Let a viewer receive from another shard, if this one has no place; None: it receives from here."""
        viewer = live.audience.viewer() if live.audience is not None else None
        if viewer is None:
            return None
        try:
            answer = await viewer.play(sdp, [producer.id for producer in wanted])
            if live.closed:
                raise RoomError(ErrorCode.ROOM_NOT_FOUND, "No such room is open.")
        except Unreachable:
            viewer.close()
            return None
        except BaseException:
            viewer.close()
            raise
        return self._begin(new_id(), identity, live, viewer, answer, publishes=False)

    def _choose(self, live: LiveRoom, user: str | None, source: str | None) -> list[Producer]:
        room = live.room
        # Viewers see the main room.
        publishers = [p for p in room.participants.values() if p.publications and p.breakout_room_id is None]
        if user is not None:
            if user not in room.participants:
                raise RoomError(ErrorCode.USER_NOT_FOUND, "That participant is not in the room.")
            publishers = [p for p in publishers if p.username == user]
        if not publishers:
            raise RoomError(
                ErrorCode.INVALID_STATE, "There is nothing to play yet.", retry_after=NOTHING_TO_PLAY_RETRY_S
            )
        order = _SCREEN_FIRST if source == Source.SCREEN else _CAMERA_FIRST
        return _producers(live, publishers[0], order)

    def _begin(
        self, session_id: str, identity: Identity, live: LiveRoom, path: MediaPath, answer: str, *, publishes: bool
    ) -> Started:
        session = _MediaSession(session_id, identity.username, live, path, publishes, time.monotonic())
        self._sessions[session_id] = session
        path.watch(lambda state: self._on_state(session, state))
        if not publishes:
            log.info("viewer", room=live.room.room_id, participant=session.username)
        around = self._hub.around
        servers = ice_servers(around.options, identity.username, around.unix())
        return Started(session_id, answer, path.ice_tag, servers)

    # -- going on --------------------------------------------------------------------------------------------------

    def ice_tag(self, room_id: str, session_id: str, token: str | None) -> str:
        """The name of the session's current ICE session; raises RoomError."""
        return self._find(room_id, session_id, token).path.ice_tag

    async def patch(self, room_id: str, session_id: str, token: str | None, fragment: str) -> str | None:
        """Take a fragment: candidates (None comes back), or new ICE credentials (our fragment comes back)."""
        return await self._find(room_id, session_id, token).path.patch(fragment)

    def end(self, room_id: str, session_id: str, token: str | None) -> None:
        """End a session on its client's wish; raises RoomError."""
        self._end(self._find(room_id, session_id, token), "left")

    def _find(self, room_id: str, session_id: str, token: str | None) -> _MediaSession:
        identity = self._verifier.verify_for_room(token, check_room_id(room_id))
        session = self._sessions.get(session_id)
        if session is None or session.live.room.room_id != room_id:
            raise RoomError(ErrorCode.SESSION_NOT_FOUND, "That session has ended or never was.")
        if session.username != identity.username:
            raise RoomError(ErrorCode.PERMISSION_DENIED, "That is the session of another user.")
        return session

    # -- ending ----------------------------------------------------------------------------------------------------

    def _end(self, session: _MediaSession, reason: str) -> None:
        if self._sessions.pop(session.session_id, None) is None:
            return
        session.path.unwatch()
        session.live.viewers.discard(session.session_id)
        if session.publishes:
            session.live.leave(session.username, session.session_id, reason)
        session.path.close()

    def _end_viewer(self, room_id: str, username: str) -> None:
        """Whoever was taken out of a room watches it no more."""
        for session in list(self._sessions.values()):
            if not session.publishes and session.username == username and session.live.room.room_id == room_id:
                self._end(session, "kicked")

    def _forget(self, session_id: str) -> None:
        """The room has ended a publisher by itself."""
        session = self._sessions.pop(session_id, None)
        if session is not None:
            session.path.unwatch()

    def _on_state(self, session: _MediaSession, state: TransportState) -> None:
        if state is TransportState.CONNECTED:
            session.connected_at = time.monotonic()
            if not session.publishes:
                session.live.viewers.add(session.session_id)
        elif state in (TransportState.FAILED, TransportState.CLOSED):
            self._end(session, "media_failed" if state is TransportState.FAILED else "left")

    def _end_unconnected(self, now: float) -> None:
        oldest = now - self._hub.around.options.ingest_timeout_s
        for session in list(self._sessions.values()):
            if session.path.state is TransportState.CONNECTED:
                session.connected_at = now
            elif session.connected_at < oldest:
                self._end(session, "media_failed")


def _producers(live: LiveRoom, publisher: Participant, order: Sequence[Source]) -> list[Producer]:
    """The publisher's Producers, the preferred source first."""
    publications = sorted(publisher.publications.values(), key=lambda p: order.index(p.source))
    found = (live.router.producers.get(p.publication_id) for p in publications)
    return [producer for producer in found if producer is not None]
