"""Files whose writer was killed: how much of them is whole, and the patches that give them duration and index.

It also works on a file that was joined: the first part as far as it
is whole, and behind it further parts without their heads, whose times go on where those of the first left off.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from media.containers import boxes, webm
from media.containers.mp4 import INDEX_BYTES, IndexOfParts
from media.packets import Patch

ReadAt = Callable[[int, int], bytes]
"""(offset, length) → bytes, fewer at the end of the file."""

_HEAD_READ_BYTES = 64 * 1024
_MAX_MOOF_BYTES = 16 * 1024 * 1024


class Unrepairable(ValueError):
    """The bytes are no file of our writers, or none that has got as far as its head."""


@dataclass(frozen=True, slots=True)
class Repair:
    """``length``: the bytes to keep; what lies behind is half a fragment. ``patches``: written over the head.

    ``header_bytes``: where the head ends and fragments or clusters begin. ``tail``: bytes to put behind ``length``
    (the index of a WebM file), empty for MP4.
    """

    length: int
    patches: list[Patch]
    duration_s: float
    header_bytes: int
    tail: bytes = b""


def repair(read_at: ReadAt, size: int) -> Repair:
    """What to do with a file of ``size`` bytes. Raises Unrepairable."""
    head = read_at(0, min(size, _HEAD_READ_BYTES))
    if head[4:8] == b"ftyp":
        return _repair_mp4(read_at, size, head)
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return _repair_webm(read_at, size, head)
    raise Unrepairable("neither MP4 nor WebM")


# -- MP4 ---------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Head:
    """Of an MP4 file: clock rates of the tracks by id, where mehd stands and where the index goes."""

    rates: dict[int, int]
    mehd: int
    index: int
    end: int


def _repair_mp4(read_at: ReadAt, size: int, data: bytes) -> Repair:
    head = _mp4_head(data, size)
    index = IndexOfParts()
    end_s = 0.0
    place = length = head.end
    while place + 8 <= size:
        moof_size, kind = struct.unpack("!I4s", read_at(place, 8))
        if kind != b"moof" or not 8 < moof_size <= _MAX_MOOF_BYTES or place + moof_size + 8 > size:
            break
        moof = read_at(place, moof_size + 8)
        mdat_size, kind = struct.unpack_from("!I4s", moof, moof_size)
        if kind != b"mdat" or place + moof_size + mdat_size > size:
            break
        try:
            runs = _runs(moof[8:moof_size])
        except (KeyError, struct.error):
            break
        fragment_size = moof_size + mdat_size
        if 1 in runs:
            index.add(*runs[1], fragment_size)
        else:
            index.add_bytes(fragment_size)
        end_s = max([end_s, *(end / head.rates[t] for t, (_, end, _) in runs.items() if t in head.rates)])
        place += fragment_size
        length = place
    patches = [Patch(head.mehd, boxes.mehd(round(end_s * boxes.MOVIE_TIMESCALE)))]
    sidx = index.sidx(head.rates.get(1, 1))
    if sidx:
        patches.append(Patch(head.index, sidx))
    return Repair(length, patches, end_s, head.end)


def _mp4_head(data: bytes, size: int) -> _Head:
    """ftyp, moov, and the place of the index, as a free box or as the index itself."""
    place = 0
    moov: tuple[int, bytes] | None = None
    while place + 8 <= len(data):
        box_size, kind = struct.unpack_from("!I4s", data, place)
        if kind == b"moov" and place + box_size <= len(data):
            moov = place, data[place : place + box_size]
        elif kind in (b"free", b"sidx") and moov is not None:
            end = place + INDEX_BYTES
            mehd = moov[1].find(b"mehd")
            if end > size or mehd < 0:
                break
            return _Head(_clock_rates(moov[1]), moov[0] + mehd - 4, place, end)
        elif kind != b"ftyp" or box_size < 8:
            break
        place += box_size
    raise Unrepairable("the head of the MP4 file is not whole")


def _clock_rates(moov: bytes) -> dict[int, int]:
    """Of each trak, in whose order the ids are given out: the time scale in its mdhd box."""
    rates: dict[int, int] = {}
    place = moov.find(b"mdhd")
    while place >= 0:
        (rates[len(rates) + 1],) = struct.unpack_from("!I", moov, place + 16)
        place = moov.find(b"mdhd", place + 4)
    return rates


def _runs(moof: bytes) -> dict[int, tuple[int, int, bool]]:
    """By track: the first sample's time, where the last one ends, and whether a key frame is first."""
    runs = {}
    for kind, traf in _children(moof):
        if kind != b"traf":
            continue
        parts = dict(_children(traf))
        (track,) = struct.unpack_from("!I", parts[b"tfhd"], 4)
        (first,) = struct.unpack_from("!Q", parts[b"tfdt"], 4)
        (count,) = struct.unpack_from("!I", parts[b"trun"], 4)
        samples = list(struct.iter_unpack("!3I", parts[b"trun"][12 : 12 + 12 * count]))
        key_frame = bool(samples) and not samples[0][2] & 0x00010000
        runs[track] = first, first + sum(duration for duration, _, _ in samples), key_frame
    return runs


def _children(data: bytes) -> list[tuple[bytes, bytes]]:
    children = []
    place = 0
    while place + 8 <= len(data):
        size, kind = struct.unpack_from("!I4s", data, place)
        if size < 8:
            break
        children.append((kind, data[place + 8 : place + size]))
        place += size
    return children


# -- WebM --------------------------------------------------------------------------------------------------------------


def _repair_webm(read_at: ReadAt, size: int, data: bytes) -> Repair:
    size_offset, segment_offset, duration_offset, info, tracks, end = _webm_head(data)
    cues: list[tuple[int, int]] = []
    end_ms = 0.0
    place = length = end
    while place + 12 <= size:
        head = read_at(place, 12)
        if head[:4] != b"\x1f\x43\xb6\x75":
            break
        try:
            body, place_of_body = _size_at(head, 4)
        except IndexError:
            break
        if body is None or place + place_of_body + body > size:
            break
        cluster = read_at(place + place_of_body, body)
        try:
            start, last, key_frame = _blocks(cluster)
        except (IndexError, struct.error):
            break
        if key_frame and (not cues or start - cues[-1][0] >= webm.CUE_INTERVAL_MS):
            cues.append((start, place - segment_offset))
        end_ms = max(end_ms, last)
        place += place_of_body + body
        length = place
    places = [(b"\x15\x49\xa9\x66", info), (b"\x16\x54\xae\x6b", tracks)]
    tail = b""
    if cues:
        places.append((b"\x1c\x53\xbb\x6b", length - segment_offset))
        tail = webm.cues(cues)
    patches = webm.finishing_patches(places, size_offset, segment_offset, duration_offset, length + len(tail), end_ms)
    return Repair(length, patches, end_ms / 1000, end, tail)


def _webm_head(data: bytes) -> tuple[int, int, int, int, int, int]:
    """Where the segment's size, its content, the duration, Info, Tracks (both in the segment) and the clusters are."""
    try:
        body, place = _size_at(data, 4)
        if body is None or data[place + body : place + body + 4] != b"\x18\x53\x80\x67":
            raise Unrepairable("no segment")
        size_offset = place + body + 4
        segment = size_offset + 8
        info = segment + webm.SEEK_HEAD_BYTES
        body, place = _size_at(data, info + 4)
        if data[info : info + 4] != b"\x15\x49\xa9\x66" or body is None:
            raise Unrepairable("not a file of this writer")
        tracks = place + body
        body, place = _size_at(data, tracks + 4)
        if data[tracks : tracks + 4] != b"\x16\x54\xae\x6b" or body is None or place + body > len(data):
            raise Unrepairable("no tracks")
    except IndexError:
        raise Unrepairable("the head of the WebM file is not whole") from None
    return size_offset, segment, tracks - webm.DURATION_BYTES, info - segment, tracks - segment, place + body


def _size_at(data: bytes, place: int) -> tuple[int | None, int]:
    """A size (None if it is unknown) and the place behind it; raises IndexError if it is cut short."""
    first = data[place]
    width = 9 - first.bit_length()
    if not first or place + width > len(data):
        raise IndexError
    value = int.from_bytes(data[place : place + width], "big") & (1 << 7 * width) - 1
    return (None if value == (1 << 7 * width) - 1 else value), place + width


def _blocks(cluster: bytes) -> tuple[int, float, bool]:
    """A cluster's time, where its last block ends (as long as the step before it), whether a key frame leads it."""
    start = 0
    times: dict[int, list[int]] = {}
    key_frame = False
    place = 0
    while place < len(cluster):
        identity = cluster[place]
        body, place = _size_at(cluster, place + 1)
        if body is None:
            raise IndexError
        if identity == 0xE7:
            start = int.from_bytes(cluster[place : place + body], "big")
        elif identity == 0xA3:
            number = cluster[place] & 0x7F
            (relative,) = struct.unpack_from("!h", cluster, place + 1)
            if not times:
                key_frame = number == 1 and cluster[place + 3] & 0x80 != 0
            times.setdefault(number, []).append(start + relative)
        place += body
    ends = [seen[-1] + (seen[-1] - seen[-2] if len(seen) > 1 else 0) for seen in times.values()]
    return start, max(ends, default=start), key_frame
