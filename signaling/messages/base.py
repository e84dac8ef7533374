"""What all payloads share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, StringConstraints

from signaling.names import MAX_USERNAME_CHARACTERS

Username = Annotated[str, StringConstraints(min_length=1, max_length=MAX_USERNAME_CHARACTERS)]
ShortText = Annotated[str, StringConstraints(max_length=256)]


class Leg(StrEnum):
    """Which of a participant's two Transports: on ``publish`` the client offers, on ``subscribe`` the server."""

    PUBLISH = "publish"
    SUBSCRIBE = "subscribe"


class Incoming(BaseModel):
    """A payload from a client. Unknown fields are passed over: newer clients may say more than we know."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    type_name: ClassVar[str]


class Outgoing(BaseModel):
    """A payload to a client."""

    model_config = ConfigDict(frozen=True)
    type_name: ClassVar[str]
