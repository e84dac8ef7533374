"""The waiting room: joining it, and being admitted or rejected."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from signaling.messages.base import Incoming, Outgoing, ShortText, Username
from signaling.model import WaitReason, WaitStatus

MAX_BULK = 1_000


class WaitingInfo(BaseModel):
    """Somebody in the waiting room."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user_id": "carol",
                    "username": "carol",
                    "display_name": "Carol",
                    "avatar_url": None,
                    "joined_waiting_at": "2026-11-24T09:00:00.000Z",
                    "status": "waiting",
                    "position": 1,
                    "reason": "approval",
                }
            ]
        }
    )

    user_id: str = Field(description="Who waits.")
    username: str = Field(description="The same.")
    display_name: str = Field(description="Name to show.")
    avatar_url: str | None = Field(description="Picture to show.")
    joined_waiting_at: str = Field(description="Since when, ISO 8601 in UTC.")
    status: WaitStatus = Field(description="`waiting`.")
    position: int = Field(ge=1, description="Place in the queue: 1 is next.")
    reason: WaitReason = Field(
        description="What it waits for: `approval` of a host or moderator, `no_host`: that a host comes, "
        "`capacity`: a free place."
    )


class WaitingJoinRequest(Incoming):
    """One who waits asks for its place."""

    type_name: ClassVar[str] = "waiting-room-join"


class WaitingJoin(WaitingInfo, Outgoing):
    """Somebody waits. Goes to who waits, first of all and whenever its position or reason changes, and to hosts and
    moderators. The same socket goes on with `waiting-room-admit` and `room-state`, or ends with `waiting-room-reject`.
    """

    type_name: ClassVar[str] = "waiting-room-join"

    room_id: str = Field(description="The room.")
    session_id: str | None = Field(default=None, description="The session; only told to who waits.")
    heartbeat_interval_ms: int | None = Field(
        default=None, description="How often who waits sends a heartbeat; only told to it."
    )


class Choice(Incoming):
    """Whom a decision is about: exactly one of the fields `user_id`, `user_ids` and `all`."""

    user_id: Username | None = Field(default=None, description="One who waits.")
    user_ids: Annotated[list[Username], Field(max_length=MAX_BULK)] | None = Field(
        default=None, description="Several who wait."
    )
    all: StrictBool = Field(default=False, description="All who wait.")

    @model_validator(mode="after")
    def _one_choice(self) -> Choice:
        if (self.user_id is not None) + (self.user_ids is not None) + self.all != 1:
            raise ValueError("exactly one of user_id, user_ids and all is needed")
        return self


class WaitingAdmitRequest(Choice):
    """A host or moderator lets somebody in; where `require_host_approval` is set, only the host may."""

    type_name: ClassVar[str] = "waiting-room-admit"


class WaitingRejectRequest(Choice):
    """A host or moderator turns somebody away."""

    type_name: ClassVar[str] = "waiting-room-reject"

    reason: ShortText | None = Field(default=None, description="Shown to who is turned away.")


class _Decision(Outgoing):
    user_id: str = Field(description="Whom it is about.")
    username: str = Field(description="The same.")
    display_name: str = Field(description="Its name to show.")
    joined_waiting_at: str = Field(description="Since when it waited, ISO 8601 in UTC.")


class WaitingAdmit(_Decision):
    """Somebody was let in. Goes to who waited, whose `room-state` follows, and to hosts and moderators."""

    type_name: ClassVar[str] = "waiting-room-admit"

    status: WaitStatus = Field(default=WaitStatus.ADMITTED, description="`admitted`.")
    reason: str | None = Field(default=None, description="Null.")


class WaitingReject(_Decision):
    """Somebody was turned away. Goes to who waited, whose socket is closed with 4403 `rejected`, and to hosts and
    moderators.
    """

    type_name: ClassVar[str] = "waiting-room-reject"

    status: WaitStatus = Field(default=WaitStatus.REJECTED, description="`rejected`.")
    reason: str | None = Field(description="Why, in the words of who did it.")
    rejected_by: str | None = Field(description="Who did it; only told to hosts and moderators.")


class WaitingLeft(Outgoing):
    """Somebody left the waiting room by itself; goes to hosts and moderators."""

    type_name: ClassVar[str] = "waiting-room-left"

    user_id: str = Field(description="Who.")
    reason: str = Field(description="`left`, `disconnected` or `timeout`.")


class WaitingResult(Outgoing):
    """The answer to `waiting-room-admit` and `waiting-room-reject`."""

    type_name: ClassVar[str] = "waiting-room-result"

    admitted: list[str] = Field(default=[], description="Who comes in.")
    rejected: list[str] = Field(default=[], description="Who was turned away.")
    waiting: list[str] = Field(default=[], description="Who was to be admitted, but has to wait for a free place.")
    not_found: list[str] = Field(default=[], description="Who does not wait here.")
