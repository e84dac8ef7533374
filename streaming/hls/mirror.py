"""A copy of a public stream in an object storage: plain HLS, whole segments only, that a CDN can serve without us.

Below the stream's folder lie ``index.m3u8``, ``{rendition}.m3u8`` and ``{rendition}/{file}``. A playlist is written
after the segments that it names. What the storage does not take in time is left out, and the stream goes on.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Protocol

import structlog

from streaming.hls import multivariant
from streaming.hls.multivariant import Variant
from streaming.hls.playlist import SegmentEntry, plain_text
from streaming.hls.rendition import Saved

_PLAYLIST_TYPE, _MEDIA_TYPE = "application/vnd.apple.mpegurl", "video/mp4"
_MEDIA_CACHE, _LIVE_CACHE = "public, max-age=31536000, immutable", "public, max-age=1"
_ENDED_CACHE = "public, max-age=3600"
_INDEX_EVERY_SEGMENTS = 15
_RETRY_S = (0.5, 1.0, 2.0)
_MOST_WAITING_BYTES = 64_000_000
_log = structlog.get_logger("plenum.live")


class Put(Protocol):
    """Writes an object; blocks. Raises OSError when the storage does not take it."""

    def __call__(self, key: str, data: bytes, content_type: str, cache_control: str) -> None: ...


@dataclass(slots=True)
class _Copied:
    """What the storage has of a rendition. ``gaps``: numbers of segments that it did not take."""

    segments: list[SegmentEntry] = field(default_factory=list)
    gaps: set[int] = field(default_factory=set)
    lost_inits: set[str] = field(default_factory=set)


class Mirror:
    """The copy of one stream. ``folder`` ends with a slash. Methods return at once; one thread does the rest."""

    def __init__(self, put: Put, folder: str, target_s: int, window_s: float) -> None:
        self._put = put
        self._folder = folder
        self._target_s, self._window_s = target_s, window_s
        self._copied: dict[str, _Copied] = {}
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="hls copy")
        self._waiting_bytes = 0
        self._complained = False

    def known(self, rendition: str, segments: Iterable[SegmentEntry]) -> None:
        """What an earlier process has copied."""
        self._copied[rendition] = _Copied([replace(segment, parts=[]) for segment in segments])

    def save(self, rendition: str, saved: Saved, variants: list[Variant]) -> None:
        """Copy an initialisation segment or a segment; ``variants`` as they are now, with addresses of ours."""
        self._waiting_bytes += len(saved.data)
        too_much = self._waiting_bytes > _MOST_WAITING_BYTES
        self._executor.submit(self._save, rendition, saved, variants, too_much)

    def finish(self, variants: list[Variant]) -> None:
        """The stream has ended: its playlists become those of a recording."""
        self._executor.submit(self._finish, variants)
        self._executor.shutdown(wait=False)

    # -- in the thread ---------------------------------------------------------------------------------------------

    def _save(self, rendition: str, saved: Saved, variants: list[Variant], too_much: bool) -> None:
        self._waiting_bytes -= len(saved.data)
        copied = self._copied.setdefault(rendition, _Copied())
        kept = not too_much and self._write(f"{rendition}/{saved.name}", saved.data, _MEDIA_TYPE, _MEDIA_CACHE)
        segment = saved.segment
        if segment is None:
            if not kept:
                copied.lost_inits.add(saved.name)
            return
        if not kept or segment.init_uri in copied.lost_inits:
            copied.gaps.add(segment.msn)
        copied.segments.append(replace(segment, parts=[]))
        self._write_playlist(rendition, copied, ended=False)
        if len(copied.segments) % _INDEX_EVERY_SEGMENTS == 1:
            self._write_index(variants)

    def _finish(self, variants: list[Variant]) -> None:
        for rendition, copied in self._copied.items():
            self._write_playlist(rendition, copied, ended=True)
        self._write_index(variants)

    def _write_playlist(self, rendition: str, copied: _Copied, *, ended: bool) -> None:
        shown = copied.segments if ended else _newest(copied.segments, self._window_s)
        before = copied.segments[: len(copied.segments) - len(shown)]
        removed = sum(segment.discontinuity for segment in before)
        target_s, base = self._target_s, f"{rendition}/"
        text = plain_text(shown, copied.gaps, target_s=target_s, base=base, ended=ended, discontinuities_before=removed)
        self._write(f"{rendition}.m3u8", text.encode(), _PLAYLIST_TYPE, _ENDED_CACHE if ended else _LIVE_CACHE)

    def _write_index(self, variants: list[Variant]) -> None:
        ready = [v for v in variants if (copied := self._copied.get(v.uri.removesuffix(".m3u8"))) and copied.segments]
        if len(ready) == len(variants):
            self._write("index.m3u8", multivariant.text(ready).encode(), _PLAYLIST_TYPE, _LIVE_CACHE)

    def _write(self, name: str, data: bytes, content_type: str, cache_control: str) -> bool:
        for pause_s in (*_RETRY_S, None):
            try:
                self._put(self._folder + name, data, content_type, cache_control)
            except OSError as error:
                if pause_s is None:
                    self._complain(error)
                    return False
                time.sleep(pause_s)
            else:
                self._complained = False
                return True
        return False

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            _log.warning("the copy of a live stream has gaps", reason=str(error))


def _newest(segments: Iterable[SegmentEntry], window_s: float) -> list[SegmentEntry]:
    shown: list[SegmentEntry] = []
    length_s = 0.0
    for segment in reversed(list(segments)):
        if length_s >= window_s and len(shown) >= 6:
            break
        shown.append(segment)
        length_s += segment.duration_s or 0.0
    return shown[::-1]
