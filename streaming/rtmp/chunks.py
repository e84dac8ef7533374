"""Messages in chunks (RTMP 1.0 section 5.3)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import IntEnum

from streaming.rtmp.errors import RtmpError

DEFAULT_CHUNK_BYTES = 128
MAX_CHUNK_BYTES = 0xFFFFFF
_EXTENDED = 0xFFFFFF


class MessageType(IntEnum):
    """Message types that we speak (sections 5.4 and 7.1)."""

    SET_CHUNK_SIZE = 1
    ABORT = 2
    ACKNOWLEDGEMENT = 3
    USER_CONTROL = 4
    WINDOW_SIZE = 5
    PEER_BANDWIDTH = 6
    AUDIO = 8
    VIDEO = 9
    DATA = 18
    COMMAND = 20


@dataclass(frozen=True, slots=True)
class Message:
    """One message. ``timestamp_ms`` wraps at 32 bits."""

    type: int
    timestamp_ms: int
    payload: bytes
    stream_id: int = 0


class ChunkWriter:
    """Makes chunks of messages; each begins with a full header, so that time is absolute throughout."""

    def __init__(self) -> None:
        self.chunk_bytes = DEFAULT_CHUNK_BYTES

    def write(self, message: Message, chunk_stream: int) -> bytes:
        """The chunks of a message on a chunk stream from 2 to 63."""
        time = message.timestamp_ms & 0xFFFFFFFF
        extended = struct.pack(">I", time) if time >= _EXTENDED else b""
        payload, size = message.payload, self.chunk_bytes
        pieces = [
            bytes((chunk_stream,)),
            min(time, _EXTENDED).to_bytes(3, "big"),
            len(payload).to_bytes(3, "big"),
            bytes((message.type,)),
            struct.pack("<I", message.stream_id),
            extended,
            payload[:size],
        ]
        again = bytes((0xC0 | chunk_stream,)) + extended
        for start in range(size, len(payload), size):
            pieces += (again, payload[start : start + size])
        return b"".join(pieces)


@dataclass(slots=True)
class _ChunkStream:
    """What the next chunk's header may leave out, and the message that is coming."""

    time: int = 0
    delta: int = 0
    length: int = 0
    type: int = 0
    stream_id: int = 0
    extended: bool = False
    begun: bool = False
    payload: bytearray = field(default_factory=bytearray)


class ChunkReader:
    """Makes messages of a peer's bytes. ``max_message_bytes`` bounds what one may hold."""

    def __init__(self, max_message_bytes: int) -> None:
        self.chunk_bytes = DEFAULT_CHUNK_BYTES
        self._max_message_bytes = max_message_bytes
        self._buffer = bytearray()
        self._streams: dict[int, _ChunkStream] = {}

    def receive(self, data: bytes) -> list[Message]:
        """The messages that ``data`` completes; raises RtmpError."""
        self._buffer += data
        messages = []
        at = 0
        while (step := self._chunk(at)) is not None:
            at, message = step
            if message is not None:
                self._apply(message)
                messages.append(message)
        del self._buffer[:at]
        return messages

    def _chunk(self, at: int) -> tuple[int, Message | None] | None:
        """Read one chunk from ``at``: where it ends, and the message if it was the last; None: not all is here."""
        header = self._basic_header(at)
        if header is None:
            return None
        form, number, at = header
        stream = self._streams.get(number)
        if stream is None:
            if form == 3 or len(self._streams) >= 64:
                raise RtmpError("a chunk stream without beginning, or too many of them")
            stream = _ChunkStream()
        size = (11, 7, 3, 0)[form]
        head = bytes(self._buffer[at : at + size])
        if len(head) < size:
            return None
        at += size
        time_field = int.from_bytes(head[:3], "big") if form < 3 else 0
        extended = time_field == _EXTENDED if form < 3 else stream.extended
        if extended:
            if len(self._buffer) < at + 4:
                return None
            time_field = int.from_bytes(self._buffer[at : at + 4], "big")
            at += 4
        length = int.from_bytes(head[3:6], "big") if form < 2 else stream.length
        if length > self._max_message_bytes:
            raise RtmpError("a message is too large")
        left = min(self.chunk_bytes, length - (len(stream.payload) if stream.begun else 0))
        if len(self._buffer) < at + left:
            return None
        self._streams[number] = stream
        self._take_header(stream, form, head, time_field, extended=extended)
        stream.payload += self._buffer[at : at + left]
        return at + left, self._complete(stream)

    def _basic_header(self, at: int) -> tuple[int, int, int] | None:
        buffer = self._buffer
        if at >= len(buffer):
            return None
        form, number = buffer[at] >> 6, buffer[at] & 0x3F
        extra = (1, 2)[number] if number < 2 else 0
        if len(buffer) < at + 1 + extra:
            return None
        if number == 0:
            number = 64 + buffer[at + 1]
        elif number == 1:
            number = 64 + buffer[at + 1] + 256 * buffer[at + 2]
        return form, number, at + 1 + extra

    def _take_header(self, stream: _ChunkStream, form: int, head: bytes, time: int, *, extended: bool) -> None:
        if form < 3:
            if stream.begun:
                raise RtmpError("a message begins before the last one has ended")
            stream.extended = extended
        if form < 2:
            stream.length, stream.type = int.from_bytes(head[3:6], "big"), head[6]
        if form == 0:
            stream.stream_id = struct.unpack("<I", head[7:11])[0]
            stream.time, stream.delta = time, 0
        elif form < 3:
            stream.delta = time
        if not stream.begun and form > 0:
            stream.time = (stream.time + stream.delta) & 0xFFFFFFFF
        stream.begun = True

    def _complete(self, stream: _ChunkStream) -> Message | None:
        if len(stream.payload) < stream.length:
            return None
        message = Message(stream.type, stream.time, bytes(stream.payload), stream.stream_id)
        stream.payload.clear()
        stream.begun = False
        return message

    def _apply(self, message: Message) -> None:
        if message.type == MessageType.SET_CHUNK_SIZE:
            size = int.from_bytes(message.payload[:4], "big") & 0x7FFFFFFF
            if len(message.payload) < 4 or not 1 <= size <= MAX_CHUNK_BYTES:
                raise RtmpError("a chunk size that is not valid")
            self.chunk_bytes = size
        elif message.type == MessageType.ABORT and len(message.payload) >= 4:
            aborted = self._streams.get(int.from_bytes(message.payload[:4], "big"))
            if aborted is not None:
                aborted.payload.clear()
                aborted.begun = False
