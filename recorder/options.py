"""What an operator may set of recordings: where they are kept, for how long, and their limits."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

MIN_PART_MB = 5


class S3Options(BaseModel):
    """An object storage that speaks S3; part of the settings tree as ``recording.s3``."""

    model_config = ConfigDict(extra="forbid")

    bucket: str = Field(default="", description="Bucket of the recordings; empty: they stay in `recording.folder`.")
    prefix: str = Field(default="", description="What all keys begin with, such as `plenum/`.")
    endpoint_url: str | None = Field(
        default=None, description="Address of the storage; absent: Amazon's, by the region."
    )
    region: str | None = Field(default=None, description="Region; absent: what the environment says.")
    access_key_id: str | None = Field(
        default=None, description="Access key; absent: the usual chain of environment, files and instance roles."
    )
    secret_access_key: SecretStr | None = Field(default=None, description="Its secret.")
    path_style: bool = Field(
        default=False, description="Put the bucket into the path instead of the host name, as most own servers need."
    )
    sse: Literal["none", "AES256", "aws:kms"] = Field(default="none", description="Encryption that the storage does.")
    sse_kms_key_id: str | None = Field(default=None, description="Key of `aws:kms`; absent: the bucket's.")

    @model_validator(mode="after")
    def _whole_key(self) -> S3Options:
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ValueError("access_key_id and secret_access_key belong together")
        return self


class RecorderOptions(BaseModel):
    """Recordings; part of the settings tree as ``recording``."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool = Field(default=True, description="Rooms may be recorded.")
    folder: Path = Field(
        default=Path("recordings"),
        description="Folder of what is being recorded, and, without `recording.s3.bucket`, of the recordings. Shards "
        "that share it finish each other's recordings.",
    )
    s3: S3Options = Field(default_factory=S3Options, description="Object storage.")
    part_size_mb: int = Field(
        default=8, ge=MIN_PART_MB, le=512, description="Size in MiB of the parts that are uploaded while recording."
    )
    max_spool_mb: int = Field(
        default=2048,
        ge=64,
        description="Media in MiB that a recording may keep locally while the storage does not answer; then it stops.",
    )
    min_free_mb: int = Field(
        default=512, ge=0, description="No recording starts with less free disk in MB; one under way stops at a fifth."
    )
    upload_threads: int = Field(default=2, ge=1, le=32, description="Parts of one recording uploaded at a time.")
    name_template: str = Field(
        default="{room}/{date}-{time}-{recording_id}/{name}",
        min_length=1,
        max_length=300,
        description="Keys of files: `{room}`, `{recording_id}`, `{date}`, `{time}` and `{name}`, which must be last.",
    )
    url_lifetime_s: int = Field(
        default=3600, ge=60, le=7 * 86_400, description="Life in seconds of download addresses."
    )
    keep_days: int = Field(default=0, ge=0, description="Recordings are deleted after so many days; 0: never.")
    max_duration_min: float = Field(default=360.0, gt=0, description="A recording stops after so many minutes.")
    max_size_mb: int = Field(default=20_480, ge=10, description="A recording stops by itself at this size in MiB.")
    retry_max_s: float = Field(
        default=10.0, gt=0, le=300, description="Longest pause in seconds between tries of a storage that fails."
    )
    finish_timeout_s: float = Field(
        default=20.0,
        gt=0,
        le=3600,
        description="How long a stopped recording tries to bring the rest to the storage, in seconds; what remains is "
        "brought later.",
    )
    earlier_part_wait_min: float = Field(
        default=30.0,
        ge=0,
        description="How long, in minutes, a recording whose room went to another shard waits for what the first one "
        "recorded; then it is finished without.",
    )

    @model_validator(mode="after")
    def _template_is_usable(self) -> RecorderOptions:
        try:
            self.name_template.format(room="r", recording_id="i", date="d", time="t", name="n")
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(f"name_template has an unknown field: {error}") from None
        if not self.name_template.endswith("{name}") or ".." in self.name_template or self.name_template[0] == "/":
            raise ValueError("name_template must end with {name}, and be a relative path without ..")
        return self
