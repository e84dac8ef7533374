"""A room that is open on this process: hands messages to their handlers and carries out what they decide."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import structlog

from signaling import admission, membership
from signaling import effects as fx
from signaling.audience.near import IDLE_S, Audience
from signaling.away import AwayDesk
from signaling.breakouts.timer import BreakoutTimer
from signaling.context import Context
from signaling.delivery import Delivery, Origin
from signaling.dispatch import dispatch, dispatch_waiting
from signaling.envelope import Frame
from signaling.errors import CloseCode, ErrorCode, RoomError
from signaling.events.journal import Batch, Journal
from signaling.executors import EXECUTORS
from signaling.media_listener import MediaListener
from signaling.messages.base import Outgoing
from signaling.messages.recordings import RecordingInfo
from signaling.messages.room import Ack, HeartbeatRequest
from signaling.messages.session import RoomMoved
from signaling.model import WaitReason
from signaling.negotiation import Negotiation
from signaling.room import Participant, Room
from signaling.room_recordings import RoomRecordings
from signaling.room_state import room_state
from signaling.seat_keeper import SeatKeeper
from signaling.seats import SeatRecord, record, take_seats
from signaling.session import Session
from signaling.surroundings import Surroundings
from signaling.tokens import Identity
from signaling.waiting import saved
from signaling.weakly import weakly

if TYPE_CHECKING:
    from sfu.router import Router
    from sfu.transport import OfferResult, Transport

log = structlog.get_logger("plenum.room")


class LiveRoom:
    """One open room: the Room, its Router, its Sessions. Nothing in it waits.

    ``keepers`` names what keeps the room open while nobody is in it, such as a live stream; ``viewers`` the WHEP
    sessions whose transports are connected.
    """

    def __init__(self, room: Room, router: Router, around: Surroundings) -> None:
        self.room = room
        self.router = router
        self.sessions: dict[str, Session] = {}
        self.waiting_sessions: dict[str, Session] = {}
        self.negotiation = Negotiation(room, router, around.options.max_publications)
        self.closed = False
        self.suspended = False
        self._held: list[tuple[Session, Frame]] = []
        self.keepers: set[str] = set()
        self.viewers: set[str] = set()
        self.around = around
        apply = weakly(self.apply)
        self.delivery: Delivery = Delivery(room, self.sessions, self.waiting_sessions, around)
        self.recordings: RoomRecordings = RoomRecordings(self, around)
        self.seats = SeatKeeper(room, lambda effect: around.save(room.room_id, effect))
        self.away = AwayDesk(room, self.sessions, around, weakly(self.leave), apply)
        self.journal = Journal(
            around.new_id(), around.events, lambda event: around.append(room.room_id, event), around.unix
        )
        self._whip_ends: dict[str, Callable[[], None]] = {}
        self.media = MediaListener(room, self.negotiation, apply, around.options.speakers_interval_ms / 1000)
        self.media.traces = around.traces
        self.log = log.bind(room=room.room_id)
        self.audience: Audience | None = None
        if around.audiences is not None:
            self.audience = Audience(around.audiences, room, router, apply, weakly(self.send_off))
            self.negotiation.audience = self.audience
        router.listener = self.media
        self.breakout_timer = BreakoutTimer(room, apply, around.unix, around.options.breakout_notice_s)
        self.breakout_timer.arm()

    # -- joining and leaving ---------------------------------------------------------------------------------------

    def join(self, identity: Identity, session: Session, *, follows: str = "", last_seq: int = 0) -> None:
        """Let a user in, or into the waiting room, or let its newer session take over; raises RoomError.

        ``follows``: the session of its client before this one, of which it has got all up to ``last_seq``.
        """
        earlier = self.sessions.get(identity.username)
        if earlier is not None and follows and secrets.compare_digest(earlier.session_id.encode(), follows.encode()):
            session.follow(earlier, last_seq)
        reason = self._at_the_door(identity)
        self._end_waiting(identity.username)
        if reason is not None:
            self._wait(identity, session, reason)
            return
        self._end_present(identity.username)
        self.apply(self.seat(identity, session))

    def seat(self, identity: Identity, session: Session) -> fx.Effects:
        """Make a session that of a participant."""
        effects = self._enter(identity, session.session_id, by_whip=False)
        self.sessions[identity.username] = session
        participant = self.room.participants[identity.username]
        around = self.around
        state = room_state(
            self.room,
            participant,
            around.options,
            around.unix(),
            continued=session.continued,
            recording=around.recordings.available,
        )
        self.delivery.send(fx.Send(participant.username, state), None)
        self.log.info("joined", participant=participant.username, role=participant.role.value)
        self.router.set_group(participant.username, participant.breakout_room_id)
        return [*effects, *self.negotiation.enter(participant.username), fx.LookAtRecording()]

    def _wait(self, identity: Identity, session: Session, reason: WaitReason) -> None:
        room = self.room
        waiter = room.waiting.add(identity, session.session_id, reason, self.around.unix())
        self.waiting_sessions[identity.username] = session
        position = room.waiting.position(waiter.username)
        self.log.info("waits", participant=waiter.username, reason=reason.value)
        self.apply(
            [
                admission.tell_waiter(room, waiter, position, self.around.options),
                *admission.tell_managers(room, admission.join_message(room, waiter, position)),
                fx.SaveEntry(fx.Table.WAITING, waiter.username, saved(waiter)),
                fx.LookAtWaiting(),
            ]
        )

    def join_by_whip(
        self,
        identity: Identity,
        session_id: str,
        transport: Transport,
        offered: OfferResult,
        on_end: Callable[[], None],
    ) -> None:
        """Let a WHIP publisher in, whose offer ``transport`` has accepted; raises RoomError.

        ``on_end`` is called when the room ends the publisher, because the same user came by another way.
        """
        if self._at_the_door(identity, by_whip=True) is not None:
            raise admission.waiting_for_approval()  # an encoder cannot wait
        self._end_present(identity.username)
        effects = self._enter(identity, session_id, by_whip=True)
        participant = self.room.participants[identity.username]
        self._whip_ends[identity.username] = on_end
        self.router.set_group(participant.username, participant.breakout_room_id)
        self.apply(effects)
        self.apply(self.negotiation.adopt(participant, transport, offered, {}))
        self.log.info("joined by WHIP", participant=participant.username, role=participant.role.value)

    def leave(self, username: str, session_id: str, reason: str) -> None:
        """Take a session's participant out; harmless when it is gone or was taken over by a newer session."""
        if self.suspended:
            return
        participant = self.room.participants.get(username)
        if participant is not None and participant.session_id == session_id:
            self.apply([fx.Leave(username, reason)])
        waiter = self.room.waiting.get(username)
        if waiter is not None and waiter.session_id == session_id:
            self._leave_waiting(username, reason)

    def close(self, close_code: int, reason: str) -> None:
        """End the room for everybody on this process."""
        if self.around.live is not None:
            self.around.live.leave(self)
        self.keepers.clear()
        for session in list(self.all_sessions()):
            session.close(close_code, reason)
            self.leave(session.username, session.session_id, "disconnected")
        for username, participant in list(self.room.participants.items()):
            self.leave(username, participant.session_id, "disconnected")

    # -- another shard ---------------------------------------------------------------------------------------------

    def reform(self, seats: Iterable[SeatRecord]) -> None:
        """Those who were in the room on another shard are in it still, and away until their clients come back."""
        now = self.around.monotonic()
        for seat in take_seats(self.room, seats, self.around.options.permissions):
            session = Session(seat.session_id, seat.username, None, now)
            session.know(seat.seq, [*seat.ids, *self.room.chat.ids_from(seat.session_id)])
            self.sessions[seat.username] = session
            self.router.set_group(seat.username, seat.breakout_room_id)
            self.negotiation.enter(seat.username, receives=False)
            self.seats.adopt(seat.username)
        self.journal.go_on()
        for info in self.around.recordings.adopt(self):
            self.apply(self.recordings.note(info))

    def suspend(self) -> None:
        """From now on nothing changes here any more: the room goes on elsewhere. Media flows on."""
        self.suspended = True

    def go_on(self) -> None:
        """The room stays here after all."""
        self.suspended = False
        held, self._held = self._held, []
        for session, frame in held:
            self.receive(session, frame)
        self.apply([fx.LookAtOffers()])

    def offer_next(self) -> bool:
        """Make the next offer that is due; whether there are more."""
        if self.suspended:
            return False
        self.apply(self.negotiation.next_offer())
        return self.negotiation.offers_due

    def seat_for_another(self, username: str) -> str:
        """A participant's record, with how far its session has come."""
        session = self.sessions.get(username)
        participant = self.room.participants[username]
        return record(participant, session.seq, session.recent_ids) if session is not None else record(participant)

    def dismiss(self, close_code: int, reason: str, farewell: Outgoing | None = None, *, moved: bool = False) -> None:
        """Send all clients to where the room is now; they are not said to have left.

        ``moved``: another shard has the room, and its recordings go on there.
        """
        if self.around.live is not None:
            self.around.live.leave(self)
        self.suspend()
        self.closed = True
        recordings = self.around.recordings
        (recordings.hand_over if moved else recordings.room_closed)(self)
        for session in list(self.all_sessions()):
            if farewell is not None:
                self.delivery.deliver(session, self.delivery.letter(farewell, None), None)
            session.close(close_code, reason)
        self.breakout_timer.close()
        self.router.listener = None
        self.media.close()
        if self.audience is not None:
            self.audience.end_viewers()

    def send_off(self, username: str) -> None:
        """Let a client connect all anew, as when its room has moved."""
        session = self.sessions.get(username)
        if session is not None and session.away_since is None and not session.restored:
            farewell = RoomMoved(reason="moved", overlap_ms=round(IDLE_S * 1000))
            self.delivery.deliver(session, self.delivery.letter(farewell, None), None)
            session.send_off(CloseCode.RESTART, "room_moved")

    def all_sessions(self) -> Iterator[Session]:
        """Of those who wait, then of those who are in the room."""
        yield from self.waiting_sessions.values()
        yield from self.sessions.values()

    def _at_the_door(self, identity: Identity, *, by_whip: bool = False) -> WaitReason | None:
        around = self.around
        return admission.decide(self.room, identity, around.options, around.unix(), by_whip=by_whip)

    def _enter(self, identity: Identity, session_id: str, *, by_whip: bool) -> fx.Effects:
        return membership.join(
            self.room,
            identity,
            session_id,
            now_unix=self.around.unix(),
            defaults=self.around.options.permissions,
            by_whip=by_whip,
        )

    def _end_present(self, username: str) -> None:
        """The newest session wins: end what the user has here, but keep its place."""
        if username not in self.room.participants:
            return
        self.away.check_duplicate(username, self._whip_ends)
        session = self.sessions.pop(username, None)
        if session is not None:
            session.close(CloseCode.REPLACED, "session_replaced")
        self.end_whip(username)
        self.apply(self.negotiation.leave(username))

    def _end_waiting(self, username: str) -> None:
        """The newest session wins here too; it gets the place of the one that waits."""
        session = self.waiting_sessions.get(username)
        if session is not None:
            session.close(CloseCode.REPLACED, "session_replaced")
            self._leave_waiting(username, "replaced")

    def _leave_waiting(self, username: str, reason: str) -> None:
        self.waiting_sessions.pop(username, None)
        around = self.around
        self.apply(membership.leave_waiting(self.room, username, reason, around.unix(), around.options.waiting_place_s))

    def end_whip(self, username: str) -> None:
        """End a user's WHIP session, if it has one."""
        on_end = self._whip_ends.pop(username, None)
        if on_end is not None:
            on_end()

    # -- messages --------------------------------------------------------------------------------------------------

    def receive(self, session: Session, frame: Frame) -> None:
        """Handle one message of a session; whatever is wrong with it is told to its sender only."""
        if self.suspended:
            self._held.append((session, frame))  # its client says it again where the room is now, if it moves
            return
        origin = Origin(session.username, frame.id)
        participant = self.room.participants.get(session.username)
        waiter = self.room.waiting.get(session.username)
        try:
            if participant is not None and participant.session_id == session.session_id:
                if self._is_repeat(session, frame):
                    return
                self.apply(dispatch(self.room, participant, frame, self._context(frame, session)), origin)
            elif waiter is not None and waiter.session_id == session.session_id:
                self.apply(dispatch_waiting(self.room, waiter, frame, self._context(frame)), origin)
            else:
                return
        except RoomError as error:
            self.delivery.refuse(session, error, frame.id)
            return
        except Exception:
            self.log.exception("message failed", participant=session.username, type=frame.type)
            self.delivery.refuse(session, RoomError(ErrorCode.INTERNAL, "The server failed to do this."), frame.id)
            return
        if frame.id is not None and not origin.answered and not session.closed:
            self.delivery.send(fx.Send(session.username, Ack(), reply=True), origin)

    def _is_repeat(self, session: Session, frame: Frame) -> bool:
        """Whether this was done when a lost socket brought it; its answer is on the way, or was sent again."""
        if frame.type == HeartbeatRequest.type_name:
            session.confirm(_last_seq(frame))
            return False
        if frame.id is None or not session.is_repeat(frame.id):
            return False
        self.around.counters["messages_repeated"] += 1
        if session.continued:  # the answer went to a session that is no more
            self.delivery.send(fx.Send(session.username, Ack(), reply=True), Origin(session.username, frame.id))
        return True

    def call(self, participant: Participant, message_type: str, payload: dict[str, Any]) -> Outgoing:
        """Do what a message does, for a REST call; raises RoomError. What answers the message comes back.

        ``participant`` may be one that is not in the room: a host or moderator by its token.
        """
        frame = Frame(message_type, payload, None)
        origin = Origin(participant.username, None)
        self.apply(dispatch(self.room, participant, frame, self._context(frame)), origin)
        return origin.reply or Ack()

    def _context(self, frame: Frame, session: Session | None = None) -> Context:
        around = self.around
        urls = around.live.urls if around.live is not None else {}
        origin = f"{session.session_id}:{frame.id}" if session is not None and frame.id is not None else ""
        return Context(around.unix(), around.new_id, around.options, frame.payload, origin, urls)

    # -- effects ---------------------------------------------------------------------------------------------------

    def apply(self, effects: fx.Effects, origin: Origin | None = None) -> None:
        """Carry effects out in order; what they lead to comes before what follows them."""
        if self.suspended:
            return
        waiting = deque(effects)
        batch = Batch()
        while waiting:
            effect = waiting.popleft()
            self.journal.note(effect, batch)
            if self.room.recordings:
                self.around.recordings.observe(self, effect)
            self.seats.note(effect)
            if self.around.live is not None:
                self.around.live.note(self, effect)
            if isinstance(effect, fx.Record):
                continue
            if isinstance(effect, fx.StateEffect):
                self.around.save(self.room.room_id, effect)
                continue
            waiting.extendleft(reversed(EXECUTORS[type(effect)](self, effect, origin) or []))
        self.seats.write()
        self.close_if_empty()

    def monotonic(self) -> float:
        """Seconds of the clock that does not jump."""
        return self.around.monotonic()

    def recording_changed(self, info: RecordingInfo) -> None:
        """A recording of this room is in another state."""
        self.apply(self.recordings.note(info))

    def close_if_empty(self) -> None:
        """A room without participants, and without what keeps it open, ends; viewers and Router with it."""
        if self.room.participants or self.closed or self.suspended:
            return
        if self.keepers:
            if self.room.recordings:
                self.around.recordings.room_closed(self)  # nobody is there to be recorded
            return
        if self.waiting_sessions and (self.around.options.wait_for_host or not self.room.was_entered):
            return  # who waits for a host, or for the first who comes, keeps the room open
        self.closed = True
        self.around.recordings.room_closed(self)
        for session in list(self.waiting_sessions.values()):
            # The next who comes opens a new room: what happened in this one is not for those who were not let in.
            self.delivery.refuse(session, RoomError(ErrorCode.ROOM_CLOSED, "The room has ended."), None)
            session.close(CloseCode.ROOM_CLOSED, ErrorCode.ROOM_CLOSED.value)
        self.waiting_sessions.clear()
        self.breakout_timer.close()
        self.router.listener = None
        self.router.close()
        if self.audience is not None:
            self.audience.close()
        self.media.close()
        self.journal.close()
        self.around.on_empty(self)
        self.log.info("room closed")


def _last_seq(frame: Frame) -> int:
    """What a heartbeat says that the client has got; 0 if it says nothing."""
    last_seq = frame.payload.get("last_seq")
    return last_seq if isinstance(last_seq, int) else 0
