"""Files that broke off: repaired, and joined from their parts."""

from __future__ import annotations

from pathlib import Path

import pytest

from media.containers.mp4 import Mp4Writer
from media.containers.webm import WebmWriter
from media.packets import EncodedPacket, StreamInfo
from recorder.storage.spool import Budget, Spool
from recorder.storage.store import ObjectInfo
from recorder.worker.joining import Joined, Slice, SpooledSource, join, pour, repaired

STREAM = StreamInfo("track", "audio", "opus", 48_000, channels=2, extradata=b"OpusHead\x01\x02\0\0\x80\xbb\0\0\0\0\0")


class Bytes:
    def __init__(self, data: bytes) -> None:
        self.data, self.size = data, len(data)

    def read_at(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


def written(kind: type[Mp4Writer] | type[WebmWriter], begin_s: float, end_s: float) -> bytes:
    """A file whose writer was killed: never closed."""
    data = bytearray()
    writer = kind([STREAM], data.extend)
    for number in range(round(begin_s * 50), round(end_s * 50)):
        writer.add(EncodedPacket("track", number * 960, 960, True, bytes((number & 0xFF,)) * 50))
    return bytes(data)


@pytest.mark.parametrize("kind", [Mp4Writer, WebmWriter])
def test_parts_are_joined_to_one_file(kind: type[Mp4Writer] | type[WebmWriter], tmp_path: Path) -> None:
    first, second = written(kind, 0.0, 5.5), written(kind, 7.0, 12.0)
    whole, found = join([Bytes(first[:-30]), Bytes(b"no head"), Bytes(second)])
    assert 10.5 < found.duration_s <= 12.0
    spool = Spool.create(tmp_path / "s", "k", ObjectInfo(), part_size=10_000, budget=Budget(10**9))
    pour(whole, found.length, spool, lambda: None)
    spool.append(found.tail)
    spool.close((patch.offset, patch.data) for patch in found.patches if patch.offset + len(patch.data) <= 10_000)
    again = SpooledSource(spool)
    assert repaired(again).duration_s == pytest.approx(found.duration_s)
    assert again.read_at(0, 40)[4:8] == (b"ftyp" if kind is Mp4Writer else first[4:8])


def test_nothing_to_join_is_told() -> None:
    with pytest.raises(ValueError):
        join([Bytes(b"no head"), Bytes(b"")])


def test_slices_read_as_one() -> None:
    joined = Joined([Slice(Bytes(b"0123456789"), 2, 5), Slice(Bytes(b"abc"), 3, 3), Slice(Bytes(b"abcdef"), 1, 6)])
    assert joined.size == 8
    for start in range(9):
        for length in range(10):
            assert joined.read_at(start, length) == b"234bcdef"[start : start + length]


def test_a_truncated_spool_goes_on_behind_the_cut(tmp_path: Path) -> None:
    budget = Budget(1_000)
    spool = Spool.create(tmp_path / "s", "k", ObjectInfo(), part_size=10, budget=budget)
    spool.append(b"0123456789abcdefghij-----")
    spool.truncate(13)
    spool.append(b"XYZ" * 4)
    spool.close()
    source = SpooledSource(spool)
    assert source.read_at(0, 99) == b"0123456789abcXYZXYZXYZXYZ"
    assert spool.size == budget.used_bytes == 25
    empty = Spool.create(tmp_path / "e", "k", ObjectInfo(), part_size=10, budget=budget)
    empty.append(b"123")
    empty.truncate(0)
    empty.leave()
    assert (empty.size, empty.local_parts()) == (0, {})
