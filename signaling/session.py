"""Session: a participant's connection as the room sees it. Its WebSocket may be lost and replaced by a new one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from signaling.envelope import Letter
from signaling.errors import CloseCode
from signaling.messages.session import SessionResumed
from signaling.replay import ReplayBuffer

REMEMBERED_IDS = 256
DEFAULT_REPLAY = (1_000, 1_048_576)


class SessionPort(Protocol):
    """The socket's side: takes texts without waiting."""

    def put(self, text: str) -> bool:
        """Queue a frame; False if too many wait already: the client reads too slowly."""
        ...

    def close(self, code: int, reason: str) -> None:
        """Send what is queued, then close."""
        ...


class Session:
    """Numbers what a client is sent, and keeps it for a while, so that a new socket can go on where one was lost.

    ``last_heard``: monotonic seconds of its latest frame. ``away_since``: since when it has no socket, else None.
    ``restored``: it cannot be resumed, as one that was begun on another shard: what it was sent is not known here.
    ``continued``: it follows such
    a session, or one that could not be resumed, of the same client.
    """

    __slots__ = (
        "_earlier_ids",
        "_ids",
        "_port",
        "_replay",
        "away_since",
        "closed",
        "continued",
        "last_heard",
        "restored",
        "session_id",
        "username",
    )

    def __init__(
        self,
        session_id: str,
        username: str,
        port: SessionPort | None,
        now: float,
        replay: ReplayBuffer | None = None,
    ) -> None:
        self.session_id = session_id
        self.username = username
        self.last_heard = now
        self.away_since: float | None = None if port is not None else now
        self.closed = False
        self.continued = False
        self.restored = port is None
        self._port = port
        self._replay = replay or ReplayBuffer(*DEFAULT_REPLAY)
        self._ids: list[str] = []
        self._earlier_ids: frozenset[str] = frozenset()

    def send(self, letter: Letter, reply_to: str | None = None) -> bool:
        """Queue a message, or keep it until the client is back; False if the client reads too slowly."""
        if self.closed:
            return True
        sent = self._replay.add(letter, reply_to)
        return self._port is None or self._port.put(sent.frame())

    def close(self, code: int, reason: str) -> None:
        """Close the socket; nothing is sent from now on, and nothing can be resumed."""
        if not self.closed:
            self.closed = True
            self._replay.clear()
            if self._port is not None:
                self._port.close(code, reason)

    def send_off(self, code: int, reason: str) -> None:
        """Close the socket, for its client to join anew in place of this session."""
        self.restored = True
        if self._port is not None:
            self._port.close(code, reason)

    # -- losing a socket and going on with another -----------------------------------------------------------------

    def is_on(self, port: SessionPort) -> bool:
        """Whether ``port`` is its socket, and not one that was given up."""
        return self._port is port

    def detach(self, now: float) -> None:
        """The socket is lost or given up; what is sent from now on waits for the next."""
        if self._port is not None:
            self._port.close(CloseCode.REPLACED, "given_up")
        self._port = None
        self.away_since = now

    def resume(self, port: SessionPort, last_seq: int, now_unix: float, now: float) -> int | None:
        """Go on with a new socket: send again what came after ``last_seq``. The number of those messages, or None.

        None: it cannot be done without a gap; nothing has changed then. A socket that still seems to live is closed:
        the client knows better than the server which of them works.
        """
        missed = None if self.closed or self.restored else self._replay.after(last_seq)
        if missed is None:
            return None
        if self._port is not None:
            self._port.close(CloseCode.REPLACED, "resumed_elsewhere")
        self._port = port
        self.away_since = None
        self.last_heard = now
        self._earlier_ids = frozenset(self._ids)
        body = SessionResumed(session_id=self.session_id, replayed=len(missed))
        # Not counted: it carries the number that the client has, and the first missed message follows.
        port.put(Letter(body.type_name, body.model_dump_json(), None, now_unix).frame(last_seq))
        for sent in missed:
            if not port.put(sent.frame()):
                self.close(CloseCode.TRY_LATER, "slow_reader")
                break
        return len(missed)

    def follow(self, earlier: Session, last_seq: int) -> None:
        """Take the place of an earlier session of the same client: its numbers go on, and repeats are known."""
        self.continued = True
        self._replay.start_at(max(earlier.seq, last_seq))
        self._earlier_ids = earlier._earlier_ids | frozenset(earlier._ids)

    @property
    def seq(self) -> int:
        """The number of the newest message."""
        return self._replay.seq

    @property
    def recent_ids(self) -> list[str]:
        """Ids of messages that it has brought."""
        return [*self._earlier_ids, *self._ids]

    def know(self, seq: int, ids: Iterable[str]) -> None:
        """How far it had come on another shard."""
        self._replay.start_at(seq)
        self._earlier_ids = frozenset(ids)

    def confirm(self, last_seq: int) -> None:
        """The client has got everything up to ``last_seq``."""
        self._replay.confirm(last_seq)

    def is_repeat(self, message_id: str) -> bool:
        """Whether a lost socket has brought this message already; else it is remembered.

        Ids are compared with those of earlier sockets only: what a client does with ids on one socket is its affair.
        """
        if message_id in self._earlier_ids:
            return True
        self._ids.append(message_id)
        if len(self._ids) > REMEMBERED_IDS:
            del self._ids[0]
        return False
