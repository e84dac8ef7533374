"""What negotiation needs of whoever lets participants receive from another shard."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from signaling.preferences import Preferences


class PipedSeat(Protocol):
    """The receiving half of a participant, at another shard. Nothing in it waits: what it leads to is told later."""

    @property
    def wanted(self) -> Collection[str]:
        """The publications that it is to receive."""
        ...

    def want(self, publication_ids: Iterable[str]) -> None:
        """Receive these too."""
        ...

    def drop(self, publication_ids: Iterable[str]) -> bool:
        """Receive these no longer; whether there was anything to take away."""
        ...

    def sync(self) -> None:
        """Offer to the client what has changed, as soon as it can be offered."""
        ...

    def take_answer(self, sdp: str) -> None:
        """The client's answer; raises RoomError when none is due."""
        ...

    def restart(self) -> None:
        """Offer anew with new ICE credentials."""
        ...

    def tell_wishes(self) -> None:
        """What the subscriber wishes has changed."""
        ...

    def close(self) -> None:
        """The participant has left."""
        ...


class AudiencePort(Protocol):
    """Decides for one room who receives from where."""

    def seat_for(self, username: str, preferences: Preferences) -> PipedSeat | None:
        """A place at another shard for somebody who is about to receive; None: it receives from this one."""
        ...

    def refresh(self) -> None:
        """Who is in which breakout room has changed."""
        ...
