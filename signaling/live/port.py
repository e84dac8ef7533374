"""What makes live streams, as rooms see it: given by whoever puts the server together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from sfu.router import Router

LayoutMode = Literal["auto", "grid", "speaker", "screen"]


class Unavailable(Exception):
    """The machine has no room for another stream; the message is for people."""


@dataclass(frozen=True, slots=True)
class Picture:
    """How the picture of a room is made. ``logo``: a PNG file."""

    layout: LayoutMode = "auto"
    show_names: bool = True
    spotlight: str | None = None
    title: str = ""
    slate: str = ""
    logo: bytes | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """A stream to be made. ``key`` is a secret. ``url`` empty: to no server. ``elapsed_s``: how long ago it began, for
    one that another process has made until now.
    """

    room_id: str
    stream_id: str
    quality: str
    url: str = ""
    key: str = field(default="", repr=False)
    platform: str = "custom"
    channel: str = ""
    hls: bool = False
    hls_public: bool = True
    dvr_s: float = 0.0
    picture: Picture = Picture()
    elapsed_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Report:
    """How a stream is doing; ``state``: connecting, live, reconnecting, failed or stopped."""

    state: str
    reason: str | None
    uplink_bps: int
    video_bps: int
    dropped_frames: int
    reconnects: int
    viewers: int


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whose name the picture may show."""

    user_id: str
    display_name: str
    present: bool = True


class LiveOutputs(Protocol):
    """Makes streams of rooms."""

    @property
    def max_streams(self) -> int:
        """How many a room may have at the same time."""
        ...

    @property
    def empty_room_s(self) -> float:
        """After how long in an empty room a stream ends."""
        ...

    def default_url(self, platform: str) -> str:
        """Where a platform takes streams; empty: there is no such place."""
        ...

    async def start(
        self, order: Order, router: Router, people: Callable[[], Sequence[Person]], on_report: Callable[[Report], None]
    ) -> None:
        """Begin a stream; raises Unavailable."""
        ...

    def stop(self, room_id: str, stream_id: str) -> None:
        """End a stream; harmless when there is none."""
        ...

    def pause(self, room_id: str, stream_id: str) -> None:
        """Make a stream no longer, because another process is about to; what was made can still be watched here."""
        ...

    def leave(self, room_id: str, stream_id: str) -> None:
        """Another process has a stream, also for its viewers."""
        ...

    async def settled(self) -> None:
        """Until others can read what was made here."""
        ...

    def arrange(self, room_id: str, picture: Picture) -> None:
        """Change the picture of a room's streams."""
        ...

    def person(self, room_id: str, person: Person) -> None:
        """Somebody came, went, or has another name."""
        ...

    def speaker(self, room_id: str, user_id: str | None) -> None:
        """Somebody else speaks."""
        ...
