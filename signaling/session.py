"""Session: one WebSocket of a participant, as the room sees it."""

from __future__ import annotations

from typing import Protocol

from signaling.envelope import Letter


class SessionPort(Protocol):
    """The socket's side: takes texts without waiting."""

    def put(self, text: str) -> bool:
        """Queue a frame; False if too many wait already: the client reads too slowly."""
        ...

    def close(self, code: int, reason: str) -> None:
        """Send what is queued, then close."""
        ...


class Session:
    """Numbers what a client is sent. ``last_heard``: monotonic seconds of its latest frame."""

    __slots__ = ("_port", "_seq", "closed", "last_heard", "session_id", "username")

    def __init__(self, session_id: str, username: str, port: SessionPort, now: float) -> None:
        self.session_id = session_id
        self.username = username
        self.last_heard = now
        self.closed = False
        self._port = port
        self._seq = 0

    def send(self, letter: Letter, reply_to: str | None = None) -> bool:
        """Queue a message; False if the client reads too slowly."""
        if self.closed:
            return True
        self._seq += 1
        return self._port.put(letter.frame(self._seq, reply_to))

    def close(self, code: int, reason: str) -> None:
        """Close the socket; nothing is sent from now on."""
        if not self.closed:
            self.closed = True
            self._port.close(code, reason)
