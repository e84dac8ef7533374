"""Breakout rooms: making them, moving people between them, closing them."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints, model_validator

from signaling.messages.base import Incoming, Outgoing, Username

MAX_NAME_CHARACTERS = 64
MAX_AT_ONCE = 100
MAX_NAMED = 1_000
MAX_DURATION_S = 86_400

BreakoutId = Annotated[str, StringConstraints(min_length=1, max_length=64)]
BreakoutName = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME_CHARACTERS)]
People = Annotated[list[Username], Field(max_length=MAX_NAMED)]
Places = Annotated[int, Field(ge=1, le=10_000)]


class BreakoutInfo(BaseModel):
    """A breakout room."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "breakout_room_id": "c3kq0W9cVw7kQm5yB1aZ",
                    "name": "Group 1",
                    "participant_ids": ["bob", "carol"],
                    "created_at": "2026-11-24T09:00:00.000Z",
                    "created_by": "alice",
                    "max_participants": 4,
                    "ends_at": "2026-11-24T09:15:00.000Z",
                    "self_assign": False,
                }
            ]
        },
    )

    breakout_room_id: str = Field(description="Identifies the breakout room.")
    name: str = Field(description="Name to show.")
    participant_ids: list[str] = Field(description="Who is in it now.")
    created_at: str = Field(description="When it was made, ISO 8601 in UTC.")
    created_by: str = Field(description="Who made it.")
    max_participants: int | None = Field(
        description="Most participants in it, hosts and moderators not counted; null: no limit."
    )
    ends_at: str | None = Field(description="When it closes by itself, ISO 8601 in UTC; null: never.")
    self_assign: bool = Field(description="Whether participants may come and go by themselves.")


class BreakoutCreateRequest(Incoming):
    """A host or moderator makes one or several breakout rooms."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Blue", "duration_s": 600}]})
    type_name: ClassVar[str] = "breakout-room-create"

    name: BreakoutName | None = Field(
        default=None, description="Name to show; of several, a number is added. Absent: `Breakout room` and a number."
    )
    max_participants: Places | None = Field(
        default=None, description="Most participants in each, hosts and moderators not counted; null: no limit."
    )
    participant_ids: People = Field(
        default=[], description="Who goes there at once; with several rooms they are dealt out in turn."
    )
    count: Annotated[int, Field(ge=1, le=MAX_AT_ONCE)] = Field(default=1, description="How many to make.")
    duration_s: Annotated[int, Field(ge=1, le=MAX_DURATION_S)] | None = Field(
        default=None, description="Seconds after which they close by themselves; null: never."
    )
    self_assign: StrictBool = Field(default=False, description="Whether participants may come and go by themselves.")


class BreakoutAssignRequest(Incoming):
    """Move participants into a breakout room, or back to the main room; or oneself, where that is allowed. Hosts and
    moderators may visit any, and move all but the host, who is moved by itself only.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"auto": True}]})
    type_name: ClassVar[str] = "breakout-room-assign"

    breakout_room_id: BreakoutId | None = Field(default=None, description="Where to; null: back to the main room.")
    participant_ids: People | None = Field(
        default=None, description="Who; absent, with `breakout_room_id` present: oneself."
    )
    auto: StrictBool = Field(
        default=False,
        description="Spread people evenly over all breakout rooms, as far as there are places: those of "
        "`participant_ids`, else all in the main room but hosts, moderators and encoders.",
    )
    self_assign: StrictBool | None = Field(
        default=None,
        description="Set whether participants may come and go by themselves, in this breakout room or (null) in all. "
        "Alone, or with `participant_ids` or `auto`.",
    )

    @model_validator(mode="after")
    def _says_something(self) -> BreakoutAssignRequest:
        if self.auto and self.breakout_room_id is not None:
            raise ValueError("auto spreads over all breakout rooms: breakout_room_id does not go with it")
        if not self.auto and self.self_assign is None and self.participant_ids is None and not self.names_a_place:
            raise ValueError("one of breakout_room_id, participant_ids, auto and self_assign is needed")
        return self

    @property
    def names_a_place(self) -> bool:
        """Whether the client said where to, be it the main room."""
        return "breakout_room_id" in self.model_fields_set

    @property
    def moves_oneself(self) -> bool:
        """Whether the sender itself is to be moved, and nobody else."""
        return self.participant_ids is None and not self.auto and self.self_assign is None


class BreakoutCloseRequest(Incoming):
    """A host or moderator closes a breakout room, or all; everybody in it comes back to the main room."""

    type_name: ClassVar[str] = "breakout-room-close"

    breakout_room_id: BreakoutId | None = Field(default=None, description="Which; not together with `all`.")
    all: StrictBool = Field(default=False, description="All of them.")

    @model_validator(mode="after")
    def _one_choice(self) -> BreakoutCloseRequest:
        if (self.breakout_room_id is not None) == self.all:
            raise ValueError("exactly one of breakout_room_id and all is needed")
        return self


class _Changed(Outgoing):
    breakout_rooms: list[BreakoutInfo] = Field(
        description="All breakout rooms as they are now; replaces what the client knew of them."
    )


class BreakoutCreate(BreakoutInfo, _Changed):
    """Breakout rooms were made; goes to everybody in the room. The fields on top are those of the first one."""

    type_name: ClassVar[str] = "breakout-room-create"

    created_ids: list[str] = Field(description="All that were made at once.")


class BreakoutAssign(_Changed):
    """Participants were moved, or it was set who may move; goes to everybody in the room, whichever breakout room it is
    in. The client changes `breakout_room_id` of those in `assignments` and forgets the publications of those who
    are not where it is itself. Who moved is told its new surroundings by `breakout-room-area`.
    """

    type_name: ClassVar[str] = "breakout-room-assign"

    breakout_room_id: str | None = Field(description="Where to; null: the main room, or several places.")
    name: str | None = Field(description="Name of that breakout room.")
    participant_ids: list[str] = Field(description="Who moved.")
    assignments: dict[str, str | None] = Field(description="Where each of them is now; null: in the main room.")
    not_assigned: list[str] = Field(default=[], description="For whom `auto` found no place.")
    auto: bool = Field(default=False, description="Whether they were spread by `auto`.")
    assigned_by: str | None = Field(description="Who moved them.")
    created_at: str | None = Field(description="When that breakout room was made.")
    created_by: str | None = Field(description="Who made it.")
    max_participants: int | None = Field(description="Most participants in it.")


class BreakoutClose(_Changed):
    """Breakout rooms were closed; goes to everybody in the room. All in `participant_ids` are in the main room again,
    to be treated as in `breakout-room-assign`.
    """

    type_name: ClassVar[str] = "breakout-room-close"

    breakout_room_id: str | None = Field(description="Which, when it is one; null: all of `closed_ids`.")
    name: str | None = Field(description="Its name, when it is one.")
    closed_ids: list[str] = Field(description="All that were closed.")
    participant_ids: list[str] = Field(description="Who came back to the main room.")
    closed_by: str | None = Field(description="Who closed them; null: their time was over.")


class BreakoutClosing(Outgoing):
    """A breakout room will close by itself soon; goes to all in it, and to hosts and moderators wherever they are."""

    type_name: ClassVar[str] = "breakout-room-closing"

    breakout_room_id: str = Field(description="Which.")
    name: str = Field(description="Its name.")
    ends_at: str = Field(description="When, ISO 8601 in UTC.")
    remaining_s: int = Field(description="Seconds until then.")
