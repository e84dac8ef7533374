"""What a worker process is made of at its own side: set-up, feed, log. Nothing of the engine is imported here."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys
import time
import traceback
from typing import Any

from media.feed import FrameReader, Message, encode

SOCKET_BUFFER_BYTES = 1 << 20
READ_BYTES = 1 << 20


class Link:
    """The worker's end of the feed. ``ended``: the shard closed it or died, so nothing comes any more."""

    def __init__(self, end: socket.socket) -> None:
        self.ended = False
        self._end = end
        self._end.setblocking(False)
        self._reader = FrameReader()
        self._out = bytearray()

    def receive(self, timeout_s: float) -> list[Message]:
        """What came; waits at most ``timeout_s`` for it. Raises MalformedPacket when the feed is broken."""
        if self.ended:
            time.sleep(min(timeout_s, 0.02))
            return []
        self._send_waiting()
        writers = [self._end] if self._out else []
        readable, _, _ = select.select([self._end], writers, [], timeout_s)
        if not readable:
            return []
        try:
            data = self._end.recv(READ_BYTES)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data:
            self.ended = True
            return []
        return list(self._reader.feed(data))

    def send(self, message: Message) -> None:
        """Say something to the shard; it is dropped if nobody is there."""
        self._out += encode(message)
        self._send_waiting()

    def drain(self, timeout_s: float) -> None:
        """Send what waits, before the end."""
        until = time.monotonic() + timeout_s
        while self._out and not self.ended and time.monotonic() < until:
            select.select([], [self._end], [], 0.1)
            self._send_waiting()

    def close(self) -> None:
        """Nothing further is said or heard."""
        self.ended = True
        self._end.close()

    def _send_waiting(self) -> None:
        while self._out and not self.ended:
            try:
                sent = self._end.send(self._out)
            except BlockingIOError:
                return
            except OSError:
                self.ended = True
                return
            del self._out[:sent]


def begin() -> tuple[dict[str, Any], Link]:
    """The set-up that the shard gave this process, and the feed."""
    end = socket.socket(fileno=int(sys.argv[1]))
    setup: dict[str, Any] = json.load(sys.stdin)
    niceness = int(setup.get("niceness", 0))
    if niceness:
        os.nice(niceness)
        with contextlib.suppress(OSError, AttributeError):  # Linux: it never interrupts who forwards packets
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    # Ends come by the feed; a terminal's ^C is for the server, which then ends us in good order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return setup, Link(end)


def note(level: str, event: str, **fields: object) -> None:
    """One line of the log, which the shard puts into its own."""
    with contextlib.suppress(OSError, ValueError):  # the shard may be gone
        sys.stderr.write(json.dumps({"level": level, "event": event, **fields}, default=str) + "\n")
        sys.stderr.flush()


def note_bug(event: str) -> None:
    """Log the exception at hand with its traceback."""
    note("error", event, exception=traceback.format_exc())
