"""A participant who receives from another shard: brings what it should receive, what its far end has, and what its
client has answered together, one offer at a time.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import structlog

from sfu.connection import TransportState
from signaling.effects import Effects, Send
from signaling.errors import ErrorCode, RoomError
from signaling.messages.base import Leg
from signaling.messages.negotiation import SubscribedTrack, SubscribeOffer
from signaling.messages.preferences import SubscriptionStatus
from signaling.messages.room import ErrorMessage
from signaling.shards.peers import Unreachable

if TYPE_CHECKING:
    from signaling.audience.near import Audience, NearPipe
    from signaling.preferences import Preferences

log = structlog.get_logger("plenum.audience")

MISSING_PAUSE_S = 0.1
MISSING_TIMES = 30
LEAVE_AFTER_S = 2.0


class RemoteSeat:
    """``PipedSeat``. What changes while an offer is out goes into the next one."""

    def __init__(self, username: str, preferences: Preferences, pipe: NearPipe, audience: Audience) -> None:
        self.id = secrets.token_hex(8)
        self.username = username
        self.pipe = pipe
        self.wanted: set[str] = set()
        self.refused: set[str] = set()
        self._preferences = preferences
        self._audience = audience
        self._answer_due = False
        self._restart = False
        self._dirty = False
        self._closed = False
        self._task: asyncio.Task[None] | None = None
        self._answer: str | None = None
        self._patience = MISSING_TIMES

    # -- from the room ---------------------------------------------------------------------------------------------

    def want(self, publication_ids: Iterable[str]) -> None:
        """PipedSeat."""
        fresh = {publication_id for publication_id in publication_ids if publication_id not in self.refused}
        if not fresh <= self.wanted:
            self.wanted |= fresh
            self._dirty = True

    def drop(self, publication_ids: Iterable[str]) -> bool:
        """PipedSeat."""
        gone = set(publication_ids)
        self.refused -= gone
        found = bool(self.wanted & gone)
        self.wanted -= gone
        self._dirty |= found
        return found

    def sync(self) -> None:
        """PipedSeat."""
        if self._closed or (self._task is not None and not self._task.done()):
            return
        if self._answer is not None or ((self._dirty or self._restart) and not self._answer_due):
            self._task = asyncio.create_task(self._work(), name=f"receiving of {self.username}")

    def take_answer(self, sdp: str) -> None:
        """PipedSeat."""
        if not self._answer_due:
            raise RoomError(ErrorCode.INVALID_STATE, "No offer is waiting for an answer.")
        self._answer_due = False
        self._answer = sdp
        self.sync()

    def restart(self) -> None:
        """PipedSeat."""
        self._restart = self._dirty = True
        self.sync()

    def tell_wishes(self) -> None:
        """PipedSeat."""
        body = {"seat": self.id, **self._wishes()}
        self._audience.services.later(self.pipe.call("pipe-wishes", body))

    def close(self) -> None:
        """PipedSeat."""
        self._closed = True
        self._audience.forget(self)
        if self._task is not None:
            self._task.cancel()
        self._audience.services.later(self._leave())

    async def _leave(self) -> None:
        # Who only changes its place goes on receiving here until it does so there.
        await asyncio.sleep(LEAVE_AFTER_S)
        await self.pipe.call("pipe-leave", {"seat": self.id})

    def take(self, news: Mapping[str, Any]) -> None:
        """What the far end tells."""
        if "status" in news:
            self._audience.apply([Send(self.username, SubscriptionStatus.model_validate(news["status"]))])
        elif news.get("state") == TransportState.CLOSED.value:
            # The client asks for a restart when it wants to receive again.
            self._answer_due = False
            self._answer = None
            self._dirty = True
        elif news.get("state") == TransportState.FAILED.value:
            details = {"transport": Leg.SUBSCRIBE.value}
            error = RoomError(ErrorCode.MEDIA_FAILED, "The media connection has failed.", details=details)
            self._audience.apply([Send(self.username, ErrorMessage(**error.body().model_dump()))])

    def send_away(self) -> None:
        """The far end is gone, or to be emptied: the client comes anew, and is placed anew."""
        self._audience.send_away(self.username)

    # -- with the far end ------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        try:
            while not self._closed:
                if self._answer is not None:
                    await self._pass_answer()
                elif (self._dirty or self._restart) and not self._answer_due:
                    await self._ask_offer()
                else:
                    return
        except Unreachable as error:
            # The audience finds that out too, and sends its client to where it can receive.
            log.warning("far end does not answer", participant=self.username, error=str(error))
            self.pipe.failed = True
        except RoomError as error:
            log.warning("far end refuses", participant=self.username, code=error.code.value, reason=error.message)
            self._audience.apply([Send(self.username, ErrorMessage(**error.body().model_dump()))])

    async def _ask_offer(self) -> None:
        self._dirty, restart, self._restart = False, self._restart, False
        publications = sorted(self.wanted)
        body = {
            "seat": self.id,
            "username": self.username,
            "publications": publications,
            "restart": restart,
            **self._wishes(),
        }
        offer = await self.pipe.call("pipe-offer", body)
        if offer.get("missing") and self._patience > 0:
            self._patience -= 1
            self._dirty = True  # it is on its way there
            await asyncio.sleep(MISSING_PAUSE_S)
        elif not offer.get("missing"):
            self._patience = MISSING_TIMES
        if offer["sdp"] is None or self._closed:
            return
        self._answer_due = True
        self._audience.apply([Send(self.username, SubscribeOffer(sdp=offer["sdp"], tracks=self._tracks(offer)))])

    def _tracks(self, offer: Any) -> dict[str, SubscribedTrack]:
        tracks = {}
        for mid, publication_id in offer["tracks"].items():
            publication = self._audience.room.publication(publication_id)
            if publication is not None:
                tracks[mid] = SubscribedTrack(
                    publication_id=publication_id,
                    user_id=publication.user_id,
                    source=publication.source,
                    kind=publication.kind,
                )
        return tracks

    async def _pass_answer(self) -> None:
        answer, self._answer = self._answer, None
        answered = await self.pipe.call("pipe-answer", {"seat": self.id, "sdp": answer})
        effects: Effects = []
        for publication_id in answered["refused"]:
            self.refused.add(publication_id)
            self.wanted.discard(publication_id)
            publication = self._audience.room.publication(publication_id)
            details = {"publication_id": publication_id, "user_id": publication.user_id if publication else None}
            error = RoomError(ErrorCode.NOT_SUPPORTED, "Your client cannot receive this track.", details=details)
            effects.append(Send(self.username, ErrorMessage(**error.body().model_dump())))
        self._audience.apply(effects)

    def _wishes(self) -> dict[str, Any]:
        wishes = {publication_id: asdict(wish) for publication_id, wish in self._preferences.wishes.items()}
        return {"mode": self._preferences.mode.value, "wishes": wishes}
