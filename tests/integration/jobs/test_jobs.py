"""Worker processes: fed, watched, restarted, ended; with a real process each time."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from media.feed import Message, Participant, Problem
from media.jobs.admission import Machine, NoRoom, admit
from media.jobs.job import Job, JobSpec, JobState
from media.jobs.manager import Jobs
from media.jobs.options import JobOptions
from sfu.sinks import MediaSink, SinkBook
from tests.support.plain_media import Publisher

MODULE = "tests.support.counting_worker"


class Listener:
    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.crashes: list[tuple[int, float | None]] = []
        self.ended = 0

    def on_job_message(self, job: Job, message: Message) -> None:
        self.messages.append(message)

    def on_job_crashed(self, job: Job, code: int, again_in_s: float | None) -> None:
        self.crashes.append((code, again_in_s))

    def on_job_ended(self, job: Job) -> None:
        self.ended += 1


class Room:
    """A Router's sinks with one publisher."""

    def __init__(self) -> None:
        self.publisher = Publisher()
        self.audio = self.publisher.publish_audio()
        self.book = SinkBook(lambda owner: None, lambda: self.publisher.now)

    def add_sink(self, sink: MediaSink) -> None:
        self.book.add(sink, [self.audio], None)

    def remove_sink(self, sink: MediaSink) -> None:
        self.book.remove(sink)

    def speak(self, packets: int = 1) -> None:
        for _ in range(packets):
            self.publisher.audio()
        self.publisher.now += 0.02
        self.book.turn(self.publisher.now)


class Case:
    def __init__(self, options: JobOptions | None = None, **setup: Any) -> None:
        self.jobs = Jobs(options or JobOptions(max_load_per_core=10_000))
        self.room = Room()
        self.listener = Listener()
        spec = JobSpec("j1", "test", "r", MODULE, lambda attempt: setup, news=lambda: [Participant("ann", "Ann")])
        self.job = self.jobs.start(spec, self.room, self.listener)

    async def until(self, condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not condition():  # noqa: ASYNC110 - what is waited for is another process
                await asyncio.sleep(0.02)

    async def until_fed(self) -> None:
        await self.until(lambda: self.job.status.get("tracks") == 1 and self.job.status.get("people") == 1)


async def test_a_worker_is_fed_priced_and_finishes(tmp_path: Path) -> None:
    case = Case(secret="s", file=str(tmp_path / "f"))
    await case.until_fed()
    case.room.speak(packets=100)
    await case.until(lambda: case.job.status["packets"] == 100)
    await case.until(lambda: case.job.price.memory_bytes > 1_000_000)
    assert case.job.state is JobState.RUNNING
    await case.jobs.close()
    assert (case.job.state, case.listener.ended, case.jobs.running) == (JobState.DONE, 1, {})
    assert isinstance(case.listener.messages[-2], Problem)
    assert (tmp_path / "f").read_text() == "whole"
    assert case.room.audio.sink_tracks == []


async def test_a_killed_worker_is_replaced_and_fed_again() -> None:
    case = Case()
    await case.until_fed()
    assert case.job.worker is not None
    os.kill(case.job.worker.pid, signal.SIGKILL)
    await case.until(lambda: case.job.status.get("attempt") == 1)
    await case.until_fed()
    case.room.speak(packets=3)
    await case.until(lambda: case.job.status["packets"] == 3)
    assert [code for code, _ in case.listener.crashes] == [-9]
    await case.jobs.close()
    assert case.jobs.counters == {"test_started": 1, "test_crashed": 1, "test_done": 1}


async def test_a_worker_that_always_dies_is_given_up() -> None:
    case = Case(JobOptions(max_restarts=1), die_at_attempts=[0, 1, 2])
    await case.job.wait()
    assert case.job.state is JobState.FAILED and case.listener.ended == 1
    assert [again for _, again in case.listener.crashes] == [0.3, None]


async def test_a_worker_that_hangs_is_replaced() -> None:
    case = Case(JobOptions(heartbeat_timeout_s=1.1, max_restarts=0), silent=True)
    await case.job.wait()
    assert case.job.state is JobState.FAILED
    assert [code for code, _ in case.listener.crashes] == [-9]


async def test_a_worker_that_does_not_finish_is_ended() -> None:
    case = Case(JobOptions(stop_timeout_s=0.5), never_finishes=True)
    await case.until_fed()
    case.job.stop("asked")
    await case.job.wait()
    assert case.job.state is JobState.FAILED


async def test_a_worker_whose_shard_goes_away_finishes_alone(tmp_path: Path) -> None:
    case = Case(file=str(tmp_path / "f"))
    await case.until_fed()
    await case.job.abandon()
    await case.until((tmp_path / "f").exists)


async def test_what_a_slow_worker_does_not_take_is_dropped_and_counted() -> None:
    case = Case(JobOptions(max_queue_mb=1), slow_s=0.5)
    await case.until_fed()
    sink = case.job.sink
    assert sink is not None
    for _ in range(40):
        for _ in range(100):
            case.room.publisher.audio(payload=bytes(1_200))
        case.room.speak()
    assert sink.counters["packets_dropped"] > 0
    assert sink.queued_bytes < 1_300_000
    case.job.stop("asked")
    await case.job.wait()
    assert case.job.state is JobState.DONE


@pytest.mark.parametrize(
    ("machine", "reason"),
    [
        (Machine(7, 0.1, 10**10), None),
        (Machine(7, 0.1, None), None),
        (Machine(8, 0.1, 10**10), "max_jobs"),
        (Machine(0, 3.1, 10**10), "max_load"),
        (Machine(0, 0.1, 10**8), "min_free_memory"),
    ],
)
def test_admission(machine: Machine, reason: str | None) -> None:
    if reason is None:
        admit(machine, JobOptions())
        return
    with pytest.raises(NoRoom) as refusal:
        admit(machine, JobOptions())
    assert refusal.value.reason == reason
