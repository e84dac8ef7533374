"""The copy of a stream in a storage: what is written, in which order, and what is lost when it is away."""

from __future__ import annotations

from fractions import Fraction

import pytest

from streaming.hls import mirror
from streaming.hls.mirror import Mirror
from streaming.hls.rendition import RenditionInfo
from streaming.hls.stream import HlsStream, HlsTiming

INFO = RenditionInfo("720p", 1280, 720, Fraction(30), ("avc1.42c01f", "mp4a.40.2"), 3_000_000)


class Storage:
    """Objects by key; refuses keys that end as one of ``refused``."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.cached: dict[str, str] = {}
        self.refused: tuple[str, ...] = ()

    def put(self, key: str, data: bytes, content_type: str, cache_control: str) -> None:
        if key.endswith(self.refused or ("?",)):
            raise OSError("away")
        if key.endswith(".m3u8"):
            # Whoever reads the playlist finds what it names.
            lines = data.decode().splitlines()
            named = [
                line for n, line in enumerate(lines) if line.endswith(".m4s") and "#EXT-X-GAP" not in lines[n - 4 : n]
            ]
            assert all(f"r/s/{name}" in self.objects for name in named), (named, list(self.objects))
        self.objects[key], self.cached[key] = data, cache_control


def made(storage: Storage, segments: int, *, finish: bool = True) -> None:
    """A stream of so many segments, all copied."""
    copy = Mirror(storage.put, "r/s/", 2, 8.0)
    stream = HlsStream("r", "s", b"key", HlsTiming(), public=True, archive=None, mirror=copy)
    stream.begin(INFO, b"init")
    for number in range(segments):
        stream.add_part("720p", b"%d" % number, 1e9 + 2 * number, 2.0, independent=True)
        stream.end_segment("720p", 2.0)
    if finish:
        stream.finish()
    copy._executor.shutdown()


def test_a_stream_is_copied() -> None:
    storage = Storage()
    made(storage, 20, finish=False)
    text = storage.objects["r/s/720p.m3u8"].decode()
    assert "#EXT-X-MEDIA-SEQUENCE:14" in text and text.count("#EXTINF") == 6 and "ENDLIST" not in text
    assert storage.cached["r/s/720p.m3u8"] == "public, max-age=1"
    assert storage.objects["r/s/720p/seg19.m4s"] == b"19" and "immutable" in storage.cached["r/s/720p/seg19.m4s"]
    assert "720p.m3u8" in storage.objects["r/s/index.m3u8"].decode()


def test_afterwards_it_is_a_recording() -> None:
    storage = Storage()
    made(storage, 20)
    text = storage.objects["r/s/720p.m3u8"].decode()
    assert "#EXT-X-PLAYLIST-TYPE:VOD" in text and text.count("#EXTINF") == 20 and text.endswith("#EXT-X-ENDLIST\n")


def test_what_the_storage_does_not_take_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "_RETRY_S", (0.0,))
    storage = Storage()
    storage.refused = ("seg3.m4s", "seg4.m4s")
    made(storage, 8)
    text = storage.objects["r/s/720p.m3u8"].decode()
    assert text.count("#EXT-X-GAP") == 2 and text.count("#EXTINF") == 8
