"""Virtual backgrounds: made by the participant's own browser, told to the others."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints, field_validator, model_validator
from pydantic.config import JsonDict

from signaling.messages.base import Incoming, Outgoing

MAX_URL_CHARACTERS = 2_048
_EXAMPLE: JsonDict = {"enabled": True, "background_type": "image", "background_url": "/static/backgrounds/shelf.jpg"}
# A path without a scheme, a host or a way up: "/static/a.jpg" or "a/b.jpg", with a query if need be.
_own_path = re.compile(r"(?:/static/)?(?!\.{1,2}/)[A-Za-z0-9_.~%-]+(?:/[A-Za-z0-9_.~%-]+)*(?:\?[A-Za-z0-9_.~%&=-]*)?")
_https_url = re.compile(r"https://[A-Za-z0-9.:\[\]-]+(?:[/?#][!-~]*)?")


class BackgroundType(StrEnum):
    """What is shown behind a participant."""

    NONE = "none"
    BLUR = "blur"
    IMAGE = "image"
    VIDEO = "video"


class VirtualBackground(BaseModel):
    """The virtual background of a participant."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [_EXAMPLE]})

    enabled: StrictBool = Field(description="Whether it is on.")
    background_type: BackgroundType = Field(description="What is behind the participant.")
    background_url: str | None = Field(
        default=None, description="The picture or film; null where it is on the participant's own machine."
    )


class BackgroundRequest(Incoming):
    """A client says what it shows behind its user."""

    model_config = ConfigDict(extra="ignore", frozen=True, json_schema_extra={"examples": [_EXAMPLE]})
    type_name: ClassVar[str] = "virtual-background-update"

    enabled: bool = Field(description="Whether it is on.")
    background_type: BackgroundType = Field(description="What is behind the participant; not `none` when it is on.")
    background_url: Annotated[str, StringConstraints(min_length=1, max_length=MAX_URL_CHARACTERS)] | None = Field(
        default=None,
        description="Of an image or a video: an https address, a path under `/static/`, or a relative path. Absent "
        "where it is on the participant's own machine.",
    )

    @field_validator("background_url")
    @classmethod
    def _is_harmless(cls, value: str | None) -> str | None:
        if value is not None and not is_background_url(value):
            raise ValueError("an https address or a path under /static/ is needed")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> BackgroundRequest:
        if self.enabled and self.background_type is BackgroundType.NONE:
            raise ValueError("a background that is on has a type")
        if self.background_url is not None and self.background_type not in (BackgroundType.IMAGE, BackgroundType.VIDEO):
            raise ValueError("only an image or a video has a background_url")
        return self


class BackgroundUpdate(VirtualBackground, Outgoing):
    """Somebody's virtual background, as it is now. Goes to everybody."""

    type_name: ClassVar[str] = "virtual-background-update"

    user_id: str = Field(description="Whose.")


def is_background_url(value: str) -> bool:
    """Whether others' browsers may be sent to that address."""
    if _own_path.fullmatch(value) is not None:
        return ".." not in value.partition("?")[0].split("/")
    if _https_url.fullmatch(value) is None:
        return False
    try:
        parts = urlsplit(value)
        return bool(parts.hostname) and parts.username is None and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
