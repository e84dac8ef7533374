"""The plain handshake (RTMP 1.0 section 5.2): both sides send a version, random bytes, and the other's random bytes."""

from __future__ import annotations

from streaming.rtmp.errors import RtmpError

_VERSION = 3
_SIZE = 1536


class Handshake:
    """Either side's half. ``random``: 1528 bytes."""

    def __init__(self, random: bytes, *, is_client: bool) -> None:
        self._mine = bytes(8) + random[: _SIZE - 8].ljust(_SIZE - 8, b"\0")
        self._is_client = is_client
        self._got_first = False
        self._buffer = bytearray()
        self.done = False

    def begin(self) -> bytes:
        """What the client sends first."""
        assert self._is_client
        return bytes((_VERSION,)) + self._mine

    def receive(self, data: bytes) -> tuple[bytes, bytes]:
        """What to send, and what is left over when the handshake is done; raises RtmpError."""
        self._buffer += data
        answer = b""
        if not self._got_first and len(self._buffer) >= 1 + _SIZE:
            if self._buffer[0] != _VERSION:
                raise RtmpError("the peer does not speak RTMP")
            theirs = bytes(self._buffer[1 : 1 + _SIZE])
            del self._buffer[: 1 + _SIZE]
            self._got_first = True
            answer = theirs if self._is_client else bytes((_VERSION,)) + self._mine + theirs
        elif not self._got_first and self._buffer and self._buffer[0] != _VERSION:
            raise RtmpError("the peer does not speak RTMP")
        if self._got_first and len(self._buffer) >= _SIZE:
            left = bytes(self._buffer[_SIZE:])
            self._buffer.clear()
            self.done = True
            return answer, left
        return answer, b""
