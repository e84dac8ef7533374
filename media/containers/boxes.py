"""Boxes of the ISO base media file format (ISO/IEC 14496-12): what an MP4 file's head and fragments are made of."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from media.packets import EncodedPacket, StreamInfo

MOVIE_TIMESCALE = 1_000
_MATRIX = struct.pack("!9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_LANGUAGE_UND = 0x55C4
_KEY_SAMPLE, _OTHER_SAMPLE = 0x02000000, 0x01010000
_DEFAULT_BASE_IS_MOOF = 0x020000
_TRUN_FLAGS = 0x000701  # data offset; duration, size and flags of each sample


def box(kind: bytes, *parts: bytes) -> bytes:
    """A box around its content."""
    body = b"".join(parts)
    return struct.pack("!I4s", 8 + len(body), kind) + body


def full_box(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    """A box with version and flags."""
    return box(kind, struct.pack("!I", version << 24 | flags), *parts)


def ftyp() -> bytes:
    """What the file is: fragmented, with data offsets counted from each moof."""
    return box(b"ftyp", b"iso6", struct.pack("!I", 0x200), b"iso6iso5iso2mp41cmfc")


def moov(streams: Sequence[StreamInfo]) -> bytes:
    """The head of a fragmented file; track ids are 1, 2, ... in the order of ``streams``."""
    tracks = [_trak(number, stream) for number, stream in enumerate(streams, 1)]
    defaults = [full_box(b"trex", 0, 0, struct.pack("!5I", number, 1, 0, 0, 0)) for number in range(1, len(tracks) + 1)]
    mvhd = full_box(
        b"mvhd",
        0,
        0,
        struct.pack("!4IIH10x", 0, 0, MOVIE_TIMESCALE, 0, 0x10000, 0x0100),
        _MATRIX,
        struct.pack("!24xI", len(tracks) + 1),
    )
    return box(b"moov", mvhd, *tracks, box(b"mvex", mehd(0), *defaults))


def mehd(duration_ms: int) -> bytes:
    """The duration of all fragments together."""
    return full_box(b"mehd", 1, 0, struct.pack("!Q", duration_ms))


def _trak(number: int, stream: StreamInfo) -> bytes:
    video = stream.kind == "video"
    volume = 0 if video else 0x0100
    tkhd = full_box(
        b"tkhd",
        0,
        3,
        struct.pack("!3I4xI8x2hH2x", 0, 0, number, 0, 0, 0, volume),
        _MATRIX,
        struct.pack("!2I", stream.width << 16, stream.height << 16),
    )
    mdhd = full_box(b"mdhd", 0, 0, struct.pack("!4I2H", 0, 0, stream.clock_rate, 0, _LANGUAGE_UND, 0))
    name = b"video\0" if video else b"audio\0"
    hdlr = full_box(b"hdlr", 0, 0, struct.pack("!4x4s12x", b"vide" if video else b"soun"), name)
    head = full_box(b"vmhd", 0, 1, bytes(8)) if video else full_box(b"smhd", 0, 0, bytes(4))
    dinf = box(b"dinf", full_box(b"dref", 0, 0, struct.pack("!I", 1), full_box(b"url ", 0, 1)))
    stbl = box(
        b"stbl",
        full_box(b"stsd", 0, 0, struct.pack("!I", 1), _sample_entry(stream)),
        full_box(b"stts", 0, 0, bytes(4)),
        full_box(b"stsc", 0, 0, bytes(4)),
        full_box(b"stsz", 0, 0, bytes(8)),
        full_box(b"stco", 0, 0, bytes(4)),
    )
    return box(b"trak", tkhd, box(b"mdia", mdhd, hdlr, box(b"minf", head, dinf, stbl)))


def _sample_entry(stream: StreamInfo) -> bytes:
    match stream.codec:
        case "h264":
            return _visual(b"avc1", stream, box(b"avcC", stream.extradata))
        case "av1":
            return _visual(b"av01", stream, box(b"av1C", stream.extradata))
        case "vp9":
            return _visual(b"vp09", stream, full_box(b"vpcC", 1, 0, bytes((0, 31, 0x82, 1, 1, 1, 0, 0))))
        case "aac":
            return _sound(b"mp4a", stream, _esds(stream))
        case "opus":
            # dOps is the OpusHead without its magic, big-endian and version 0 (Opus in ISOBMFF section 4.3.2).
            preskip, rate, gain = struct.unpack_from("<HIh", stream.extradata, 10)
            return _sound(
                b"Opus", stream, box(b"dOps", struct.pack("!BBHIhB", 0, stream.channels, preskip, rate, gain, 0))
            )
    raise ValueError(f"{stream.codec} has no place in an MP4 file")


def _visual(kind: bytes, stream: StreamInfo, config: bytes) -> bytes:
    return box(
        kind,
        struct.pack("!6xH16x2H2I4xH32xHh", 1, stream.width, stream.height, 0x480000, 0x480000, 1, 0x18, -1),
        config,
        box(b"pasp", struct.pack("!2I", 1, 1)),
    )


def _sound(kind: bytes, stream: StreamInfo, config: bytes) -> bytes:
    return box(kind, struct.pack("!6xH8x2H4xI", 1, stream.channels, 16, stream.clock_rate << 16), config)


def _esds(stream: StreamInfo) -> bytes:
    """The elementary stream descriptor of AAC (ISO/IEC 14496-1 section 7.2.6)."""

    def descriptor(tag: int, *parts: bytes) -> bytes:
        body = b"".join(parts)
        assert len(body) < 0x80
        return bytes((tag, len(body))) + body

    decoder = descriptor(
        4,
        struct.pack("!BB3xII", 0x40, 0x15, stream.bitrate_bps, stream.bitrate_bps),
        descriptor(5, stream.extradata),
    )
    return full_box(b"esds", 0, 0, descriptor(3, struct.pack("!HB", 0, 0), decoder, descriptor(6, b"\x02")))


def moof(sequence: int, runs: Sequence[tuple[int, Sequence[EncodedPacket]]]) -> bytes:
    """The head of a fragment; ``runs`` are track ids with their samples, whose data follow in an mdat in this order."""
    # Everything is of known size: tfhd 16, tfdt 20, trun 20 and 12 a sample, each traf 8 around them.
    size = 8 + 16 + sum(64 + 12 * len(samples) for _, samples in runs)
    offset = size + 8
    parts = [full_box(b"mfhd", 0, 0, struct.pack("!I", sequence))]
    for track, samples in runs:
        table = b"".join(
            struct.pack("!3I", s.duration, len(s.data), _KEY_SAMPLE if s.key_frame else _OTHER_SAMPLE) for s in samples
        )
        parts.append(
            box(
                b"traf",
                full_box(b"tfhd", 0, _DEFAULT_BASE_IS_MOOF, struct.pack("!I", track)),
                full_box(b"tfdt", 1, 0, struct.pack("!Q", samples[0].dts)),
                full_box(b"trun", 0, _TRUN_FLAGS, struct.pack("!2I", len(samples), offset), table),
            )
        )
        offset += sum(len(s.data) for s in samples)
    return box(b"moof", *parts)


def sidx(track: int, timescale: int, earliest: int, first_offset: int, parts: Sequence[tuple[int, int, bool]]) -> bytes:
    """The index of a file (section 8.16.3); ``parts``: size in bytes, duration, whether a key frame comes first."""
    entries = b"".join(
        struct.pack("!3I", size, duration, 0x90000000 if key_frame else 0) for size, duration, key_frame in parts
    )
    head = struct.pack("!2I2Q2xH", track, timescale, earliest, first_offset, len(parts))
    return full_box(b"sidx", 1, 0, head, entries)


def free(size: int) -> bytes:
    """A box of ``size`` bytes (8 at least) that means nothing."""
    return box(b"free", bytes(size - 8))
