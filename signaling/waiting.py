"""The waiting room: who waits before the door, in which order, and for what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from signaling.envelope import iso_utc
from signaling.messages.waiting import WaitingInfo
from signaling.model import Role, WaitReason, WaitStatus
from signaling.tokens import Identity


@dataclass(slots=True)
class Waiter:
    """A user that waits. ``approved``: somebody has admitted it already, it waits for a free place only.

    ``told``: the reason and the position that it was last told.
    """

    identity: Identity
    session_id: str
    since_unix: float
    reason: WaitReason
    display_name: str
    avatar_url: str | None
    approved: bool = False
    told: tuple[WaitReason, int] | None = None

    @property
    def username(self) -> str:
        """Who waits."""
        return self.identity.username

    @property
    def order(self) -> tuple[bool, float]:
        """Hosts and moderators come before all others, then who came first."""
        return self.identity.role not in (Role.HOST, Role.MODERATOR), self.since_unix

    def info(self, position: int) -> WaitingInfo:
        """What hosts and moderators are told."""
        return WaitingInfo(
            user_id=self.username,
            username=self.username,
            display_name=self.display_name,
            avatar_url=self.avatar_url,
            joined_waiting_at=iso_utc(self.since_unix),
            status=WaitStatus.WAITING,
            position=position,
            reason=self.reason,
        )


@dataclass(frozen=True, slots=True)
class KeptPlace:
    """The place of one whose connection broke. ``until_unix``: it is lost then."""

    since_unix: float
    approved: bool
    until_unix: float


class WaitingRoom:
    """The queue, first in first out. Who was cut off and comes back in time has its old place."""

    def __init__(self) -> None:
        self._waiters: dict[str, Waiter] = {}
        self._kept: dict[str, KeptPlace] = {}

    def __len__(self) -> int:
        return len(self._waiters)

    def __iter__(self) -> Iterator[Waiter]:
        return iter(self._waiters.values())

    def get(self, username: str) -> Waiter | None:
        """The waiter of that name."""
        return self._waiters.get(username)

    def position(self, username: str) -> int:
        """1 for who is next. Asking for all of them is better done with ``infos``."""
        return list(self._waiters).index(username) + 1

    def infos(self) -> list[WaitingInfo]:
        """All who wait, in order."""
        return [waiter.info(position) for position, waiter in enumerate(self, 1)]

    def add(self, identity: Identity, session_id: str, reason: WaitReason, now_unix: float) -> Waiter:
        """Put somebody into the queue: at the end, or at the place that is kept for it."""
        place = self.kept(identity.username, now_unix)
        self._kept.pop(identity.username, None)
        waiter = Waiter(
            identity=identity,
            session_id=session_id,
            since_unix=now_unix if place is None else place.since_unix,
            reason=reason,
            display_name=identity.display_name,
            avatar_url=identity.avatar_url,
            approved=place is not None and place.approved,
        )
        self._waiters[waiter.username] = waiter
        self._waiters = {w.username: w for w in sorted(self._waiters.values(), key=lambda w: w.order)}
        return waiter

    def remove(self, username: str) -> Waiter | None:
        """Take somebody out of the queue for good; None if it was not there."""
        self._kept.pop(username, None)
        return self._waiters.pop(username, None)

    def keep(self, username: str, place: KeptPlace, now_unix: float) -> None:
        """Remember the place of one who was cut off."""
        self._kept = {name: kept for name, kept in self._kept.items() if kept.until_unix > now_unix}
        self._kept[username] = place

    def kept(self, username: str, now_unix: float) -> KeptPlace | None:
        """The place that waits for that user to come back."""
        place = self._kept.get(username)
        return place if place is not None and place.until_unix > now_unix else None


def saved(waiter: Waiter) -> str:
    """A place as it is kept in Redis."""
    return json.dumps({"since_unix": waiter.since_unix, "approved": waiter.approved})


def restored(text: str, until_unix: float) -> KeptPlace | None:
    """A place from Redis; None if it cannot be read."""
    try:
        data = json.loads(text)
        return KeptPlace(float(data["since_unix"]), bool(data["approved"]), until_unix)
    except (ValueError, KeyError, TypeError):
        return None
