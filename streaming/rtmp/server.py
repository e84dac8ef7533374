"""The server that takes a published stream (RTMP 1.0 section 7.2), as OBS and hardware encoders speak to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from streaming.rtmp import amf0, flv
from streaming.rtmp.chunks import ChunkReader, ChunkWriter, Message, MessageType
from streaming.rtmp.errors import RtmpError
from streaming.rtmp.handshake import Handshake

_WINDOW_BYTES = 2_500_000
_CHUNK_BYTES = 4_096
_MAX_MESSAGE_BYTES = 4_194_304
_CONTROL, _COMMANDS = 2, 3
_STREAM_ID = 1


@dataclass(frozen=True, slots=True)
class PublishAsked:
    """A client wants to publish; answer by ``accept`` or ``refuse``. ``key`` is a secret."""

    app: str
    key: str

    def __repr__(self) -> str:
        return f"PublishAsked({self.app!r})"


@dataclass(frozen=True, slots=True)
class VideoCame:
    """A video message of the stream."""

    timestamp_ms: int
    body: flv.VideoBody


@dataclass(frozen=True, slots=True)
class AudioCame:
    """An audio message of the stream."""

    timestamp_ms: int
    body: flv.AudioBody


@dataclass(frozen=True, slots=True)
class Ended:
    """The client has ended its stream."""


Event = PublishAsked | VideoCame | AudioCame | Ended


class State(Enum):
    """How far the session is."""

    HANDSHAKE = auto()
    CONNECTED = auto()
    ASKED = auto()
    PUBLISHING = auto()
    CLOSED = auto()


class IngestSession:
    """One client. Bytes in by ``receive``, events out of it; what is to be sent from ``to_send``."""

    def __init__(self, random: bytes) -> None:
        self.state = State.HANDSHAKE
        self._handshake = Handshake(random, is_client=False)
        self._reader = ChunkReader(_MAX_MESSAGE_BYTES)
        self._writer = ChunkWriter()
        self._out: list[bytes] = []
        self._app = ""
        self._received = self._acknowledged = 0

    def receive(self, data: bytes) -> list[Event]:
        """Bytes of the client; raises RtmpError."""
        if self.state is State.HANDSHAKE:
            answer, data = self._handshake.receive(data)
            if answer:
                self._out.append(answer)
            if not self._handshake.done:
                return []
            self.state = State.CONNECTED
        self._acknowledge(len(data))
        return [event for message in self._reader.receive(data) if (event := self._take(message)) is not None]

    def to_send(self) -> bytes:
        """What is to be sent; empties itself."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    def accept(self) -> None:
        """The client may publish."""
        assert self.state is State.ASKED
        self.state = State.PUBLISHING
        self._write(_CONTROL, MessageType.USER_CONTROL, b"\0\0" + _STREAM_ID.to_bytes(4, "big"))
        self._status("status", "NetStream.Publish.Start", "Publishing.")

    def refuse(self, description: str) -> None:
        """The client may not."""
        assert self.state is State.ASKED
        self.state = State.CLOSED
        self._status("error", "NetStream.Publish.BadName", description)

    def _take(self, message: Message) -> Event | None:
        publishing = self.state is State.PUBLISHING
        match message.type:
            case MessageType.COMMAND:
                return self._take_command(amf0.decode(message.payload))
            case MessageType.VIDEO if publishing:
                video = flv.read_video(message.payload)
                return VideoCame(message.timestamp_ms, video) if video is not None else None
            case MessageType.AUDIO if publishing:
                audio = flv.read_audio(message.payload)
                return AudioCame(message.timestamp_ms, audio) if audio is not None else None
        return None

    def _take_command(self, values: list[object]) -> Event | None:
        name, transaction = (*values, None, None)[:2]
        match name:
            case "connect":
                self._connect(transaction, values[2] if len(values) > 2 else None)
            case "createStream":
                self._command("_result", transaction, None, _STREAM_ID)
            case "publish" if self.state is State.CONNECTED:
                return self._publish(values[3] if len(values) > 3 else None)
            case "releaseStream" | "FCPublish" | "getStreamLength":
                self._command("_result", transaction, None, None)
            case "FCUnpublish" | "deleteStream" | "closeStream" if self.state is State.PUBLISHING:
                self.state = State.CLOSED
                return Ended()
            case "play" | "play2":
                raise RtmpError("streams are not played here")
        return None

    def _connect(self, transaction: object, properties: object) -> None:
        app = properties.get("app") if isinstance(properties, dict) else None
        if not isinstance(app, str):
            raise RtmpError("the client named no application")
        self._app = app
        self._write(_CONTROL, MessageType.WINDOW_SIZE, _WINDOW_BYTES.to_bytes(4, "big"))
        self._write(_CONTROL, MessageType.PEER_BANDWIDTH, _WINDOW_BYTES.to_bytes(4, "big") + b"\2")
        self._write(_CONTROL, MessageType.SET_CHUNK_SIZE, _CHUNK_BYTES.to_bytes(4, "big"))
        self._writer.chunk_bytes = _CHUNK_BYTES
        status = {"level": "status", "code": "NetConnection.Connect.Success", "description": "Connected."}
        self._command("_result", transaction, {"fmsVer": "FMS/3,5,7,7009", "capabilities": 31}, status)

    def _publish(self, key: object) -> PublishAsked:
        if not isinstance(key, str) or not key:
            raise RtmpError("the client gave no stream key")
        self.state = State.ASKED
        return PublishAsked(self._app, key)

    def _status(self, level: str, code: str, description: str) -> None:
        information = {"level": level, "code": code, "description": description}
        payload = amf0.encode("onStatus", 0, None, information)
        self._write(_COMMANDS, MessageType.COMMAND, payload, _STREAM_ID)

    def _command(self, name: str, *arguments: object) -> None:
        self._write(_COMMANDS, MessageType.COMMAND, amf0.encode(name, *arguments))

    def _write(self, chunk_stream: int, kind: MessageType, payload: bytes, stream_id: int = 0) -> None:
        self._out.append(self._writer.write(Message(kind, 0, payload, stream_id), chunk_stream))

    def _acknowledge(self, size: int) -> None:
        self._received += size
        if self._received - self._acknowledged >= _WINDOW_BYTES // 2:
            self._acknowledged = self._received
            self._write(_CONTROL, MessageType.ACKNOWLEDGEMENT, (self._received & 0xFFFFFFFF).to_bytes(4, "big"))
