"""WebM, written forward only (RFC 9559): VP8, VP9 or AV1, and Opus. The same as Matroska but for its name."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

from media.packets import EncodedPacket, Patch, StreamInfo

_UNKNOWN_SIZE = b"\x01\xff\xff\xff\xff\xff\xff\xff"
SEEK_HEAD_BYTES = 96
DURATION_BYTES = 11
_CODEC_IDS = {
    "vp8": "V_VP8",
    "vp9": "V_VP9",
    "av1": "V_AV1",
    "opus": "A_OPUS",
    "h264": "V_MPEG4/ISO/AVC",
    "aac": "A_AAC",
}
_SEEK_PRE_ROLL_NS = 80_000_000
CUE_INTERVAL_MS = 2_000
_MAX_CLUSTER_MS = 30_000

_EBML, _SEGMENT, _SEEK_HEAD, _INFO, _TRACKS, _CLUSTER, _CUES, _VOID = (
    b"\x1a\x45\xdf\xa3",
    b"\x18\x53\x80\x67",
    b"\x11\x4d\x9b\x74",
    b"\x15\x49\xa9\x66",
    b"\x16\x54\xae\x6b",
    b"\x1f\x43\xb6\x75",
    b"\x1c\x53\xbb\x6b",
    b"\xec",
)


def element(identity: bytes, *parts: bytes) -> bytes:
    """An EBML element; sizes take as few bytes as they need (RFC 8794 section 4)."""
    body = b"".join(parts)
    size = len(body)
    width = 1
    while size >= (1 << 7 * width) - 1:
        width += 1
    return identity + (size | 1 << 7 * width).to_bytes(width, "big") + body


def uint(identity: bytes, value: int) -> bytes:
    """An unsigned number."""
    return element(identity, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def void(size: int) -> bytes:
    """An element of ``size`` bytes (2 to 128) that means nothing."""
    return _VOID + bytes((0x80 | size - 2,)) + bytes(size - 2)


class WebmWriter:
    """``write`` gets the file's bytes in order, a cluster of at most ``cluster_s`` at a time.

    Clusters begin at key frames of the first stream where there are any. ``doc_type``: ``webm`` or ``matroska``.
    """

    def __init__(
        self,
        streams: Sequence[StreamInfo],
        write: Callable[[bytes], object],
        cluster_s: float = 1.0,
        doc_type: str = "webm",
    ) -> None:
        self.streams = tuple(streams)
        self.bytes_written = 0
        self._write = write
        self._cluster_ms = round(cluster_s * 1000)
        self._numbers = {s.name: (n, s.clock_rate) for n, s in enumerate(streams, 1)}
        self._lead = self.streams[0]
        self._blocks: list[bytes] = []
        self._cluster_start: int | None = None
        self._cluster_key = False
        self._end_ms = 0.0
        self._last: dict[str, int] = {}
        self._cues: list[tuple[int, int]] = []  # ms, place in the segment
        head = _ebml_head(doc_type) + _SEGMENT
        self._size_offset = len(head)
        head += _UNKNOWN_SIZE
        self._segment_offset = len(head)
        info = _info()
        self._duration_offset = len(head) + SEEK_HEAD_BYTES + len(info) - DURATION_BYTES
        self._info_place, self._tracks_place = SEEK_HEAD_BYTES, SEEK_HEAD_BYTES + len(info)
        tracks = element(_TRACKS, *(_track(n, s) for n, s in enumerate(streams, 1)))
        self._put(head + void(SEEK_HEAD_BYTES) + info + tracks)

    def _put(self, data: bytes) -> None:
        self._write(data)
        self.bytes_written += len(data)

    @property
    def duration_s(self) -> float:
        """Where the last packet ends."""
        return self._end_ms / 1000

    def add(self, packet: EncodedPacket) -> None:
        """Take a packet; those of one stream in order. One that does not come after the last is left out."""
        number, rate = self._numbers[packet.stream]
        last = self._last.get(packet.stream)
        if last is not None and packet.pts <= last:
            return
        self._last[packet.stream] = packet.pts
        at_ms = max(0, round(packet.pts * 1000 / rate))
        leads = packet.stream == self._lead.name
        key_frame = leads and packet.key_frame
        start = self._cluster_start
        if start is not None:
            elapsed_ms = at_ms - start
            opens = key_frame and (self._lead.kind == "video" or elapsed_ms >= self._cluster_ms)
            if opens or elapsed_ms >= self._cluster_ms * (1 if leads else 2) or not elapsed_ms > -_MAX_CLUSTER_MS:
                self.flush()
                start = None
        if start is None:
            self._cluster_start = start = at_ms
            self._cluster_key = key_frame
        flags = 0x80 if packet.key_frame else 0
        head = bytes((0x80 | number,)) + struct.pack("!hB", at_ms - start, flags)
        self._blocks.append(element(b"\xa3", head, packet.data))
        self._end_ms = max(self._end_ms, (packet.pts + packet.duration) * 1000 / rate)

    def extend(self, duration_s: float) -> None:
        """The last picture is seen until ``duration_s``."""
        self._end_ms = max(self._end_ms, duration_s * 1000)

    def flush(self) -> None:
        """Write what is there as a cluster."""
        start, self._cluster_start = self._cluster_start, None
        if start is None:
            return
        if self._cluster_key and (not self._cues or start - self._cues[-1][0] >= CUE_INTERVAL_MS):
            self._cues.append((start, self.bytes_written - self._segment_offset))
        self._put(element(_CLUSTER, uint(b"\xe7", start), *self._blocks))
        self._blocks.clear()

    def close(self) -> list[Patch]:
        """Write the rest and the index; what the head of the file becomes is returned."""
        self.flush()
        places = [(_INFO, self._info_place), (_TRACKS, self._tracks_place)]
        if self._cues:
            places.append((_CUES, self.bytes_written - self._segment_offset))
            self._put(cues(self._cues))
        return finishing_patches(
            places, self._size_offset, self._segment_offset, self._duration_offset, self.bytes_written, self._end_ms
        )


def finishing_patches(
    places: list[tuple[bytes, int]],
    size_offset: int,
    segment_offset: int,
    duration_offset: int,
    file_bytes: int,
    duration_ms: float,
) -> list[Patch]:
    """The segment's size, where its parts are and its duration, in the places that were kept for them."""
    seeks = [
        element(b"\x4d\xbb", element(b"\x53\xab", identity), uint(b"\x53\xac", place)) for identity, place in places
    ]
    seek_head = element(_SEEK_HEAD, *seeks)
    size = (file_bytes - segment_offset | 1 << 56).to_bytes(8, "big")
    return [
        Patch(size_offset, size),
        Patch(segment_offset, seek_head + void(SEEK_HEAD_BYTES - len(seek_head))),
        Patch(duration_offset, element(b"\x44\x89", struct.pack("!d", duration_ms))),
    ]


def cues(points: list[tuple[int, int]]) -> bytes:
    """The index: milliseconds and places in the segment of clusters that begin with a key frame of the first track."""
    return element(
        _CUES,
        *(
            element(b"\xbb", uint(b"\xb3", ms), element(b"\xb7", uint(b"\xf7", 1), uint(b"\xf1", place)))
            for ms, place in points
        ),
    )


def _ebml_head(doc_type: str) -> bytes:
    return element(
        _EBML,
        uint(b"\x42\x86", 1),
        uint(b"\x42\xf7", 1),
        uint(b"\x42\xf2", 4),
        uint(b"\x42\xf3", 8),
        element(b"\x42\x82", doc_type.encode()),
        uint(b"\x42\x87", 4),
        uint(b"\x42\x85", 2),
    )


def _info() -> bytes:
    """Milliseconds as units; the place for the duration is the last element."""
    name = element(b"\x4d\x80", b"Plenum")
    return element(_INFO, uint(b"\x2a\xd7\xb1", 1_000_000), name, element(b"\x57\x41", b"Plenum"), void(DURATION_BYTES))


def _track(number: int, stream: StreamInfo) -> bytes:
    video = stream.kind == "video"
    parts = [
        uint(b"\xd7", number),
        uint(b"\x73\xc5", number),
        uint(b"\x9c", 0),
        element(b"\x22\xb5\x9c", b"und"),
        element(b"\x86", _CODEC_IDS[stream.codec].encode()),
        uint(b"\x83", 1 if video else 2),
    ]
    if stream.extradata:
        parts.append(element(b"\x63\xa2", stream.extradata))
    if video:
        parts.append(element(b"\xe0", uint(b"\xb0", stream.width), uint(b"\xba", stream.height)))
    else:
        if stream.codec == "opus":
            (preskip,) = struct.unpack_from("<H", stream.extradata, 10)
            parts += [uint(b"\x56\xaa", preskip * 1_000_000_000 // 48_000), uint(b"\x56\xbb", _SEEK_PRE_ROLL_NS)]
        rate = element(b"\xb5", struct.pack("!d", stream.clock_rate))
        parts.append(element(b"\xe1", rate, uint(b"\x9f", stream.channels)))
    return element(b"\xae", *parts)
