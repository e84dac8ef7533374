"""What a shard and a worker process say to each other: framed messages over a local stream socket, both directions.

A frame is ``uint32 length, uint8 type, body``; the length counts type and body. The body of a Packet, of which there
are thousands a second, is binary; that of a Made is ``uint16 length, JSON object, bytes``; every other body is a JSON
object of the message's fields, with bytes in base64. Both ends run on one machine: every ``at`` is in seconds of its
monotonic clock.
"""

from __future__ import annotations

import json
import struct
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal, TypeAlias, get_args, get_origin, get_type_hints

from sfu.errors import MalformedPacket

MAX_FRAME_BYTES = 4 * 1024 * 1024
_LENGTH = struct.Struct("!I")
_HEAD = struct.Struct("!IB")
_PACKET = struct.Struct("!Hd")
_PACKET_TYPE = 1
_MADE = struct.Struct("!H")
_MADE_TYPE = 70

Source = Literal["camera", "microphone", "screen", "screen-audio"]
LayoutMode = Literal["auto", "grid", "speaker", "screen"]


@dataclass(frozen=True, slots=True)
class Packet:
    """One decrypted RTP packet, header and all, as the publisher numbered it; RTX is unwrapped. ``at``: its arrival."""

    track: int
    at: float
    data: bytes


@dataclass(frozen=True, slots=True)
class TrackAdded:
    """A track begins; ``track`` (0 to 65535) names it from here on, and is not used for another one in this feed.

    ``codec`` is the name in session descriptions (``VP8``, ``opus``, ``red``), ``clock_rate`` in Hz. Packets of
    ``red_payload_type`` hold the codec within redundant audio (RFC 2198).
    """

    track: int
    publication_id: str
    user_id: str
    source: Source
    kind: Literal["audio", "video"]
    codec: str
    clock_rate: int
    channels: int = 1
    fmtp: dict[str, str] = field(default_factory=dict)
    red_payload_type: int | None = None


@dataclass(frozen=True, slots=True)
class TrackRemoved:
    """No further packet of this track comes."""

    track: int


@dataclass(frozen=True, slots=True)
class Clock:
    """The RTP timestamp (32 bits, or unwrapped) that belongs to the moment ``at``, from the publisher's sender reports.

    Send one as soon as it is known, before the track's first packet if it is, and then about once a second. ``ssrc``
    is the stream that the timestamp belongs to; None: the one whose packets came last.
    """

    track: int
    rtp_timestamp: int
    at: float
    ssrc: int | None = None


@dataclass(frozen=True, slots=True)
class Muted:
    """A track is muted, or not any more: a muted camera shows initials, a muted microphone a mark."""

    track: int
    muted: bool


@dataclass(frozen=True, slots=True)
class Participant:
    """Who is in the room. ``present`` false: has left. ``avatar`` is a PNG or JPEG file, ``colour`` like ``#3366cc``;
    without them initials are drawn on a colour made of the user id.
    """

    user_id: str
    display_name: str
    present: bool = True
    avatar: bytes | None = None
    colour: str | None = None


@dataclass(frozen=True, slots=True)
class Speaker:
    """The dominant speaker; None: nobody speaks."""

    user_id: str | None


@dataclass(frozen=True, slots=True)
class Layout:
    """How the picture is made from here on.

    ``auto``: a screen share with a strip of cameras if there is one, else a grid. ``spotlight``: who is shown large
    in ``speaker`` instead of who speaks.
    """

    mode: LayoutMode = "auto"
    show_names: bool = True
    show_speaker: bool = True
    spotlight: str | None = None


@dataclass(frozen=True, slots=True)
class Overlay:
    """What lies over the picture: a title (empty: none), a logo (PNG file), and the words of the slate."""

    title: str = ""
    logo: bytes | None = None
    logo_corner: Literal["top-left", "top-right", "bottom-left", "bottom-right"] = "top-right"
    slate: str = ""


@dataclass(frozen=True, slots=True)
class Stop:
    """Finish: everything that came before this is still taken in, then files and outputs are closed."""

    reason: str


@dataclass(frozen=True, slots=True)
class Command:
    """What only one kind of worker understands, such as an output that comes or goes; may hold secrets."""

    values: dict[str, Any]

    def __repr__(self) -> str:
        return "Command(…)"


@dataclass(frozen=True, slots=True)
class KeyFrameWanted:
    """The worker cannot go on decoding a track (or writing it) without a key frame."""

    track: int


@dataclass(frozen=True, slots=True)
class SizeWanted:
    """How large a video track is shown; 0 by 0: not at all. The shard may send a fitting simulcast layer, or pause."""

    track: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Status:
    """How it goes, every second or so: ``duration_ms``, ``bytes``, ``frames``, ``dropped``, shares of a core."""

    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something is wrong; ``code`` is stable, ``message`` for people. The worker goes on unless Done follows."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Done:
    """Everything is written; the worker ends."""


@dataclass(frozen=True, slots=True)
class Made:
    """Bytes that the worker has made for the shard to serve, and what they are."""

    values: dict[str, Any]
    data: bytes


Message: TypeAlias = (
    Packet
    | TrackAdded
    | TrackRemoved
    | Clock
    | Muted
    | Participant
    | Speaker
    | Layout
    | Overlay
    | Stop
    | Command
    | KeyFrameWanted
    | SizeWanted
    | Status
    | Problem
    | Done
    | Made
)

_TYPES: Final[dict[int, type[Any]]] = {
    2: TrackAdded,
    3: TrackRemoved,
    4: Clock,
    5: Muted,
    6: Participant,
    7: Speaker,
    8: Layout,
    9: Overlay,
    10: Stop,
    11: Command,
    65: KeyFrameWanted,
    66: SizeWanted,
    67: Status,
    68: Problem,
    69: Done,
}
_NUMBERS: Final = {kind: number for number, kind in _TYPES.items()}


def encode(message: Message) -> bytes:
    """The frame of a message; raises ValueError if it is larger than MAX_FRAME_BYTES."""
    if type(message) is Packet:
        data = message.data
        return _HEAD.pack(11 + len(data), _PACKET_TYPE) + _PACKET.pack(message.track, message.at) + data
    if type(message) is Made:
        header = json.dumps(message.values, separators=(",", ":")).encode()
        size = 3 + len(header) + len(message.data)
        if size > MAX_FRAME_BYTES:
            raise ValueError("the message does not fit a frame")
        return _HEAD.pack(size, _MADE_TYPE) + _MADE.pack(len(header)) + header + message.data
    values = {f.name: getattr(message, f.name) for f in fields(message)}
    body = json.dumps(values, default=_as_base64, separators=(",", ":")).encode()
    if len(body) >= MAX_FRAME_BYTES:
        raise ValueError("the message does not fit a frame")
    return _HEAD.pack(1 + len(body), _NUMBERS[type(message)]) + body


def decode(frame: bytes) -> Message:
    """The message of one frame, without its length: type and body.

    Raises MalformedPacket: ``feed_type``, ``feed_truncated``, ``feed_json`` or ``feed_field``.
    """
    if not frame:
        raise MalformedPacket("feed_truncated")
    number = frame[0]
    if number == _PACKET_TYPE:
        if len(frame) < 11:
            raise MalformedPacket("feed_truncated")
        track, at = _PACKET.unpack_from(frame, 1)
        return Packet(track, at, frame[11:])
    if number == _MADE_TYPE:
        return _made(frame)
    kind = _TYPES.get(number)
    if kind is None:
        raise MalformedPacket("feed_type")
    try:
        values = json.loads(frame[1:])
    except (ValueError, RecursionError):
        raise MalformedPacket("feed_json") from None
    if not isinstance(values, dict):
        raise MalformedPacket("feed_json")
    return _build(kind, values)


def _made(frame: bytes) -> Made:
    if len(frame) < 3:
        raise MalformedPacket("feed_truncated")
    end = 3 + _MADE.unpack_from(frame, 1)[0]
    if len(frame) < end:
        raise MalformedPacket("feed_truncated")
    try:
        values = json.loads(frame[3:end])
    except (ValueError, RecursionError):
        raise MalformedPacket("feed_json") from None
    if not isinstance(values, dict):
        raise MalformedPacket("feed_json")
    return Made(values, frame[end:])


class FrameReader:
    """Cuts a stream of bytes into messages, however they arrive in pieces."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that are whole now. Raises MalformedPacket, also ``feed_length``: then the stream is lost."""
        waiting = self._waiting
        waiting += data
        place = 0
        try:
            while len(waiting) - place >= 4:
                (length,) = _LENGTH.unpack_from(waiting, place)
                if not 0 < length <= MAX_FRAME_BYTES:
                    raise MalformedPacket("feed_length")
                end = place + 4 + length
                if len(waiting) < end:
                    break
                frame = bytes(waiting[place + 4 : end])
                place = end
                yield decode(frame)
        finally:
            del waiting[:place]


def _as_base64(value: object) -> str:
    assert isinstance(value, bytes)
    return b64encode(value).decode()


_HINTS: Final[dict[type[Any], dict[str, Any]]] = {kind: get_type_hints(kind) for kind in _TYPES.values()}


def _build(kind: type[Any], values: dict[str, Any]) -> Message:
    """The message with its fields checked; fields that we do not know are left out: a newer end may have more."""
    hints = _HINTS[kind]
    known = {name: _checked(hints[name], value) for name, value in values.items() if name in hints}
    try:
        message: Message = kind(**known)
    except TypeError:
        raise MalformedPacket("feed_field") from None
    return message


def _checked(hint: Any, value: Any) -> Any:
    """``value`` if it is what ``hint`` says. Raises MalformedPacket: ``feed_field``."""
    arguments = get_args(hint)
    origin = get_origin(hint)
    if origin is Literal:
        if any(value == allowed and type(value) is type(allowed) for allowed in arguments):
            return value
    elif origin is dict:
        if isinstance(value, dict) and (arguments[1] is Any or all(isinstance(v, str) for v in value.values())):
            return value
    elif type(None) in arguments:
        return None if value is None else _checked(arguments[0], value)
    elif hint is bytes and isinstance(value, str):
        try:
            return b64decode(value, validate=True)
        except (Base64Error, ValueError):
            pass
    elif hint is float and type(value) in (int, float):
        try:
            return float(value)
        except OverflowError:
            pass
    elif isinstance(hint, type) and type(value) is hint:
        return value
    raise MalformedPacket("feed_field")
