"""Recordings: starting, stopping, and what is told of them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from signaling.messages.base import Incoming, Outgoing

RecordingId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
StoragePrefix = Annotated[str, StringConstraints(pattern=r"^(?:[A-Za-z0-9_-][A-Za-z0-9._-]*/)*$", max_length=200)]
FileTemplate = Annotated[
    str,
    StringConstraints(pattern=r"^(?:[A-Za-z0-9_./-]|\{(?:room|recording_id|date|time)\})*\{name\}$", max_length=200),
]


class RecordingStatus(StrEnum):
    """How far a recording is."""

    STARTING = "starting"
    RECORDING = "recording"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


class RecordingFile(BaseModel):
    """A file of a recording."""

    name: str = Field(description="Its name.")
    kind: str = Field(
        default="program",
        description="`program`, `track`, `chapters` (WebVTT), `poster`, `previews` (one picture of many), `preview` "
        "(WebVTT with their places in it), `chat` or `manifest` (JSON).",
    )
    content_type: str = Field(default="application/octet-stream", description="Its media type.")
    size_bytes: int = Field(description="Its size.")
    duration_s: float | None = Field(default=None, description="Its length in seconds.")
    offset_s: float = Field(default=0.0, description="Where its beginning lies in the recording, in seconds.")
    user_id: str | None = Field(default=None, description="Whose track it is.")
    source: str | None = Field(default=None, description="Which of that participant's tracks.")
    download_url: str | None = Field(default=None, description="Where to get it, for a while; null: not for you.")
    stream_url: str | None = Field(default=None, description="Where to play it, for a while; ranges are answered.")


class RecordingOptions(BaseModel):
    """What is to be recorded, and how."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"mode": "both", "quality": "1080p"}]}
    )

    mode: Literal["program", "tracks", "both"] = Field(
        default="program", description="The composed room in one file, each publication in its own, or both."
    )
    layout: Literal["auto", "grid", "speaker", "screen"] = Field(
        default="auto", description="How the program is composed; `auto`: by what is shared."
    )
    quality: Literal["1080p", "720p", "480p"] = Field(default="720p", description="Size of the picture.")
    bitrate_kbps: int | None = Field(
        default=None, ge=100, le=20_000, description="Bitrate of the picture; null: what fits its size."
    )
    audio_only: bool = Field(default=False, description="No pictures.")
    container: Literal["mp4", "webm"] = Field(
        default="mp4", description="Of the program: MP4 with H.264 and AAC, or WebM with VP8 and Opus."
    )
    participants: list[str] | None = Field(
        default=None, max_length=500, description="Usernames of those who are recorded; null: everybody."
    )
    file_name: FileTemplate | None = Field(
        default=None,
        description="Template of the files' keys in place of the server's, with `{room}`, `{recording_id}`, `{date}`, "
        "`{time}` and, at the end, `{name}`.",
    )
    storage_prefix: StoragePrefix = Field(default="", description="Folder in the storage, such as `team-a/`.")
    chat: bool = Field(default=False, description="Keep the public chat in a file as well.")
    max_duration_min: int | None = Field(
        default=None, ge=1, le=1_440, description="Stop after so many minutes; the server's limit holds as well."
    )

    @model_validator(mode="after")
    def _template_is_usable(self) -> Self:
        if self.file_name is not None and (".." in self.file_name or self.file_name.startswith("/")):
            raise ValueError("file_name must be a relative path without ..")
        return self


class RecordingInfo(BaseModel):
    """The metadata of a recording."""

    recording_id: str = Field(description="Identifies the recording.")
    room_id: str = Field(description="Its room.")
    started_by: str | None = Field(description="Who started it; null: the room's setting did.")
    started_at: str = Field(description="When, ISO 8601 in UTC.")
    status: RecordingStatus = Field(description="How far it is.")
    mode: str = Field(default="program", description="What is recorded.")
    audio_only: bool = Field(default=False, description="Whether there are no pictures.")
    stopped_at: str | None = Field(default=None, description="When it was stopped.")
    stopped_by: str | None = Field(
        default=None, description="Who stopped it; null: the operator, or it stopped by itself."
    )
    stop_reason: str | None = Field(
        default=None,
        description="`asked`, `room_closed`, `server_stop`, `max_duration`, `max_size`, `storage_failed`, "
        "`server_gone` or `moved` (the room's new server could not go on with it).",
    )
    error_code: str | None = Field(default=None, description="What is wrong: `storage_failed` or `media_failed`.")
    error_message: str | None = Field(default=None, description="The same for people.")
    duration_s: float = Field(default=0.0, description="Its length, while it runs the length so far.")
    size_bytes: int = Field(default=0, description="The size of its files, while it runs the size so far.")
    cpu: float = Field(default=0.0, description="What it costs now: share of one processor core.")
    memory_bytes: int = Field(default=0, description="What it costs now: memory.")
    parts: int = Field(default=1, description="How often it had to begin anew; the parts are joined at the end.")
    upload_pending: bool = Field(
        default=False, description="Whether the storage has not taken all of it yet; that is tried again by itself."
    )
    files: list[RecordingFile] = Field(default=[], description="What was recorded.")


class RecordingControl(Incoming):
    """A client starts or stops a recording. Needs `can_record`, and for starting the setting `enable_recording`. Who
    controls recordings is told by `recording-status`.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, json_schema_extra={"examples": [{"action": "start"}]})
    type_name: ClassVar[str] = "recording-control"

    action: Literal["start", "stop"] = Field(description="What to do.")
    options: RecordingOptions = Field(default=RecordingOptions(), description="For `start`.")
    recording_id: RecordingId | None = Field(default=None, description="Which to stop.")

    @model_validator(mode="after")
    def _names_what_to_stop(self) -> Self:
        if (self.action == "stop") != (self.recording_id is not None):
            raise ValueError("recording_id is needed to stop, and only then")
        return self


class RecordingChanged(RecordingInfo, Outgoing):
    """A recording has changed; goes to everybody. Addresses of files are told by REST."""

    type_name: ClassVar[str] = "recording-status"
