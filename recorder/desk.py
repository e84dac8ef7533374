"""All recordings of a shard: started, watched, stopped, and finished also when whoever began them is gone."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import structlog

from media.feed import Command, Message, Problem, Status
from media.jobs.admission import NoRoom
from media.jobs.job import Job, JobSpec, Tap
from media.jobs.manager import Jobs
from recorder import model
from recorder.model import File, Options, Recording, key_of
from recorder.options import RecorderOptions
from recorder.registry import FAILURES, Registry
from recorder.storage.spool import write_whole
from recorder.storage.store import Store, StoreError
from recorder.worker.result import Result, read_result
from recorder.worker.setup import Setup, dump, open_store, work_folder

log = structlog.get_logger("plenum.recordings")

MODULE = "recorder.worker"
RECORD = "recording.json"
RENEW_EVERY_S = 5.0
LOOK_EVERY_S = 15.0
RETENTION_EVERY_S = 3_600.0
MAX_RECOVERIES = 2
GONE = "server_gone"
MOVED = "moved"
GOES_ON_WITHIN_S = 120.0


class Refused(Exception):
    """A recording cannot be started or stopped: ``code`` is one of the protocol's."""

    def __init__(self, code: str, message: str, details: dict[str, object] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details or {}


class RecordingDesk:
    """``on_change`` is called with each recording whose state has changed."""

    def __init__(
        self,
        options: RecorderOptions,
        jobs: Jobs,
        registry: Registry,
        on_change: Callable[[Recording], None] = lambda recording: None,
    ) -> None:
        self.options = options
        self.counters: Counter[str] = Counter()
        self.on_change = on_change
        self._jobs = jobs
        self._registry = registry
        self._store: Store | None = None
        self._running: dict[str, Recording] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loops: list[asyncio.Task[None]] = []
        self._looked_for: dict[str, float] = {}
        self._followed: set[str] = set()  # work that another shard goes on with; its end here is no news

    # -- life ------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to look after recordings; raises nothing."""
        self._loops = [
            asyncio.create_task(self._repeat(self._renew, RENEW_EVERY_S), name="recording leases"),
            asyncio.create_task(self._repeat(self._look_for_unfinished, LOOK_EVERY_S), name="unfinished recordings"),
            asyncio.create_task(self._repeat(self._delete_due, RETENTION_EVERY_S), name="old recordings"),
        ]

    async def close(self) -> None:
        """Wait until what has ended is written down. The jobs are closed before."""
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        while self._tasks:
            await asyncio.wait(self._tasks, timeout=5.0)

    async def _repeat(self, action: Callable[[], Awaitable[None]], every_s: float) -> None:
        while True:
            try:
                await action()
            except FAILURES as error:
                log.warning("recordings: Redis does not answer", error=type(error).__name__)
            except Exception:
                log.exception("recordings: housekeeping failed")
            await asyncio.sleep(every_s)

    def _later(self, action: Awaitable[None]) -> None:
        async def quietly() -> None:
            try:
                await action
            except FAILURES as error:
                log.warning("recording not noted", error=type(error).__name__)
            except Exception:
                log.exception("recordings failed")

        task = asyncio.create_task(quietly())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- asked for -------------------------------------------------------------------------------------------------

    def begin(
        self,
        recording_id: str,
        room_id: str,
        started_by: str | None,
        options: Options,
        tap: Tap,
        news: Callable[[], list[Message]],
    ) -> Recording:
        """Start a recording; raises Refused."""
        self._check(room_id)
        now = time.time()
        started_at = _iso(now)
        recording = Recording(
            recording_id=recording_id,
            room_id=room_id,
            started_by=started_by,
            started_at=started_at,
            started_unix=now,
            options=options,
        )
        template = options.file_name or self.options.name_template
        try:
            recording.key_prefix = options.storage_prefix + key_of(
                template, room_id=room_id, recording_id=recording_id, started_at=started_at, name=""
            )
        except (KeyError, IndexError, ValueError):
            raise Refused("invalid_message", "The file name template has an unknown field.") from None
        self._run(recording, time.monotonic(), tap, news)
        self.counters["started"] += 1
        log.info("recording starts", recording=recording_id, room=room_id, mode=options.mode)
        return recording

    def _run(self, recording: Recording, origin: float, tap: Tap, news: Callable[[], list[Message]]) -> None:
        """Start its worker. ``origin``: monotonic seconds of the recording's time 0."""
        self._write_record(recording)
        participants = recording.options.participants
        wanted = None if participants is None else frozenset(participants)
        spec = JobSpec(
            recording.work_id,
            "recording",
            recording.room_id,
            MODULE,
            lambda attempt: dump(Setup(recording=recording, options=self.options, origin=origin)),
            news,
            None if wanted is None else (lambda user, source: user in wanted),
        )
        self._running[recording.work_id] = recording
        self._jobs.start(spec, tap, self)
        self._later(self._registry.renew([recording.work_id]))
        self._save(recording)

    # -- rooms that change shards ----------------------------------------------------------------------------------

    async def interrupted(self, room_id: str) -> list[Recording]:
        """Recordings of a room that comes from another shard, which go on here."""
        try:
            found = await self._registry.all_of(room_id)
        except FAILURES:
            return []
        here = {r.recording_id for r in self._running.values() if r.status is not model.Status.STOPPING}
        return [r for r in found if _goes_on(r, time.time()) and r.recording_id not in here]

    def go_on(self, recording: Recording, tap: Tap, news: Callable[[], list[Message]]) -> Recording:
        """Record a further leg of what another shard has begun; raises Refused."""
        self._check(recording.room_id)
        further = recording.model_copy(
            update={
                "leg": recording.leg + 1,
                "parts": recording.parts + 1,
                "status": model.Status.STARTING,
                "stopped_at": None,
                "stop_reason": None,
                "error": None,
                "error_message": None,
                "upload_pending": False,
                "files": [],
            }
        )
        if recording.work_id in self._running:
            self._followed.add(recording.work_id)
        passed_s = max(0.0, time.time() - recording.started_unix)
        self._run(further, time.monotonic() - passed_s, tap, news)
        self.counters["taken_over"] += 1
        log.info("recording goes on here", recording=further.recording_id, room=further.room_id, leg=further.leg)
        return further

    def hand_over(self, room_id: str) -> None:
        """The room goes on at another shard, and its recordings with it: what was recorded here is finished."""
        for recording in self.under_way(room_id):
            job = self._jobs.running.get(recording.work_id)
            if job is None or recording.status is model.Status.STOPPING:
                continue
            self._followed.add(recording.work_id)
            recording.status, recording.stop_reason = model.Status.STOPPING, MOVED
            recording.stopped_at = _iso(time.time())
            job.tell(Command({"stop_at": time.monotonic()}))
            job.stop(MOVED)
            log.info("recording goes on elsewhere", recording=recording.recording_id, room=room_id)

    def _check(self, room_id: str) -> None:
        options = self.options
        if not options.enabled:
            raise Refused("not_supported", "This server does not record.", {"feature": "recording"})
        if self._jobs.closing:
            raise Refused("unavailable", "The server is going down.")
        if any(r.room_id == room_id and r.status is not model.Status.STOPPING for r in self._running.values()):
            raise Refused("invalid_state", "This room is being recorded already.")
        try:
            self._jobs.admit()
        except NoRoom as refusal:
            raise Refused("unavailable", refusal.message, {"reason": refusal.reason}) from None
        free = _free_bytes(options.folder)
        if free is not None and free < options.min_free_mb * 1_000_000:
            self.counters["refused_disk"] += 1
            raise Refused(
                "unavailable", "This server has too little disk left for a recording.", {"reason": "min_free_disk"}
            )

    def _write_record(self, recording: Recording) -> None:
        """What another process has to know to finish it."""
        folder = work_folder(self.options) / recording.work_id
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(folder / RECORD, recording.model_dump_json().encode())
        except OSError as error:
            raise Refused("storage_failed", f"The folder of recordings cannot be used: {error.strerror}") from None

    def end(self, room_id: str, recording_id: str, stopped_by: str | None, reason: str = "asked") -> Recording:
        """Stop a recording; raises Refused if none of that name is under way here."""
        legs = [r for r in self.under_way(room_id) if r.recording_id == recording_id]
        recording = max(legs, key=lambda r: r.leg, default=None)
        job = None if recording is None else self._jobs.running.get(recording.work_id)
        if recording is None or job is None or recording.work_id in self._followed:
            raise Refused("recording_not_found", "No such recording is under way.")
        if recording.status is not model.Status.STOPPING:
            recording.stopped_by, recording.stop_reason = stopped_by, reason
            self._set(recording, model.Status.STOPPING)
            recording.stopped_at = _iso(time.time())
            # The worker may be late with what it has to read: the recording ends now all the same.
            job.tell(Command({"stop_at": time.monotonic()}))
            job.stop(reason)
            self._changed(recording)
        return recording

    def end_room(self, room_id: str, reason: str) -> None:
        """A room ends: so do its recordings."""
        for recording in self.under_way(room_id):
            if recording.work_id not in self._followed:
                with contextlib.suppress(Refused):
                    self.end(room_id, recording.recording_id, None, reason)

    def tell(self, room_id: str, message: Message) -> None:
        """Pass news of a room on to its recordings."""
        for recording in self.under_way(room_id):
            job = self._jobs.running.get(recording.work_id)
            if job is not None:
                job.tell(message)

    def note_chat(self, room_id: str, line: dict[str, object]) -> None:
        """A chat message, for recordings that keep the chat."""
        for recording in self.under_way(room_id):
            job = self._jobs.running.get(recording.work_id)
            if job is not None and recording.options.chat:
                job.tell(Command({"chat": line}))

    def under_way(self, room_id: str) -> list[Recording]:
        """Recordings of a room that run here."""
        return [recording for recording in self._running.values() if recording.room_id == room_id]

    async def all_of(self, room_id: str) -> list[Recording]:
        """All recordings of a room that are remembered, with the figures of now."""
        try:
            found = {recording.recording_id: recording for recording in await self._registry.all_of(room_id)}
        except FAILURES:
            found = {}
        for recording in self.under_way(room_id):
            if recording.work_id not in self._followed:
                self._measure(recording)
                found[recording.recording_id] = recording
        return sorted(found.values(), key=lambda recording: recording.started_unix)

    def url(self, file: File, *, download: bool) -> str | None:
        """An address in object storage; None for the local store. Computes only, reaches nothing."""
        return self.store.url(file.key, self.options.url_lifetime_s, file.name if download else None)

    @property
    def store(self) -> Store:
        """Where finished files are; loaded when first used."""
        if self._store is None:
            self._store = open_store(self.options)
        return self._store

    async def delete(self, recording: Recording) -> None:
        """Delete all files of a recording that is over; raises Refused."""
        if recording.status not in model.OVER or recording.upload_pending:
            raise Refused("invalid_state", "The recording is not finished yet.")
        try:
            for file in recording.files:
                await asyncio.to_thread(self.store.delete, file.key)
        except StoreError as error:
            raise Refused("storage_failed", error.message) from None
        with contextlib.suppress(*FAILURES):
            await self._registry.forget(recording.room_id, recording.recording_id)
        self.counters["deleted"] += 1

    # -- from the jobs ---------------------------------------------------------------------------------------------

    def on_job_message(self, job: Job, message: Message) -> None:
        """JobListener."""
        recording = self._running.get(job.spec.job_id)
        if recording is None:
            return
        if isinstance(message, Problem):
            recording.error, recording.error_message = message.code, message.message
            log.warning("recording has a problem", recording=recording.recording_id, problem=message.message)
            self._changed(recording)
        elif isinstance(message, Status):
            if recording.status is model.Status.STARTING and "duration_ms" in message.values:
                self._set(recording, model.Status.RECORDING)
                self._changed(recording)
            elif recording.status is model.Status.RECORDING and message.values.get("finishing"):
                self._set(recording, model.Status.STOPPING)
                recording.stopped_at = _iso(time.time())
                self._changed(recording)

    def on_job_crashed(self, job: Job, code: int, again_in_s: float | None) -> None:
        """JobListener."""
        recording = self._running.get(job.spec.job_id)
        if recording is not None:
            recording.parts += 1
            log.error("recording worker died", recording=recording.recording_id, code=code, again_in_s=again_in_s)
            self._changed(recording)

    def on_job_ended(self, job: Job) -> None:
        """JobListener."""
        recording = self._running.pop(job.spec.job_id, None)
        if recording is not None:
            self._measure(recording, job)
            self._later(self._conclude(recording))

    async def _conclude(self, recording: Recording) -> None:
        folder = work_folder(self.options) / recording.work_id
        result = await asyncio.to_thread(read_result, folder)
        outcome = self._take_result(recording, result)
        await asyncio.to_thread(self._tidy, folder, recording)
        ended = time.time()
        goes_on = recording.work_id in self._followed
        with contextlib.suppress(*FAILURES):
            saved = await self._registry.save(recording, ended if recording.status in model.OVER else None)
            goes_on = goes_on or not saved
            if saved and self.options.keep_days and not recording.upload_pending and recording.files:
                await self._registry.keep(recording, ended + self.options.keep_days * 86_400)
            await self._registry.release(recording.work_id)
        self._followed.discard(recording.work_id)
        self.counters[outcome] += 1  # now that anybody who looks finds it so
        log.info(
            "recording ended",
            recording=recording.recording_id,
            room=recording.room_id,
            status=recording.status.value,
            pending=recording.upload_pending,
            duration_s=recording.duration_s,
        )
        if not goes_on:
            self.on_change(recording)

    def _take_result(self, recording: Recording, result: Result | None) -> str:
        """Note what has become of a recording; the word it is counted under."""
        recording.cpu = 0.0
        recording.memory_bytes = 0
        if recording.stopped_at is None:
            recording.stopped_at = _iso(time.time())
        if result is None:
            recording.upload_pending = True
            recording.error = recording.error or "media_failed"
            recording.error_message = recording.error_message or "The recording broke off; it is finished later."
            self._set(recording, model.Status.FAILED)
            return "broken_off"
        recording.upload_pending = not result.complete
        recording.duration_s = result.duration_s
        recording.stop_reason = recording.stop_reason or result.stop_reason
        if result.error is None and recording.upload_pending:
            recording.error, recording.error_message = "storage_failed", "The storage does not take all of it yet."
        else:
            recording.error, recording.error_message = result.error, result.error_message
        recording.files = [File.model_validate(file) for file in result.files]
        recording.size_bytes = sum(file.size_bytes for file in recording.files)
        has_media = any(file.kind in ("program", "track") for file in recording.files)
        failed = not has_media and result.error is not None
        self._set(recording, model.Status.FAILED if failed else model.Status.STOPPED)
        return "failed" if failed else "pending" if recording.upload_pending else "finished"

    def _tidy(self, folder: Path, recording: Recording) -> None:
        with contextlib.suppress(OSError):
            if recording.upload_pending:
                write_whole(folder / RECORD, recording.model_dump_json().encode())
            else:
                shutil.rmtree(folder)

    # -- unfinished ones -------------------------------------------------------------------------------------------

    async def _renew(self) -> None:
        if self._running:
            await self._registry.renew(list(self._running))  # of each the work that is done here

    async def _look_for_unfinished(self) -> None:
        """Finish what was left behind: by a crash here, or by a shard that shares the folder and is gone."""
        if not self.options.enabled or self._jobs.closing:
            return
        for recording in await asyncio.to_thread(_unfinished, work_folder(self.options)):
            recovering = sum(1 for job in self._jobs.running.values() if job.spec.kind == "recovery")
            known = recording.work_id in self._running or recording.work_id in self._jobs.running
            if known or recovering >= MAX_RECOVERIES or not self._is_due(recording):
                continue
            if not await self._registry.claim(recording.work_id):
                continue
            newest = await self._registry.find(recording.room_id, recording.recording_id)
            if newest is not None and newest.leg > recording.leg:
                self._followed.add(recording.work_id)
            self.counters["recovered"] += 1
            self._recover(recording)

    def _is_due(self, recording: Recording) -> bool:
        """A store that is away is asked again each minute only."""
        now = time.monotonic()
        if recording.upload_pending and now < self._looked_for.get(recording.work_id, 0.0):
            return False
        self._looked_for[recording.work_id] = now + 4 * LOOK_EVERY_S
        return True

    def _recover(self, recording: Recording) -> None:
        log.warning("finishing a recording that was left behind", recording=recording.recording_id)
        if recording.status not in model.OVER:
            recording.status = model.Status.STOPPING
            recording.stop_reason = recording.stop_reason or GONE
        self._running[recording.work_id] = recording
        spec = JobSpec(
            recording.work_id,
            "recovery",
            recording.room_id,
            MODULE,
            lambda attempt: dump(Setup(recording=recording, options=self.options, origin=0.0, recover=True)),
        )
        self._jobs.start(spec, None, self)
        self._changed(recording)

    async def _delete_due(self) -> None:
        for recording in await self._registry.due(time.time()):
            with contextlib.suppress(Refused):
                await self.delete(recording)
                log.info("old recording deleted", recording=recording.recording_id)

    # -- state -----------------------------------------------------------------------------------------------------

    def _set(self, recording: Recording, status: model.Status) -> None:
        log.info("recording", recording=recording.recording_id, status=status.value)
        recording.status = status

    def _measure(self, recording: Recording, job: Job | None = None) -> None:
        job = job or self._jobs.running.get(recording.work_id)
        if job is not None and job.status:
            recording.duration_s = job.status.get("duration_ms", 0) / 1000
            recording.size_bytes = job.status.get("bytes", recording.size_bytes)
            recording.cpu = round(job.price.cpu, 3)
            recording.memory_bytes = job.price.memory_bytes

    def _changed(self, recording: Recording) -> None:
        self._measure(recording)
        self._save(recording)
        if recording.work_id not in self._followed:
            self.on_change(recording)

    def _save(self, recording: Recording) -> None:
        async def save(copy: Recording) -> None:
            await self._registry.save(copy)

        if recording.work_id not in self._followed:
            self._later(save(recording.model_copy(deep=True)))


def _goes_on(recording: Recording, now_unix: float) -> bool:
    """Whether a recording was cut short because its shard went away, not because somebody ended it."""
    if recording.status in (model.Status.STARTING, model.Status.RECORDING):
        return True
    if recording.stop_reason not in (GONE, MOVED) or recording.stopped_at is None:
        return False
    return now_unix - datetime.fromisoformat(recording.stopped_at).timestamp() < GOES_ON_WITHIN_S


def _unfinished(folder: Path) -> list[Recording]:
    found = []
    for path in sorted(folder.glob(f"*/{RECORD}")):
        with contextlib.suppress(OSError, ValueError):
            found.append(Recording.model_validate(json.loads(path.read_text())))
    return found


def _free_bytes(folder: Path) -> int | None:
    for place in (folder.absolute(), *folder.absolute().parents):
        try:
            return shutil.disk_usage(place).free
        except OSError:
            continue
    return None


def _iso(unix: float) -> str:
    return datetime.fromtimestamp(unix, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
