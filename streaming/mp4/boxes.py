"""The boxes of fragmented MP4 that two tracks need, H.264 and AAC (ISO/IEC 14496-12, -14 and -15)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from streaming import h264
from streaming.encoded import VIDEO_TIMESCALE, AudioPacket, AudioTrack, VideoPacket, VideoTrack

VIDEO_ID, AUDIO_ID = 1, 2
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_SYNC_SAMPLE = 0x02000000  # depends on no other sample
_OTHER_SAMPLE = 0x01010000  # depends on others, is no sync sample
_DATA_OFFSET, _DURATION, _SIZE, _FLAGS, _COMPOSITION = 0x1, 0x100, 0x200, 0x400, 0x800
_BASE_IS_MOOF, _DEFAULT_FLAGS = 0x020000, 0x20


def box(kind: bytes, *contents: bytes) -> bytes:
    """A box with its size."""
    size = 8 + sum(map(len, contents))
    return struct.pack(">I4s", size, kind) + b"".join(contents)


def full_box(kind: bytes, version: int, flags: int, *contents: bytes) -> bytes:
    """A box with version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *contents)


# -- initialisation segment --------------------------------------------------------------------------------------------


def init_segment(video: VideoTrack | None, audio: AudioTrack | None) -> bytes:
    """``ftyp`` and ``moov`` of a file whose samples are all in fragments."""
    tracks, extends = [], []
    if video is not None:
        tracks.append(_video_track(video))
        extends.append(_extends(VIDEO_ID))
    if audio is not None:
        tracks.append(_audio_track(audio))
        extends.append(_extends(AUDIO_ID))
    file_type = box(b"ftyp", b"iso6", struct.pack(">I", 0), b"iso6", b"cmfc", b"mp41")
    header = full_box(
        b"mvhd",
        0,
        0,
        struct.pack(">IIII", 0, 0, 1000, 0),
        struct.pack(">IHHII", 0x10000, 0x100, 0, 0, 0),
        _MATRIX,
        bytes(24),
        struct.pack(">I", AUDIO_ID + 1),
    )
    return file_type + box(b"moov", header, *tracks, box(b"mvex", *extends))


def _video_track(track: VideoTrack) -> bytes:
    entry = box(
        b"avc1",
        bytes(6) + b"\0\1" + bytes(16),
        struct.pack(">HHIIIH", track.width, track.height, 0x480000, 0x480000, 0, 1),
        bytes(32),
        struct.pack(">Hh", 24, -1),
        box(b"avcC", h264.configuration(track.sps, track.pps)),
    )
    media = full_box(b"vmhd", 0, 1, bytes(8))
    return _track(VIDEO_ID, VIDEO_TIMESCALE, b"vide", media, entry, (track.width, track.height))


def _audio_track(track: AudioTrack) -> bytes:
    decoder = b"\x40\x15" + bytes(11) + _descriptor(5, track.config)
    stream = struct.pack(">HB", 0, 0) + _descriptor(4, decoder) + _descriptor(6, b"\2")
    entry = box(
        b"mp4a",
        bytes(6) + b"\0\1" + bytes(8),
        struct.pack(">HHHHI", track.channels, 16, 0, 0, track.sample_rate << 16),
        full_box(b"esds", 0, 0, _descriptor(3, stream)),
    )
    return _track(AUDIO_ID, track.sample_rate, b"soun", full_box(b"smhd", 0, 0, bytes(4)), entry, None)


def _descriptor(tag: int, content: bytes) -> bytes:
    """A descriptor of ISO/IEC 14496-1 section 8.3.3; ours are all shorter than 128 bytes."""
    return bytes((tag, len(content))) + content


def _track(
    track_id: int, timescale: int, handler: bytes, media: bytes, entry: bytes, size: tuple[int, int] | None
) -> bytes:
    width, height = size or (0, 0)
    header = full_box(
        b"tkhd",
        0,
        3,
        struct.pack(">IIIII", 0, 0, track_id, 0, 0),
        bytes(8),
        struct.pack(">HHHH", 0, 0, 0 if size else 0x100, 0),
        _MATRIX,
        struct.pack(">II", width << 16, height << 16),
    )
    no_samples = [full_box(kind, 0, 0, bytes(4)) for kind in (b"stts", b"stsc", b"stco")]
    table = box(
        b"stbl", full_box(b"stsd", 0, 0, struct.pack(">I", 1), entry), *no_samples, full_box(b"stsz", 0, 0, bytes(8))
    )
    here = full_box(b"dref", 0, 0, struct.pack(">I", 1), full_box(b"url ", 0, 1))
    return box(
        b"trak",
        header,
        box(
            b"mdia",
            full_box(b"mdhd", 0, 0, struct.pack(">IIIIHH", 0, 0, timescale, 0, 0x55C4, 0)),
            full_box(b"hdlr", 0, 0, bytes(4), handler, bytes(12), b"\0"),
            box(b"minf", media, box(b"dinf", here), table),
        ),
    )


def _extends(track_id: int) -> bytes:
    return full_box(b"trex", 0, 0, struct.pack(">IIIII", track_id, 1, 0, 0, 0))


# -- fragments ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Run:
    """What a ``traf`` says of one track, and its samples' bytes."""

    track_id: int
    decode_time: int
    default_flags: int
    flags: int
    entries: bytes
    count: int
    data: bytes

    def box(self, data_offset: int) -> bytes:
        """The ``traf``; all have the same size whatever the offset."""
        return box(
            b"traf",
            full_box(b"tfhd", 0, _BASE_IS_MOOF | _DEFAULT_FLAGS, struct.pack(">II", self.track_id, self.default_flags)),
            full_box(b"tfdt", 1, 0, struct.pack(">Q", self.decode_time)),
            full_box(b"trun", 1, self.flags, struct.pack(">Ii", self.count, data_offset), self.entries),
        )


def fragment(sequence: int, video: Sequence[VideoPacket], audio: Sequence[AudioPacket]) -> bytes:
    """``moof`` and ``mdat`` with the packets of both tracks; times must not be negative."""
    runs = [run for run in (_video_run(video), _audio_run(audio)) if run is not None]
    number = full_box(b"mfhd", 0, 0, struct.pack(">I", sequence))
    moof_bytes = 8 + len(number) + sum(len(run.box(0)) for run in runs)
    boxes, offset = [number], moof_bytes + 8
    for run in runs:
        boxes.append(run.box(offset))
        offset += len(run.data)
    return box(b"moof", *boxes) + box(b"mdat", *(run.data for run in runs))


def _video_run(packets: Sequence[VideoPacket]) -> _Run | None:
    if not packets:
        return None
    entries = [
        struct.pack(
            ">IIIi",
            packet.duration,
            len(packet.data),
            _SYNC_SAMPLE if packet.key else _OTHER_SAMPLE,
            packet.pts - packet.dts,
        )
        for packet in packets
    ]
    flags = _DATA_OFFSET | _DURATION | _SIZE | _FLAGS | _COMPOSITION
    data = b"".join(packet.data for packet in packets)
    return _Run(VIDEO_ID, packets[0].dts, _OTHER_SAMPLE, flags, b"".join(entries), len(packets), data)


def _audio_run(packets: Sequence[AudioPacket]) -> _Run | None:
    if not packets:
        return None
    entries = b"".join(struct.pack(">II", packet.duration, len(packet.data)) for packet in packets)
    data = b"".join(packet.data for packet in packets)
    return _Run(AUDIO_ID, packets[0].pts, _SYNC_SAMPLE, _DATA_OFFSET | _DURATION | _SIZE, entries, len(packets), data)
