"""What a recording worker is told at its start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from recorder.model import Recording
from recorder.options import RecorderOptions
from recorder.storage.local import LocalStore
from recorder.storage.s3 import S3Store
from recorder.storage.store import Store


class Setup(BaseModel):
    """``origin``: monotonic seconds of the recording's time 0, the same for all attempts. ``recover``: nothing is
    recorded any more, only finished.
    """

    recording: Recording
    options: RecorderOptions
    origin: float
    attempt: int = 0
    niceness: int = 0
    recover: bool = False

    @property
    def folder(self) -> Path:
        """Where this recording works."""
        return work_folder(self.options) / self.recording.work_id


def work_folder(options: RecorderOptions) -> Path:
    """Where recordings under way and unfinished ones are."""
    return options.folder.absolute() / ".work"


def open_store(options: RecorderOptions) -> Store:
    """The store of the settings; connects to nothing yet."""
    if options.s3.bucket:
        return S3Store(options.s3)
    return LocalStore(options.folder)


def dump(setup: Setup) -> dict[str, Any]:
    """The set-up as JSON values, secrets and all: it goes to the worker's standard input only."""
    values = setup.model_dump(mode="json")
    secret = setup.options.s3.secret_access_key
    values["options"]["s3"]["secret_access_key"] = None if secret is None else secret.get_secret_value()
    return values
