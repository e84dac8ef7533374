"""Whether the machine has room for one more job: a pure decision on figures that the caller has read."""

from __future__ import annotations

from dataclasses import dataclass

from media.jobs.options import JobOptions

MB = 1_000_000


class NoRoom(Exception):
    """The machine has no room for another job. ``reason`` is stable; the message is for people."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine as it is; None: not known."""

    jobs: int
    load_per_core: float
    available_memory_bytes: int | None = None


def admit(machine: Machine, options: JobOptions) -> None:
    """Raises NoRoom: ``max_jobs``, ``max_load`` or ``min_free_memory``."""
    if machine.jobs >= options.max_jobs:
        raise NoRoom("max_jobs", f"This server runs {machine.jobs} recordings and live streams, and may run no more.")
    if machine.load_per_core > options.max_load_per_core:
        raise NoRoom("max_load", "This server is too busy to start another recording or live stream.")
    memory = machine.available_memory_bytes
    if memory is not None and memory < options.min_free_memory_mb * MB:
        raise NoRoom("min_free_memory", "This server has too little memory left for another recording or live stream.")
