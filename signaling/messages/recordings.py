"""Recordings: starting, stopping, and what is told of them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from signaling.messages.base import Incoming, Outgoing

RecordingId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


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
    size_bytes: int = Field(description="Its size.")
    download_url: str | None = Field(default=None, description="Where to get it, for a while.")


class RecordingInfo(BaseModel):
    """The metadata of a recording."""

    recording_id: str = Field(description="Identifies the recording.")
    room_id: str = Field(description="Its room.")
    started_by: str = Field(description="Who started it.")
    started_at: str = Field(description="When, ISO 8601 in UTC.")
    status: RecordingStatus = Field(description="How far it is.")
    stopped_at: str | None = Field(default=None, description="When it was stopped.")
    stopped_by: str | None = Field(default=None, description="Who stopped it; null: it stopped by itself.")
    files: list[RecordingFile] = Field(default=[], description="What was recorded.")


class RecordingOptions(BaseModel):
    """What is to be recorded, and how."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Literal["composite", "tracks"] = Field(
        default="composite", description="One picture of the whole room, or each track by itself."
    )
    quality: Literal["1080p", "720p", "480p"] = Field(default="720p", description="Size of the picture.")


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
    """A recording has changed; goes to everybody."""

    type_name: ClassVar[str] = "recording-status"
