"""A room's audience over several shards: those whom the owner has no place for receive from others, by one copy."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest

from scripts.embedded_redis import EmbeddedRedis
from sfu.pipes.transport import OutgoingPipe
from tests.integration.io.client import UdpWire
from tests.integration.shards.service import Member, Service, service, token
from tests.integration.signaling.peer import OPUS, Peer

PORT = re.compile(r"a=candidate:\S+ 1 udp \d+ 127\.0\.0\.1 (\d+) typ host", re.IGNORECASE)


@pytest.fixture
async def house(redis_server: EmbeddedRedis) -> AsyncIterator[Service]:
    """The owner of rooms takes one subscriber, the others three each; only the first is in the region of its door."""
    async with service(redis_server.url) as house:
        await house.start("near", max_subscribers=1, region="a")
        await house.start("far", max_subscribers=3, region="b")
        await house.start("farther", max_subscribers=3, region="b")
        yield house


class Party:
    """Members with their media."""

    def __init__(self, house: Service) -> None:
        self.house = house
        self.peers: list[Peer] = []

    async def publisher(self, user: str) -> tuple[Member, Peer]:
        member = await self.house.join("near", "demo", user)
        peer = self._peer(self.house.shards["near"].media_port)
        offer = {"transport": "publish", "sdp": peer.offer(direction="sendonly", kinds=("audio",)), "tracks": {}}
        answer = await member.say("offer", offer)
        peer.learn(answer["payload"]["sdp"])
        await peer.connect()
        return member, peer

    async def subscriber(self, user: str, door: str = "far") -> tuple[Member, Peer, str]:
        """By any door; and the shard that its media comes from."""
        member = await self.house.join(door, "demo", user)
        return member, *await self.receive(member)

    async def receive(self, member: Member) -> tuple[Peer, str]:
        offer = (await member.next("offer"))["payload"]
        found = PORT.search(offer["sdp"])
        assert found is not None, offer["sdp"]
        peer = self._peer(int(found[1]))
        answered = await member.say("answer", {"transport": "subscribe", "sdp": peer.answer(offer["sdp"])})
        assert answered["type"] == "ack"
        await peer.connect()
        assert {track["user_id"] for track in offer["tracks"].values()} == {"ann"}
        return peer, next(name for name, shard in self.house.shards.items() if shard.media_port == int(found[1]))

    def _peer(self, port: int) -> Peer:
        self.peers.append(Peer.create(port))
        return self.peers[-1]

    def close(self) -> None:
        for peer in self.peers:
            peer.close()


@pytest.fixture
def party(house: Service) -> Iterator[Party]:
    made = Party(house)
    yield made
    made.close()


async def heard(sender: Peer, receivers: list[Peer], first: int) -> int:
    """Until all hear what is sent; how many packets that took."""
    deaf = list(receivers)
    for count in range(1, 60):
        await sender.send_audio(first + count)
        for receiver in list(deaf):
            try:
                async with asyncio.timeout(0.05):
                    assert (await receiver.receive_audio())[0] == OPUS
                    deaf.remove(receiver)
            except TimeoutError:
                continue
        if not deaf:
            return count
    raise AssertionError(f"{len(deaf)} of {len(receivers)} hear nothing")


def pipes(house: Service) -> list[OutgoingPipe]:
    return [pipe for pipe in house.hub("near").engine.pipes if isinstance(pipe, OutgoingPipe)]


async def test_an_audience_over_three_shards(house: Service, party: Party) -> None:
    _, voice = await party.publisher("ann")
    assert house.owner_of("demo") == "near"
    audience = [await party.subscriber(f"user{number}", ("far", "near")[number % 2]) for number in range(6)]
    places = [place for _, _, place in audience]
    assert places[0] == "near" and sorted(Counter(places[1:]).values()) == [2, 3], places
    assert set(places[1:]) == {"far", "farther"}
    await heard(voice, [peer for _, peer, _ in audience], 0)
    before = {pipe.wire.port: pipe.wire.packets_sent for pipe in pipes(house)}
    assert len(before) == 2
    for number in range(20):
        await voice.send_audio(1_000 + number)
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.3)
    assert [pipe.wire.packets_sent - before[pipe.wire.port] for pipe in pipes(house)] == [20, 20], "one copy to each"


async def test_who_loses_its_far_shard_comes_back_elsewhere(house: Service, party: Party) -> None:
    _, voice = await party.publisher("ann")
    await party.subscriber("first")
    bob, ear, place = await party.subscriber("bob", "near")
    assert place in ("far", "farther")
    await heard(voice, [ear], 0)
    gone = house.shards.pop(place)
    await gone.close()
    await bob.next("room-moved", timeout_s=15)
    door = next(name for name in house.shards if name != "near")
    again = await house.join(door, "demo", "bob", after=bob)
    assert again.state["continued"] is True
    ear, place = await party.receive(again)
    assert place != "near" and place in house.shards
    await heard(voice, [ear], 100)


async def test_whep_viewers_receive_from_other_shards_too(house: Service, party: Party) -> None:
    _, voice = await party.publisher("ann")
    await party.subscriber("first")
    headers = {"Authorization": f"Bearer {token('viewer')}"}
    viewers: list[tuple[Peer, str, httpx.Response]] = []
    ports: list[int] = []
    for door in ("near", "far", "farther"):
        peer = party._peer(9)
        offer = peer.offer(direction="recvonly", kinds=("audio",))
        sdp = {**headers, "Content-Type": "application/sdp"}
        answer = await house.http.post(house.url(door, "/webrtc/whep/demo"), content=offer, headers=sdp)
        assert answer.status_code == 201, answer.text
        found = PORT.search(answer.text)
        assert found is not None
        peer.client.wire.close()
        peer.client.wire = UdpWire("127.0.0.1", int(found[1]))
        ports.append(int(found[1]))
        peer.learn(answer.text)
        await peer.connect()
        viewers.append((peer, door, answer))
    assert house.shards["near"].media_port not in ports
    await heard(voice, [peer for peer, _, _ in viewers], 0)
    await eventually(lambda: len(house.hub("near").rooms["demo"].viewers) == 3)

    peer, door, answer = viewers[0]
    at = house.url(door, answer.headers["location"])
    fragment = {**headers, "Content-Type": "application/trickle-ice-sdpfrag"}
    trickle = f"a=ice-ufrag:{peer.ufrag}\r\na=ice-pwd:{peer.pwd}\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
    held = {**fragment, "If-Match": answer.headers["etag"]}
    assert (await house.http.patch(at, content=trickle, headers=held)).status_code == 204
    anew = trickle.replace(peer.ufrag, "anew").replace(peer.pwd, "p" * 24)
    restarted = await house.http.patch(at, content=anew, headers={**fragment, "If-Match": "*"})
    assert restarted.status_code == 200 and restarted.headers["etag"] != answer.headers["etag"]
    wrong = await house.http.patch(at, content="nonsense", headers={**fragment, "If-Match": "*"})
    assert wrong.status_code == 400
    assert (await house.http.delete(at, headers=headers)).status_code == 200
    assert (await house.http.delete(at, headers=headers)).status_code == 404
    assert len(house.hub("near").rooms["demo"].viewers) == 2

    place = next(name for name, shard in house.shards.items() if shard.media_port == ports[1])
    await house.shards.pop(place).close()
    at = house.url("near", viewers[1][2].headers["location"])

    async with asyncio.timeout(10):
        while (await house.http.delete(at, headers=headers)).status_code != 404:  # noqa: ASYNC110 - polled
            await asyncio.sleep(0.1)


async def eventually(is_so: Callable[[], bool], timeout_s: float = 10) -> None:
    async with asyncio.timeout(timeout_s):
        while not is_so():  # noqa: ASYNC110 - polled
            await asyncio.sleep(0.02)
