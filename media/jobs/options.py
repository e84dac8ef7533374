"""What an operator may set of the worker processes of recordings and live outputs."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class JobOptions(BaseModel):
    """Limits and patience of worker processes; part of the settings tree as ``jobs``."""

    model_config = ConfigDict(extra="forbid")

    max_jobs: int = Field(default=8, ge=0, le=1000, description="Recordings and live outputs at the same time.")
    max_load_per_core: float = Field(
        default=3.0,
        gt=0,
        description="No job is started while the load average of the last minute, a core, is above this.",
    )
    min_free_memory_mb: int = Field(
        default=400, ge=0, description="No job is started with less memory than this available, in MB."
    )
    niceness: int = Field(
        default=5, ge=0, le=19, description="How far workers step back for the forwarding of calls (Unix niceness)."
    )
    heartbeat_timeout_s: float = Field(
        default=20.0, gt=1, le=600, description="A worker that says nothing for so many seconds is ended and replaced."
    )
    stop_timeout_s: float = Field(
        default=30.0, gt=0, le=3600, description="Longest wait in seconds for a worker to finish its files."
    )
    max_restarts: int = Field(
        default=5, ge=0, le=100, description="Crashes in a row after which a job is given up; a good minute forgives."
    )
    max_queue_mb: int = Field(
        default=16, ge=1, le=1024, description="Media that may wait for a worker, in MB; what is more is dropped."
    )
