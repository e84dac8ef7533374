"""All jobs of a shard: lets in what the machine has room for, lists them, and ends them in good order."""

from __future__ import annotations

import asyncio
from collections import Counter

from media.jobs.admission import Machine, admit
from media.jobs.job import Job, JobListener, JobSpec, JobState, Tap
from media.jobs.options import JobOptions
from media.jobs.pricing import available_memory_bytes, load_per_core


class Jobs:
    """The worker processes of this shard."""

    def __init__(self, options: JobOptions) -> None:
        self.options = options
        self.running: dict[str, Job] = {}
        self.counters: Counter[str] = Counter()
        self.closing = False

    def admit(self) -> None:
        """Raises NoRoom if the machine has no room for another job."""
        try:
            admit(Machine(len(self.running), load_per_core(), available_memory_bytes()), self.options)
        except Exception:
            self.counters["refused"] += 1
            raise

    def start(self, spec: JobSpec, tap: Tap | None, listener: JobListener) -> Job:
        """Start a job; ``admit`` was asked before. A job without a tap gets no media."""
        assert spec.job_id not in self.running and not self.closing
        job = Job(spec, tap, _Forwarding(self, listener), self.options)
        self.running[spec.job_id] = job
        self.counters[f"{spec.kind}_started"] += 1
        return job

    async def close(self) -> None:
        """Let all workers finish their files, each within the time-out."""
        self.closing = True
        jobs = list(self.running.values())
        for job in jobs:
            job.stop("server_stop")
        if jobs:
            await asyncio.gather(*(job.wait() for job in jobs))

    def forget(self, job: Job) -> None:
        """A job has ended."""
        self.running.pop(job.spec.job_id, None)
        self.counters[f"{job.spec.kind}_{job.state.value}"] += 1


class _Forwarding(JobListener):
    """Passes on what a job tells, and keeps the list true."""

    def __init__(self, jobs: Jobs, listener: JobListener) -> None:
        self._jobs = jobs
        self._listener = listener

    def on_job_message(self, job: Job, message: object) -> None:
        self._listener.on_job_message(job, message)  # type: ignore[arg-type]

    def on_job_crashed(self, job: Job, code: int, again_in_s: float | None) -> None:
        self._jobs.counters[f"{job.spec.kind}_crashed"] += 1
        self._listener.on_job_crashed(job, code, again_in_s)

    def on_job_ended(self, job: Job) -> None:
        self._jobs.forget(job)
        self._listener.on_job_ended(job)


__all__ = ["Job", "JobListener", "JobSpec", "JobState", "Jobs", "Tap"]
