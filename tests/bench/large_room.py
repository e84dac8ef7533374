"""One large room into which one comes after the other, parts, and goes: how long packets wait for each of it.

    python -m tests.bench.large_room [--people 50]

Everybody sends sound and picture and receives all others. The room is the server's own, negotiated with real
descriptions; only the wire is left out. While one of these is done no packet goes on.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from statistics import median
from typing import Any

from scripts.load.descriptions import answer, offer
from sfu.sdp.parse import parse_sdp
from sfu.sdp.write import write_sdp
from signaling import effects as fx
from signaling.envelope import Frame
from signaling.hub import Hub
from signaling.live_room import LiveRoom
from signaling.session import Session
from signaling.tokens import Identity
from tests.bench.held_server import LOCAL, Client, judge, serving

TARGET_MS = 20.0
"""One packet of sound: less than any client holds back against jitter."""
TRACKS = {"0": {"source": "microphone"}, "1": {"source": "camera"}}


class Meeting:
    """The room, and how long each kind of call took."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.members: list[tuple[Session, Client]] = []
        self.took_ms: dict[str, list[float]] = defaultdict(list)
        self.live: LiveRoom
        self._answers = 0
        turns = hub.around.offers
        make_next = turns._serve
        turns._serve = lambda live: self.timed("offer", lambda: make_next(live))  # type: ignore[method-assign]

    def timed(self, name: str, call: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        done = call()
        self.took_ms[name].append((time.perf_counter() - began) * 1000)
        return done

    async def come(self, place: int) -> None:
        """One joins and publishes; all answer what they are offered, until nobody is offered anything."""
        client = Client()
        session = self.hub.new_session(f"user{place}", client)
        began = time.perf_counter()
        self.live = await self.hub.join("large", Identity(session.username, session.username), session)
        self.took_ms["join"].append((time.perf_counter() - began) * 1000)
        sdp = write_sdp(offer(LOCAL, {"audio": 10_000 + place, "video": 20_000 + place}))
        frame = Frame("offer", {"transport": "publish", "sdp": sdp, "tracks": TRACKS}, "1")
        self.timed("publish", lambda: self.live.receive(session, frame))
        self.members.append((session, client))
        await self.answer_all()

    async def go(self) -> None:
        """The last who came leaves."""
        session, _ = self.members.pop()
        self.timed("leave", lambda: self.live.leave(session.username, session.session_id, "left"))
        await self.answer_all()

    async def part(self, group: str | None) -> None:
        """Every second goes to a breakout room, or all come back."""
        names = [session.username for session, _ in self.members[::2]]
        for name in names:
            self.live.room.participants[name].breakout_room_id = group
        places = dict.fromkeys(names, group)
        self.timed("breakout", lambda: self.live.apply([fx.MoveMedia(places)]))
        await self.answer_all()

    async def answer_all(self) -> None:
        for _ in range(3):
            for _ in range(2 * len(self.members)):  # offers are made some in a turn
                await asyncio.sleep(0)
            for session, client in self.members:
                waiting, client.offers = client.offers, []
                for sdp in waiting:
                    self._answers += 1
                    ours = write_sdp(answer(parse_sdp(sdp), LOCAL, self._answers, feedback=True))
                    frame = Frame("answer", {"transport": "subscribe", "sdp": ours}, None)
                    await asyncio.sleep(0)  # the client's own work is not the server's
                    self.timed("answer", lambda frame=frame, session=session: self.live.receive(session, frame))
                    await asyncio.sleep(0)


async def measure(people: int) -> bool:
    """Print the figures; whether the target is met."""
    async with serving() as (_, hub):
        meeting = Meeting(hub)
        for place in range(people):
            await meeting.come(place)
        received = [len(t.sending.consumers) for t in meeting.live.router.transports.values()]
        print(f"{people} people in one room, who receive {sum(received)} tracks; of the last ten:")
        for _ in range(10):
            await meeting.go()
        for group in ("blue", None):
            await meeting.part(group)
        worst = 0.0
        for kind, took_ms in meeting.took_ms.items():
            last = took_ms[-10 * (people if kind in ("answer", "offer") else 1) :]
            worst = max(worst, median(last))
            print(f"{kind:8} {median(last):6.2f} ms median, {max(last):6.2f} ms at worst")
        return worst < TARGET_MS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=50)
    arguments = parser.parse_args()
    judge(measure(arguments.people))


if __name__ == "__main__":
    main()
