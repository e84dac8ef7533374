"""The client that publishes (RTMP 1.0 section 7.2): bytes in, bytes and events out, no socket and no clock."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from streaming.rtmp import amf0
from streaming.rtmp.chunks import ChunkReader, ChunkWriter, Message, MessageType
from streaming.rtmp.errors import RtmpError
from streaming.rtmp.handshake import Handshake

_CHUNK_BYTES = 65_536
_MAX_MESSAGE_BYTES = 1_048_576
_CONTROL, _COMMANDS, _DATA, _AUDIO, _VIDEO = 2, 3, 4, 5, 6  # chunk streams
_CONNECT, _CREATE = 1, 4  # transactions


@dataclass(frozen=True, slots=True)
class Target:
    """Where to publish. ``app`` and ``url`` are without the key."""

    app: str
    url: str
    key: str

    def __repr__(self) -> str:
        return f"Target({self.url!r})"


class State(Enum):
    """How far the session is."""

    HANDSHAKE = auto()
    CONNECTING = auto()
    CREATING = auto()
    ASKING = auto()
    PUBLISHING = auto()
    CLOSED = auto()


class Refused(RtmpError):
    """The server does not let us publish; ``code`` is its word for that."""

    def __init__(self, code: str) -> None:
        super().__init__(f"the server refused: {code}")
        self.code = code


class Publisher:
    """One session. Send what ``to_send`` holds; when ``state`` is PUBLISHING, ``audio`` and ``video`` may be called."""

    def __init__(self, target: Target, random: bytes) -> None:
        self.state = State.HANDSHAKE
        self._target = target
        self._handshake = Handshake(random, is_client=True)
        self._reader = ChunkReader(_MAX_MESSAGE_BYTES)
        self._writer = ChunkWriter()
        self._out = [self._handshake.begin()]
        self._stream_id = 0
        self._window = 0
        self._received = self._acknowledged = 0

    def receive(self, data: bytes) -> None:
        """Bytes of the server; raises RtmpError, or its kind Refused."""
        if self.state is State.HANDSHAKE:
            answer, data = self._handshake.receive(data)
            if answer:
                self._out.append(answer)
            if not self._handshake.done:
                return
            self._connect()
        self._acknowledge(len(data))
        for message in self._reader.receive(data):
            self._take(message)

    def to_send(self) -> bytes:
        """What is to be sent; empties itself."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    def data(self, payload: bytes) -> None:
        """Send metadata."""
        self._write(_DATA, MessageType.DATA, payload, 0, self._stream_id)

    def audio(self, timestamp_ms: int, body: bytes) -> None:
        """Send an audio message."""
        self._write(_AUDIO, MessageType.AUDIO, body, timestamp_ms, self._stream_id)

    def video(self, timestamp_ms: int, body: bytes) -> None:
        """Send a video message."""
        self._write(_VIDEO, MessageType.VIDEO, body, timestamp_ms, self._stream_id)

    def close(self) -> None:
        """Say that nothing follows."""
        if self.state is State.PUBLISHING:
            self._command("FCUnpublish", 6, None, self._target.key)
            self._command("deleteStream", 7, None, self._stream_id)
        self.state = State.CLOSED

    # -- what we say -----------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        self.state = State.CONNECTING
        self._write(_CONTROL, MessageType.SET_CHUNK_SIZE, _CHUNK_BYTES.to_bytes(4, "big"))
        self._writer.chunk_bytes = _CHUNK_BYTES
        target = self._target
        properties = {
            "app": target.app,
            "type": "nonprivate",
            "flashVer": "FMLE/3.0 (compatible; Plenum)",
            "tcUrl": target.url,
        }
        self._command("connect", _CONNECT, properties)

    def _create(self) -> None:
        self.state = State.CREATING
        self._command("releaseStream", 2, None, self._target.key)
        self._command("FCPublish", 3, None, self._target.key)
        self._command("createStream", _CREATE, None)

    def _ask(self, stream_id: object) -> None:
        if not isinstance(stream_id, float) or not 0 < stream_id < 2**31:
            raise RtmpError("the server named no stream")
        self._stream_id = int(stream_id)
        self.state = State.ASKING
        payload = amf0.encode("publish", 5, None, self._target.key, "live")
        self._write(_COMMANDS, MessageType.COMMAND, payload, 0, self._stream_id)

    def _command(self, name: str, transaction: int, *arguments: object) -> None:
        self._write(_COMMANDS, MessageType.COMMAND, amf0.encode(name, transaction, *arguments))

    def _write(
        self, chunk_stream: int, kind: MessageType, payload: bytes, time_ms: int = 0, stream_id: int = 0
    ) -> None:
        self._out.append(self._writer.write(Message(kind, time_ms, payload, stream_id), chunk_stream))

    def _acknowledge(self, size: int) -> None:
        self._received += size
        if self._window and self._received - self._acknowledged >= self._window // 2:
            self._acknowledged = self._received
            self._write(_CONTROL, MessageType.ACKNOWLEDGEMENT, (self._received & 0xFFFFFFFF).to_bytes(4, "big"))

    # -- what we are told ------------------------------------------------------------------------------------------

    def _take(self, message: Message) -> None:
        payload = message.payload
        if message.type == MessageType.WINDOW_SIZE and len(payload) >= 4:
            self._window = int.from_bytes(payload[:4], "big")
        elif message.type == MessageType.PEER_BANDWIDTH and len(payload) >= 4:
            self._write(_CONTROL, MessageType.WINDOW_SIZE, payload[:4])
        elif message.type == MessageType.USER_CONTROL and payload[:2] == b"\0\6" and len(payload) >= 6:
            self._write(_CONTROL, MessageType.USER_CONTROL, b"\0\7" + payload[2:6])  # ping
        elif message.type == MessageType.COMMAND:
            self._take_command(amf0.decode(payload))

    def _take_command(self, values: list[object]) -> None:
        name = values[0] if values else None
        transaction = values[1] if len(values) > 1 else None
        match name:
            case "_result" if transaction == _CONNECT and self.state is State.CONNECTING:
                self._create()
            case "_result" if transaction == _CREATE and self.state is State.CREATING:
                self._ask(values[3] if len(values) > 3 else None)
            case "_error" if transaction in (_CONNECT, _CREATE):
                raise Refused(_code(values))
            case "onStatus":
                self._take_status(_code(values), _level(values))
            case "close":
                raise RtmpError("the server closed the session")

    def _take_status(self, code: str, level: str) -> None:
        if code == "NetStream.Publish.Start":
            self.state = State.PUBLISHING
        elif level == "error" or code.startswith("NetStream.Publish.Bad") or code.endswith((".Rejected", ".Denied")):
            raise Refused(code)
        elif code in ("NetStream.Unpublish.Success", "NetConnection.Connect.Closed"):
            raise RtmpError("the server ended the stream")


def _information(values: list[object]) -> dict[str, object]:
    return next((value for value in values[2:] if isinstance(value, dict) and "code" in value), {})


def _code(values: list[object]) -> str:
    code = _information(values).get("code")
    # A server may put anything here, even what it was sent.
    return code if isinstance(code, str) and len(code) < 80 and code.replace(".", "").isalnum() else "no reason given"


def _level(values: list[object]) -> str:
    return str(_information(values).get("level", ""))
