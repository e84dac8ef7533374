"""A live stream that is served by HLS: its renditions, who watches, and who waits for what comes next."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from streaming.hls import multivariant
from streaming.hls.archive import Archive, Past
from streaming.hls.mirror import Mirror
from streaming.hls.multivariant import Variant
from streaming.hls.playlist import MediaPlaylist, Report
from streaming.hls.rendition import Rendition, RenditionInfo, Saved
from streaming.hls.viewers import Viewers
from streaming.hls.waiters import Waiters

ABOUT = "about.json"
_VIEWER_AWAY_S = 12.0
_SKIPPED_AHEAD = 2.0
_SKIPPED_LEAST = 10


@dataclass(frozen=True, slots=True)
class HlsTiming:
    """``window_s``: what playlists list of the past; None: everything."""

    segment_s: float = 2.0
    part_s: float = 0.5
    window_s: float | None = 24.0


class HlsStream:
    """One stream. ``key``: secret of this stream, the same in every process that serves it.

    ``public``: whether those without a token may watch. ``archive``: where the past is kept;
    ``mirror``: where it is copied to.
    """

    def __init__(
        self,
        room_id: str,
        stream_id: str,
        key: bytes,
        timing: HlsTiming,
        *,
        public: bool,
        archive: Archive | None,
        mirror: Mirror | None = None,
    ) -> None:
        self.room_id, self.stream_id = room_id, stream_id
        self.public = public
        self.timing = timing
        self.renditions: dict[str, Rendition] = {}
        self.viewers = Viewers(hmac.digest(key, b"viewers", hashlib.sha256), _VIEWER_AWAY_S)
        self.media_path = hmac.digest(key, b"media", hashlib.sha256)[:12].hex()
        """Part of the address of media: who may read playlists learns it; the same for all, so that caches work."""
        self.ended = False
        self.archive = archive
        self.gone = False
        self.mirror = mirror
        self._pasts: dict[str, Past] = {}
        self._skipped = 0
        self._waiters = Waiters()

    async def load(self, elapsed_s: float = 0.0) -> None:
        """Learn what an earlier process has served, so that this one goes on after it.

        ``elapsed_s``: how long ago the stream began. If nothing is known of what was served since then, numbers go on
        beyond all that can have been given out.
        """
        if self.archive is not None:
            self._pasts = await asyncio.to_thread(self.archive.load)
        if elapsed_s > 0:
            self._skipped = math.ceil(_SKIPPED_AHEAD * elapsed_s / self.timing.segment_s) + _SKIPPED_LEAST

    # -- from the worker -------------------------------------------------------------------------------------------

    def begin(self, info: RenditionInfo, init: bytes) -> None:
        """A worker begins to make a rendition, for the first time or again."""
        rendition = self.renditions.get(info.name)
        if rendition is None:
            rendition = self.renditions[info.name] = self._new_rendition(info)
            self._describe(None)
        rendition.begin(init)
        self._waiters.ring()

    def add_part(self, name: str, data: bytes, at_unix: float, duration_s: float, *, independent: bool) -> None:
        """A part of a rendition that has begun."""
        self.renditions[name].add_part(data, at_unix, duration_s, independent=independent)
        self._waiters.ring()

    def end_segment(self, name: str, duration_s: float) -> None:
        """A segment of a rendition has ended."""
        self.renditions[name].end_segment(duration_s)
        self._waiters.ring()

    def finish(self) -> None:
        """The stream has ended; what there is stays to be watched."""
        self.ended = True
        for rendition in self.renditions.values():
            rendition.finish()
        self._describe(time.time())
        if self.mirror is not None:
            self.mirror.finish(self._variants())
        self._waiters.ring()

    def leave(self) -> None:
        """Another process serves the stream from now on: who waits here asks there."""
        self.gone = True
        self._waiters.ring(all_of_them=True)

    def revive(self, infos: Iterable[RenditionInfo], pasts: dict[str, Past]) -> None:
        """Serve, in another process, a stream that has ended."""
        self._pasts = pasts
        for info in infos:
            if info.name in pasts:
                rendition = self.renditions[info.name] = self._new_rendition(info)
                for segment in pasts[info.name].segments:
                    rendition.bitrate.add(segment.size_bytes, segment.duration_s or 0.0)
                rendition.finish()
        self.ended = True

    @property
    def ready(self) -> bool:
        """Whether every rendition has a whole segment: without one, players that know no parts give up."""
        return bool(self.renditions) and all(rendition.playlist.playable for rendition in self.renditions.values())

    # -- to the viewers --------------------------------------------------------------------------------------------

    def multivariant_text(self, session: str) -> str:
        """The multivariant playlist for one viewer, best rendition first."""
        return multivariant.text(
            rendition.variant(f"s/{session}/{name}.m3u8") for name, rendition in self.renditions.items()
        )

    def reports(self, without: str) -> list[Report]:
        """Where the other renditions are."""
        return [
            Report(f"{name}.m3u8", *other.playlist.last)
            for name, other in self.renditions.items()
            if name != without and other.playlist.segments
        ]

    async def changed(self, wanted: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until ``wanted`` holds, for at most ``timeout_s``; whether it does."""
        return wanted() if self.gone else await self._waiters.wait(wanted, timeout_s)

    async def read(self, name: str, file: str) -> bytes | None:
        """The bytes of a file of a rendition; None when there is none."""
        rendition = self.renditions.get(name)
        if rendition is None:
            return None
        data = rendition.blobs.get(file)
        if data is None and self.archive is not None and not file.startswith("part"):
            data = await asyncio.to_thread(self.archive.read, name, file)
        return data

    def _new_rendition(self, info: RenditionInfo) -> Rendition:
        timing, archive = self.timing, self.archive
        playlist = MediaPlaylist(
            target_s=timing.segment_s,
            part_s=timing.part_s,
            window_s=timing.window_s,
            keeps_past=archive is not None,
            base=f"../../m/{self.media_path}/{info.name}/",
        )
        past = self._pasts.get(info.name)
        if past is not None:
            playlist.restore(past.segments, past.inits, past.parts_made)
            if self.mirror is not None:
                self.mirror.known(info.name, past.segments)
        elif self._skipped:
            playlist.skip(self._skipped)
        rendition = Rendition(info, playlist, archive.save if archive is not None else None)
        if self.mirror is not None:
            rendition.copy = self._copy
        return rendition

    def _copy(self, name: str, saved: Saved) -> None:
        assert self.mirror is not None
        self.mirror.save(name, saved, self._variants())

    def _variants(self) -> list[Variant]:
        """As they are in the copy."""
        return [rendition.variant(f"{name}.m3u8") for name, rendition in self.renditions.items()]

    def _describe(self, ended_unix: float | None) -> None:
        """Tell a later process, through the archive, what this stream is."""
        if self.archive is None:
            return
        infos = [
            {**asdict(rendition.info), "frame_rate": str(rendition.info.frame_rate)}
            for rendition in self.renditions.values()
        ]
        about = {"public": self.public, "ended_unix": ended_unix, "renditions": infos}
        self.archive.describe(ABOUT, json.dumps(about))


def archive_directory(root: Path, room_id: str, stream_id: str) -> Path:
    """Where a stream's past is kept: names come from users, so a digest stands for the room."""
    return root / hashlib.sha256(room_id.encode()).hexdigest()[:16] / stream_id


def blocking_timeout_s(target_duration_s: float) -> float:
    """How long a request may be held (RFC 8216bis-18 section 6.2.5.2)."""
    return math.ceil(3 * target_duration_s)
