"""What a recording is: what was asked for, how far it is, and its files."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
MAX_NAME_CHARACTERS = 60


class Status(StrEnum):
    """How far a recording is."""

    STARTING = "starting"
    RECORDING = "recording"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


OVER = (Status.STOPPED, Status.FAILED)


class Options(BaseModel):
    """What is to be recorded, and how."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Literal["program", "tracks", "both"] = "program"
    layout: Literal["auto", "grid", "speaker", "screen"] = "auto"
    quality: Literal["1080p", "720p", "480p"] = "720p"
    bitrate_kbps: int | None = None
    audio_only: bool = False
    container: Literal["mp4", "webm"] = "mp4"
    participants: tuple[str, ...] | None = None
    file_name: str | None = None
    storage_prefix: str = ""
    chat: bool = False
    max_duration_min: int | None = None

    @property
    def with_program(self) -> bool:
        """Whether the composed room is recorded."""
        return self.mode != "tracks"

    @property
    def with_tracks(self) -> bool:
        """Whether each publication is recorded by itself."""
        return self.mode != "program"


class File(BaseModel):
    """One object in the store. ``offset_s``: where its time 0 lies in the recording."""

    name: str
    key: str
    kind: Literal["program", "track", "chapters", "poster", "preview", "previews", "chat", "manifest"]
    content_type: str
    size_bytes: int = 0
    duration_s: float | None = None
    offset_s: float = 0.0
    user_id: str | None = None
    source: str | None = None
    publication_id: str | None = None
    codec: str | None = None
    gaps: list[tuple[float, float, str]] = []
    parts: int = 1


class Recording(BaseModel):
    """The state of a recording, as it is kept in Redis."""

    recording_id: str
    room_id: str
    started_by: str | None
    started_at: str
    started_unix: float
    status: Status = Status.STARTING
    options: Options = Options()
    key_prefix: str = ""
    stopped_at: str | None = None
    stopped_by: str | None = None
    stop_reason: str | None = None
    error: str | None = None
    error_message: str | None = None
    duration_s: float = 0.0
    size_bytes: int = 0
    cpu: float = 0.0
    memory_bytes: int = 0
    parts: int = 1
    leg: int = 1
    upload_pending: bool = False
    files: list[File] = []

    @property
    def work_id(self) -> str:
        """Names the work of one shard on it: a recording whose room goes to another shard has a further leg there."""
        return self.recording_id if self.leg == 1 else f"{self.recording_id}.{self.leg}"


def safe_name(text: str, fallback: str = "unnamed") -> str:
    """``text`` as a part of a file name, of letters, digits, dots, dashes and underscores."""
    safe = _UNSAFE.sub("_", text)[:MAX_NAME_CHARACTERS].strip("._")
    return safe or fallback


def key_of(template: str, *, room_id: str, recording_id: str, started_at: str, name: str) -> str:
    """The key of a file, from the template of the settings."""
    return template.format(
        room=safe_name(room_id),
        recording_id=recording_id,
        date=started_at[:10],
        time=started_at[11:19].replace(":", ""),
        name=name,
    )
