"""All live streams of this shard: starts workers, or lets one that runs feed another stream; serves their HLS."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import quote

import httpx
import structlog

from media.feed import Layout, Message, Overlay
from media.jobs.job import Job, JobSpec, Tap
from media.jobs.manager import Jobs
from streaming.hls import past
from streaming.hls.archive import Archive
from streaming.hls.mirror import Mirror, Put
from streaming.hls.playlist import target_duration_s
from streaming.hls.stream import HlsStream, HlsTiming, archive_directory
from streaming.live.broadcast import Broadcast, Running
from streaming.live.platforms import counts
from streaming.live.spec import StreamReport, StreamSpec, StreamState
from streaming.options import LiveOptions

_STREAM_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LOOK_INTERVAL_S = 20.0
_SETTLE_S = 1.0
WORKER_MODULE = "streaming.worker"
_log = structlog.get_logger("plenum.live")


class LiveService:
    """``secret`` signs viewer sessions; the same on all shards. ``may_watch``: whether a token opens a room.

    ``put`` writes copies of public streams to an object storage.
    """

    def __init__(
        self,
        jobs: Jobs,
        options: LiveOptions,
        secret: bytes,
        may_watch_room: Callable[[str, str | None], bool],
        worker_module: str = WORKER_MODULE,
        put: Put | None = None,
    ) -> None:
        self.options = options
        self._jobs = jobs
        self._secret = secret
        self._may_watch_room = may_watch_room
        self._worker_module = worker_module
        self._put = put
        self._broadcasts: dict[str, list[Broadcast]] = {}
        self._hls: dict[tuple[str, str], HlsStream] = {}
        self._ended: dict[tuple[str, str], float] = {}
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="hls archive")
        self._client = httpx.AsyncClient()
        self._counts = counts(options, self._client)
        self._looking: asyncio.Task[None] | None = None

    # -- streams ---------------------------------------------------------------------------------------------------

    async def start(
        self,
        spec: StreamSpec,
        tap: Tap | None,
        news: Callable[[], list[Message]],
        on_report: Callable[[StreamReport], None],
    ) -> None:
        """Begin a stream; raises NoRoom when the machine has no room for a worker."""
        running = Running(spec, on_report)
        if spec.hls is not None:
            running.hls = await self._open_hls(spec)
        needed = spec.renditions(self.options.renditions)
        in_room = self._broadcasts.setdefault(spec.room_id, [])
        broadcast = next((one for one in in_room if one.can_take(needed)), None)
        if broadcast is not None:
            broadcast.add(running)
            return
        self._jobs.admit()
        broadcast = Broadcast(spec.room_id, needed, self.options, news)
        broadcast.arrange(spec.layout, spec.overlay)
        broadcast.add(running)
        in_room.append(broadcast)
        job = JobSpec(
            f"live-{spec.stream_id}", "live", spec.room_id, self._worker_module, broadcast.setup, broadcast.news
        )
        broadcast.job = self._jobs.start(job, tap, _Listener(self, broadcast))

    def stop(self, room_id: str, stream_id: str) -> None:
        """End a stream; harmless when there is none. Its HLS can be watched afterwards."""
        for broadcast in self._broadcasts.get(room_id, []):
            running = broadcast.remove(stream_id)
            if running is not None:
                self._end(running, StreamState.STOPPED, None)
                if not broadcast.streams and broadcast.job is not None:
                    self._broadcasts[room_id].remove(broadcast)
                    broadcast.job.stop("stopped")
                return

    def pause(self, room_id: str, stream_id: str) -> None:
        """Another process is about to go on with a stream: it is made here no longer, but served still."""
        for broadcast in self._broadcasts.get(room_id, []):
            if broadcast.remove(stream_id) is None:
                continue
            if not broadcast.streams and broadcast.job is not None:
                self._broadcasts[room_id].remove(broadcast)
                broadcast.job.stop("moved")
            return

    def leave(self, room_id: str, stream_id: str) -> None:
        """Another process has a stream: it is neither made nor served here any more."""
        self.pause(room_id, stream_id)
        hls = self._hls.pop((room_id, stream_id), None)
        if hls is not None:
            hls.leave()

    async def settled(self) -> None:
        """Until the archive holds what was made here, for at most a second."""
        if self.options.directory is not None:
            await asyncio.wait({asyncio.wrap_future(self._disk.submit(lambda: None))}, timeout=_SETTLE_S)

    def arrange(self, room_id: str, layout: Layout, overlay: Overlay) -> None:
        """Change the picture of all streams of a room."""
        for broadcast in self._broadcasts.get(room_id, []):
            broadcast.arrange(layout, overlay)

    def tell(self, room_id: str, message: Message) -> None:
        """News of a room, for the picture."""
        for broadcast in self._broadcasts.get(room_id, []):
            if broadcast.job is not None:
                broadcast.job.tell(message)

    def running(self) -> list[Running]:
        """All streams under way."""
        return [r for found in self._broadcasts.values() for b in found for r in b.streams.values()]

    def sweep(self, now: float) -> None:
        """Forget streams that ended long ago."""
        for key, ended_at in list(self._ended.items()):
            if now - ended_at > self.options.keep_after_end_s:
                del self._ended[key]
                hls = self._hls.pop(key, None)
                if hls is not None and hls.archive is not None:
                    hls.archive.remove()

    def begin(self) -> None:
        """Look after streams from now on."""
        self._looking = asyncio.create_task(self._look_after(), name="live streams")
        if self.options.directory is not None:
            before_unix = time.time() - self.options.keep_after_end_s
            self._disk.submit(past.forget, self.options.directory, before_unix)

    async def close(self) -> None:
        """Let the archive be written."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait({self._looking})
        await self._client.aclose()
        await asyncio.to_thread(self._disk.shutdown)

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_INTERVAL_S)
            try:
                self.sweep(time.monotonic())
                await asyncio.gather(*(self._ask_platform(running) for running in self.running()))
            except Exception:
                _log.exception("looking after live streams failed")

    async def _ask_platform(self, running: Running) -> None:
        count = self._counts.get(running.spec.platform)
        if count is not None and running.spec.channel:
            running.platform_viewers = await count.viewers(running.spec.channel) or 0

    def _end(self, running: Running, state: StreamState, reason: str | None) -> None:
        if running.hls is not None:
            running.hls.finish()
            self._ended[(running.spec.room_id, running.spec.stream_id)] = time.monotonic()
        running.report = replace(running.report, state=state, reason=reason, uplink_bps=0)
        running.on_report(running.report)

    # -- HLS -------------------------------------------------------------------------------------------------------

    def stream(self, room_id: str, stream_id: str) -> HlsStream | None:
        """A stream that is served here."""
        return self._hls.get((room_id, stream_id))

    async def past(self, room_id: str, stream_id: str) -> HlsStream | None:
        """A stream that ended before this process began, if its archive is here."""
        root, key = self.options.directory, (room_id, stream_id)
        if root is None or not _STREAM_ID.fullmatch(stream_id):
            return None
        archive = Archive(archive_directory(root, room_id, stream_id), self._disk)
        found = await asyncio.to_thread(
            past.revive, room_id, stream_id, self._key(room_id, stream_id), self._timing(None), archive
        )
        if found is None:
            return None
        stream, ended_unix = found
        age_s = max(0.0, time.time() - ended_unix)
        if age_s > self.options.keep_after_end_s:
            return None
        # Another request may have been faster.
        self._ended.setdefault(key, time.monotonic() - age_s)
        return self._hls.setdefault(key, stream)

    def may_watch(self, room_id: str, stream: HlsStream, token: str | None) -> bool:
        """Whether ``token`` opens a stream that is not public."""
        return self._may_watch_room(room_id, token)

    async def _open_hls(self, spec: StreamSpec) -> HlsStream:
        assert spec.hls is not None
        options = self.options
        archive = None
        if options.directory is not None:
            archive = Archive(archive_directory(options.directory, spec.room_id, spec.stream_id), self._disk)
        timing = self._timing(spec.hls.dvr_s if archive is not None else 0.0)
        key = self._key(spec.room_id, spec.stream_id)
        mirror = self._mirror(spec, timing) if spec.hls.public else None
        stream = HlsStream(
            spec.room_id, spec.stream_id, key, timing, public=spec.hls.public, archive=archive, mirror=mirror
        )
        # Known at once: who comes before there is anything to play waits for it.
        self._hls[(spec.room_id, spec.stream_id)] = stream
        await stream.load(spec.elapsed_s)
        return stream

    def _timing(self, dvr_s: float | None) -> HlsTiming:
        """``dvr_s``: how far viewers can rewind; None: everything is listed."""
        options = self.options
        window_s = None if dvr_s is None else max(options.window_s, min(dvr_s, options.max_dvr_s))
        return HlsTiming(options.segment_s, options.part_s, window_s)

    def _key(self, room_id: str, stream_id: str) -> bytes:
        return hmac.digest(self._secret, f"hls {room_id} {stream_id}".encode(), hashlib.sha256)

    def _mirror(self, spec: StreamSpec, timing: HlsTiming) -> Mirror | None:
        if self._put is None:
            return None
        folder = f"{quote(spec.room_id, safe='')}/{spec.stream_id}/"
        return Mirror(self._put, folder, target_duration_s(timing.segment_s), timing.window_s or self.options.window_s)

    # -- jobs ------------------------------------------------------------------------------------------------------

    def on_job_ended(self, broadcast: Broadcast) -> None:
        """A worker has ended; if streams are left, it failed, or the server goes down and they go on elsewhere."""
        if self._jobs.closing:
            return
        in_room = self._broadcasts.get(broadcast.room_id, [])
        if broadcast in in_room:
            in_room.remove(broadcast)
        if not in_room:
            self._broadcasts.pop(broadcast.room_id, None)
        for running in list(broadcast.streams.values()):
            broadcast.streams.pop(running.spec.stream_id)
            self._end(running, StreamState.FAILED, running.report.reason or "the encoder ended")


class _Listener:
    """Passes on what a worker tells to its Broadcast."""

    def __init__(self, service: LiveService, broadcast: Broadcast) -> None:
        self._service = service
        self._broadcast = broadcast

    def on_job_message(self, job: Job, message: Message) -> None:
        self._broadcast.on_message(message)

    def on_job_crashed(self, job: Job, code: int, again_in_s: float | None) -> None:
        self._broadcast.on_crash(again=again_in_s is not None)

    def on_job_ended(self, job: Job) -> None:
        self._service.on_job_ended(self._broadcast)
