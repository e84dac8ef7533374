"""One job: a worker process that is started, fed with a room's media, watched, restarted after a crash and ended."""

from __future__ import annotations

import asyncio
import enum
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from media.feed import Done, FrameReader, KeyFrameWanted, Message, SizeWanted, Stop
from media.jobs.feed_sink import FeedSink
from media.jobs.options import JobOptions
from media.jobs.pricing import Meter, Price
from media.jobs.process import WorkerProcess
from sfu.errors import MalformedPacket
from sfu.sinks import MediaSink

log = structlog.get_logger("plenum.jobs")

WATCH_INTERVAL_S = 1.0
FIRST_PAUSE_S = 0.3
MAX_PAUSE_S = 15.0
FORGIVEN_AFTER_S = 60.0
STANDSTILL_S = 2.0
READ_BYTES = 1 << 18


class JobState(enum.StrEnum):
    """Where a job is."""

    STARTING = "starting"
    RUNNING = "running"
    PAUSING = "pausing"
    STOPPING = "stopping"
    DONE = "done"
    FAILED = "failed"


_NEXT = {
    JobState.STARTING: {JobState.RUNNING, JobState.PAUSING, JobState.STOPPING, JobState.FAILED, JobState.DONE},
    JobState.RUNNING: {JobState.PAUSING, JobState.STOPPING, JobState.FAILED, JobState.DONE},
    JobState.PAUSING: {JobState.STARTING, JobState.STOPPING, JobState.FAILED, JobState.DONE},
    JobState.STOPPING: {JobState.DONE, JobState.FAILED},
    JobState.DONE: set[JobState](),
    JobState.FAILED: set[JobState](),
}


class Tap(Protocol):
    """Where a job's media comes from: a Router."""

    def add_sink(self, sink: MediaSink) -> None:
        """Begin."""
        ...

    def remove_sink(self, sink: MediaSink) -> None:
        """End; harmless when ended."""
        ...


class JobListener(Protocol):
    """Who wants to know of a job. Called in the event loop."""

    def on_job_message(self, job: Job, message: Message) -> None:
        """The worker says something: Status, Problem and what the job's kind has."""
        ...

    def on_job_crashed(self, job: Job, code: int, again_in_s: float | None) -> None:
        """The worker died; it is started again after a while, or (None) given up."""
        ...

    def on_job_ended(self, job: Job) -> None:
        """Done or failed: nothing further comes."""
        ...


@dataclass(frozen=True, slots=True)
class JobSpec:
    """What a job is.

    ``setup`` gives the set-up of each attempt (0, 1, …) as JSON values; ``news`` what a worker is told at its start
    (participants, layout); ``wants`` whether a track of a user and source is recorded.
    """

    job_id: str
    kind: str
    room_id: str
    module: str
    setup: Callable[[int], Mapping[str, Any]]
    news: Callable[[], list[Message]] = list
    wants: Callable[[str, str], bool] | None = None


class Job:
    """Supervises the worker of one JobSpec. ``attempt`` counts its processes from 0."""

    def __init__(self, spec: JobSpec, tap: Tap | None, listener: JobListener, options: JobOptions) -> None:
        self.spec = spec
        self.state = JobState.STARTING
        self.attempt = 0
        self.price = Price()
        self.status: dict[str, Any] = {}
        self.crashes = 0
        self.worker: WorkerProcess | None = None
        self.sink: FeedSink | None = None
        self._tap = tap
        self._listener = listener
        self._options = options
        self._done = False
        self._stop_reason: str | None = None
        self._heard_at = 0.0
        self._log = log.bind(job=spec.job_id, kind=spec.kind, room=spec.room_id)
        self._stopping = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name=f"job {spec.job_id}")

    # -- from outside ----------------------------------------------------------------------------------------------

    def tell(self, message: Message) -> None:
        """Say something to the worker, if there is one; what it is told at its start comes from ``spec.news``."""
        if self.sink is not None:
            self.sink.tell(message)

    def stop(self, reason: str) -> None:
        """Let the worker finish; it has ``stop_timeout_s`` for it. Calling it again is harmless."""
        if self._stop_reason is not None or self.state in (JobState.DONE, JobState.FAILED):
            return
        self._stop_reason = reason
        self._set(JobState.STOPPING)
        self._end_feed()
        self._stopping.set()

    async def wait(self) -> None:
        """Until it is done or failed."""
        await asyncio.wait({self._task})

    async def abandon(self) -> None:
        """End without further ado: the worker sees the end of its feed and finishes alone."""
        self._task.cancel()
        await asyncio.wait({self._task})

    # -- the life --------------------------------------------------------------------------------------------------

    def _set(self, state: JobState) -> None:
        if state is self.state:
            return
        assert state in _NEXT[self.state], f"{self.state} to {state}"
        self._log.info("job", state=state.value, attempt=self.attempt)
        self.state = state

    async def _run(self) -> None:
        try:
            while True:
                code = await self._attempt()
                if self._done or self._stop_reason is not None:
                    break
                pause_s = self._pause_after_crash()
                self._listener.on_job_crashed(self, code, pause_s)
                if pause_s is None:
                    break
                self._set(JobState.PAUSING)
                try:
                    await asyncio.wait_for(self._stopping.wait(), pause_s)
                    break
                except TimeoutError:
                    self.attempt += 1
                    self._set(JobState.STARTING)
        except asyncio.CancelledError:
            raise
        except Exception:
            self._log.exception("job failed")
        self._set(JobState.DONE if self._done else JobState.FAILED)
        self._listener.on_job_ended(self)

    def _pause_after_crash(self) -> float | None:
        self.crashes += 1
        if self.crashes > self._options.max_restarts:
            return None
        return min(FIRST_PAUSE_S * 2.0 ** (self.crashes - 1), MAX_PAUSE_S)

    async def _attempt(self) -> int:
        """One worker from start to end; its exit code."""
        setup = {"niceness": self._options.niceness, "attempt": self.attempt, **self.spec.setup(self.attempt)}
        context = {"job": self.spec.job_id, "room": self.spec.room_id}
        try:
            worker = self.worker = await WorkerProcess.start(self.spec.module, setup, context)
        except OSError as error:
            self._log.error("worker did not start", error=str(error))
            return -1
        began_at = self._heard_at = time.monotonic()
        loop = asyncio.get_running_loop()
        reader = FrameReader()
        loop.add_reader(worker.socket.fileno(), self._read, worker, reader)
        watching = asyncio.create_task(self._watch(worker))
        try:
            self._begin_feed(worker)
            code = await worker.wait()
            self._read(worker, reader)
        except asyncio.CancelledError:
            # We end without waiting: the worker goes on alone with what it has.
            raise
        finally:
            watching.cancel()
            self._end_feed()
            loop.remove_reader(worker.socket.fileno())
            worker.close_socket()
            self.worker = None
            self.sink = None
        if time.monotonic() - began_at > FORGIVEN_AFTER_S:
            self.crashes = 0
        self._log.info("worker ended", code=code, attempt=self.attempt)
        return code

    def _begin_feed(self, worker: WorkerProcess) -> None:
        sink = self.sink = FeedSink(
            worker.socket, max_queue_bytes=self._options.max_queue_mb * 1_000_000, wants=self.spec.wants
        )
        for message in self.spec.news():
            sink.tell(message)
        if self._stop_reason is not None:
            sink.tell(Stop(self._stop_reason))
        elif self._tap is not None:
            self._tap.add_sink(sink)
        sink.flush(time.monotonic())

    def _end_feed(self) -> None:
        sink = self.sink
        if sink is None:
            return
        if self._tap is not None:
            self._tap.remove_sink(sink)
        if self._stop_reason is not None:
            sink.tell(Stop(self._stop_reason))
        sink.flush(time.monotonic())

    def _read(self, worker: WorkerProcess, reader: FrameReader) -> None:
        while True:
            try:
                data = worker.socket.recv(READ_BYTES)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                data = b""
            if not data:
                if worker.socket.fileno() >= 0:
                    asyncio.get_running_loop().remove_reader(worker.socket.fileno())
                return
            self._heard_at = time.monotonic()
            try:
                for message in reader.feed(data):
                    self._on_message(message)
            except MalformedPacket as error:
                self._log.error("worker speaks nonsense", reason=error.reason)
                worker.kill()
                return

    def _on_message(self, message: Message) -> None:
        if isinstance(message, KeyFrameWanted):
            if self.sink is not None:
                self.sink.request_key_frame(message.track)
            return
        if isinstance(message, SizeWanted):
            if self.sink is not None:
                self.sink.want_size(message.track, message.width, message.height)
            return
        if isinstance(message, Done):
            self._done = True
        if self.state is JobState.STARTING:
            self._set(JobState.RUNNING)
        values = getattr(message, "values", None)
        if isinstance(values, dict):
            self.status = values
        try:
            self._listener.on_job_message(self, message)
        except Exception:
            self._log.exception("message of a worker failed")

    async def _watch(self, worker: WorkerProcess) -> None:
        """Price the worker; end one that hangs or does not finish in time."""
        meter = Meter(worker.pid)
        stop_by: float | None = None
        looked_at = time.monotonic()
        while True:
            await asyncio.sleep(WATCH_INTERVAL_S)
            now = time.monotonic()
            stood_still_s = now - looked_at - WATCH_INTERVAL_S
            looked_at = now
            if stood_still_s > STANDSTILL_S:
                # The machine slept, or we did: what a worker did not say meanwhile is not its fault.
                self._heard_at += stood_still_s
                if stop_by is not None:
                    stop_by += stood_still_s
            self.price = meter.read(now) or self.price
            if self.sink is not None and self._stop_reason is not None:
                self.sink.flush(now)  # the tap is gone, and with it its turns
            if self._stop_reason is not None and stop_by is None:
                stop_by = now + self._options.stop_timeout_s
            silent_s = now - self._heard_at
            if stop_by is not None and now > stop_by:
                self._log.error("worker does not finish", waited_s=self._options.stop_timeout_s)
                worker.kill()
            elif silent_s > self._options.heartbeat_timeout_s:
                self._log.error("worker hangs", silent_s=round(silent_s, 1))
                worker.kill()
