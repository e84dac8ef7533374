"""Breakout rooms over real sockets, with the real engine and a real Redis: nothing of one reaches another."""

from __future__ import annotations

import asyncio
import itertools
import json
import struct
import time
from collections.abc import Iterator
from typing import Any

import pytest

from scripts.embedded_redis import EmbeddedRedis
from signaling.options import RoomOptions
from tests.integration.signaling.conftest import House, Member, running, token
from tests.integration.signaling.peer import AUDIO_SSRC, OPUS, Peer
from tests.integration.signaling.test_media import receive
from tests.integration.signaling.test_people import call
from tests.integration.signaling.test_rest import refusal
from tests.integration.signaling.test_websocket import until

SEQUENCE = itertools.count(1)
LEVEL = "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"


@pytest.fixture
def peers(house: House) -> Iterator[list[Peer]]:
    made = [Peer.create(house.engine.port) for _ in range(6)]
    yield made
    for peer in made:
        peer.close()


async def publish(member: Member, peer: Peer) -> str:
    """Publish a microphone that tells its level; the id of the publication."""
    offer = peer.offer(direction="sendonly", kinds=("audio",)).replace("a=sendonly\r\n", f"a=sendonly\r\n{LEVEL}")
    payload = {"transport": "publish", "sdp": offer, "tracks": {"0": {"source": "microphone"}}}
    answer = await member.say("offer", payload)
    assert answer["type"] == "answer", answer
    peer.learn(answer["payload"]["sdp"])
    await peer.connect()
    return str(answer["payload"]["publications"][0]["publication_id"])


async def flows(sender: Peer, receiver: Peer) -> bool:
    """Whether what is sent from now on gets from one to the other."""
    sent = set()
    for _ in range(20):
        sent.add(await sender.send_audio(next(SEQUENCE)))
        try:
            async with asyncio.timeout(0.05):
                while (await receiver.receive_audio())[1] not in sent:
                    pass  # of before
        except TimeoutError:
            continue
        return True
    return False


async def speak(peer: Peer, seconds: float) -> None:
    """Send 20 ms packets of changing loudness."""
    for seq in (next(SEQUENCE) for _ in range(round(seconds / 0.02))):
        header = struct.pack("!BBHII", 0x90, OPUS, seq & 0xFFFF, seq * 960, AUDIO_SSRC)
        level = 25 + seq % 7
        await peer.client.send_rtp(header + struct.pack("!HHBBxx", 0xBEDE, 1, 0x10, 0x80 | level) + b"opus")
        await asyncio.sleep(0.02)


async def answer_offer(member: Member, peer: Peer) -> set[str]:
    """Answer the next offer on a transport that is connected already; whose tracks it carries."""
    offer = (await member.next("offer"))["payload"]
    await member.say("answer", {"transport": "subscribe", "sdp": peer.answer(offer["sdp"])})
    return {track["user_id"] for track in offer["tracks"].values()}


async def heard_meanwhile(member: Member) -> list[dict[str, Any]]:
    """All that has come so far."""
    found: list[dict[str, Any]] = []
    await member.socket.send(json.dumps({"type": "heartbeat", "payload": {}, "id": "so far"}))
    async with asyncio.timeout(5):
        while True:
            message = json.loads(await member.socket.recv())
            if message.get("reply_to") == "so far":
                return found
            if message["type"] != "quality-update":  # of everybody, wherever it is
                found.append(message)


async def make(host: Member, *groups: list[str], **payload: Any) -> list[str]:
    """Make a breakout room for each group of people; their ids."""
    reply = await host.say("breakout-room-create", {"count": len(groups), **payload})
    ids: list[str] = reply["payload"]["created_ids"]
    for breakout_room_id, people in zip(ids, groups, strict=True):
        moved = {"breakout_room_id": breakout_room_id, "participant_ids": people}
        assert (await host.say("breakout-room-assign", moved))["type"] == "breakout-room-assign"
    return ids


async def test_nothing_of_one_reaches_another(house: House, peers: list[Peer]) -> None:
    (host, _), (ann, _), (bob, _), (cleo, _) = [await house.join(name) for name in ("host", "ann", "bob", "cleo")]
    ann_mic = await publish(ann, peers[0])
    subscribers = dict(zip((host, bob, cleo), peers[1:4], strict=True))
    for member, peer in subscribers.items():
        await receive(member, peer)
        assert await flows(peers[0], peer)
    red, blue = await make(host, ["ann", "bob"], ["cleo"])

    # Media: at once, before anybody has answered anything.
    assert not await flows(peers[0], subscribers[host])
    assert not await flows(peers[0], subscribers[cleo])
    assert await flows(peers[0], subscribers[bob])
    transports = house.engine.routers["demo"].transports.values()
    consumers = {t.owner: [c.producer.id for c in t.sending.consumers.values()] for t in transports}
    assert (consumers["host"], consumers["cleo"], consumers["bob"]) == ([], [], [ann_mic])
    assert await answer_offer(cleo, subscribers[cleo]) == set()

    # What is published in one is neither told nor offered in another.
    await publish(cleo, peers[4])
    for member in (host, ann, bob, cleo):
        await heard_meanwhile(member)
    await speak(peers[0], 2.0)
    await ann.say("chat-message", {"message": "only in red"})
    await ann.say("media-control", {"video_enabled": False})
    in_red, elsewhere = await heard_meanwhile(bob), [await heard_meanwhile(host), await heard_meanwhile(cleo)]
    speakers = [m["payload"] for m in in_red if m["type"] == "active-speakers"]
    assert speakers[-1]["dominant"] == "ann"
    assert {m["type"] for m in in_red} == {"active-speakers", "chat-message", "media-control"}
    assert elsewhere == [[], []]

    # The host speaks to all.
    await host.say("chat-message", {"message": "to all", "to_all_rooms": True})
    for member in (ann, bob, cleo):
        assert (await member.next("chat-message"))["payload"]["to_all_rooms"] is True

    closed = (await host.say("breakout-room-close", {"all": True}))["payload"]
    assert (closed["participant_ids"], closed["breakout_rooms"]) == (["ann", "bob", "cleo"], [])
    assert await answer_offer(bob, subscribers[bob]) == {"ann", "cleo"}
    assert await answer_offer(cleo, subscribers[cleo]) == {"ann"}
    assert await flows(peers[0], subscribers[cleo])
    assert await flows(peers[0], subscribers[bob])
    assert house.engine.routers["demo"].groups.of("ann") is None
    assert red != blue


async def test_a_viewer_of_the_main_room_sees_nothing_of_a_breakout_room(house: House, peers: list[Peer]) -> None:
    host, _ = await house.join("host")
    ann, _ = await house.join("ann")
    await publish(ann, peers[0])
    headers = {"Content-Type": "application/sdp"}

    async def play(peer: Peer) -> Any:
        offer = peer.offer(direction="recvonly", kinds=("audio",))
        from_viewer = {**headers, "Authorization": f"Bearer {token('viewer')}"}
        return await house.http.post("/webrtc/whep/demo", content=offer, headers=from_viewer)

    answer = await play(peers[1])
    peers[1].learn(answer.text)
    await peers[1].connect()
    assert await flows(peers[0], peers[1])
    await make(host, ["ann"])
    assert not await flows(peers[0], peers[1])
    assert refusal(await play(peers[2])) == (409, "invalid_state")
    await host.say("breakout-room-close", {"all": True})
    assert await flows(peers[0], peers[1])


async def test_over_rest(house: House) -> None:
    await house.join("host")
    ann, _ = await house.join("ann")
    made = await call(house, "host", "POST", "/breakout-rooms", {"name": "Red", "max_participants": 1})
    assert made.status_code == 200
    red = made.json()["breakout_room_id"]
    assert (await ann.next("breakout-room-create"))["payload"] == made.json()
    moved = await call(house, "host", "POST", f"/breakout-rooms/{red}/assign/ann")
    assert (moved.status_code, moved.json()["assignments"]) == (200, {"ann": red})
    assert (await ann.next("breakout-room-area"))["payload"]["breakout_room_id"] == red
    await house.join("bob")
    assert refusal(await call(house, "host", "POST", f"/breakout-rooms/{red}/assign/bob")) == (409, "room_full")
    assert refusal(await call(house, "host", "POST", "/breakout-rooms/x/assign/bob")) == (404, "room_not_found")
    assert refusal(await call(house, "host", "POST", f"/breakout-rooms/{red}/assign/x")) == (404, "user_not_found")
    assert refusal(await call(house, "bob", "POST", "/breakout-rooms", {})) == (403, "permission_denied")
    wrong: Any
    for wrong in ({"count": 0}, {"name": 7}, {"participant_ids": "ann"}, [], {"duration_s": 1e9}):
        assert refusal(await call(house, "host", "POST", "/breakout-rooms", wrong)) == (400, "invalid_message")
    listed = (await call(house, "ann", "GET", "/breakout-rooms")).json()
    assert (listed["count"], listed["breakout_rooms"][0]["participant_ids"]) == (1, ["ann"])
    house.hub.rooms["demo"].room.participants["ann"].is_speaking = True
    for reader, heard in (("ann", True), ("host", False)):
        people = (await call(house, reader, "GET", "/participants/enhanced")).json()["participants"]
        assert {p["username"]: (p["is_speaking"], p["breakout_room_id"]) for p in people}["ann"] == (heard, red)
    back = {"breakout_room_id": None, "participant_ids": ["ann"]}
    assert (await call(house, "host", "POST", "/breakout-rooms/assign", back)).json()["assignments"] == {"ann": None}
    closed = await call(house, "host", "DELETE", f"/breakout-rooms/{red}")
    assert (closed.status_code, closed.json()["closed_ids"]) == (200, [red])
    assert refusal(await call(house, "host", "DELETE", f"/breakout-rooms/{red}")) == (404, "room_not_found")
    assert (await call(house, "host", "DELETE", "/breakout-rooms")).json()["closed_ids"] == []


class TestTimer:
    @pytest.fixture
    def rooms(self) -> RoomOptions:
        return RoomOptions(breakout_notice_s=0.5)

    async def test_notice_then_end(self, house: House) -> None:
        host, _ = await house.join("host")
        ann, _ = await house.join("ann")
        bob, _ = await house.join("bob")
        began = time.monotonic()
        await make(host, ["ann"], duration_s=1)
        notice = (await ann.next("breakout-room-closing"))["payload"]
        assert 0.4 < time.monotonic() - began < 0.9
        assert notice["remaining_s"] == 1
        closed = (await ann.next("breakout-room-close"))["payload"]
        assert 0.9 < time.monotonic() - began < 1.6
        assert (closed["closed_by"], closed["participant_ids"]) == (None, ["ann"])
        assert (await ann.next("breakout-room-area"))["payload"]["breakout_room_id"] is None
        assert "breakout-room-closing" in {m["type"] for m in await heard_meanwhile(host)}
        assert "breakout-room-closing" not in {m["type"] for m in await heard_meanwhile(bob)}


async def test_who_reconnects_is_where_it_was(house: House) -> None:
    host, _ = await house.join("host")
    ann, _ = await house.join("ann")
    (red,) = await make(host, ["ann"])
    await ann.say("leave")
    await host.next("user-left")
    again, state = await house.join("ann")
    assert state["breakout_room_id"] == red
    assert state["breakout_rooms"][0]["participant_ids"] == ["ann"]
    assert (await host.next("user-joined"))["payload"]["breakout_room_id"] == red
    session_id = state["session_id"]
    again.socket.transport.abort()
    await host.say("breakout-room-assign", {"participant_ids": ["ann"]})
    resumed = await house.dial("demo", f"?token={token('ann')}&session_id={session_id}&last_seq=1")
    assert (await resumed.next("breakout-room-area"))["payload"]["breakout_room_id"] is None


async def test_a_restart_of_the_server_forgets_nothing(redis_server: EmbeddedRedis) -> None:
    rooms = RoomOptions(breakout_notice_s=0.1)
    async with running(redis_server.url, rooms) as house:
        host, _ = await house.join("host")
        await house.join("ann")
        (red,) = await make(host, ["ann"], name="Red", duration_s=4)
        await house.hub.close()
    async with running(redis_server.url, rooms) as house:
        ann, state = await house.join("ann")
        assert (state["breakout_room_id"], state["breakout_rooms"][0]["name"]) == (red, "Red")
        assert (await ann.next("breakout-room-close"))["payload"]["closed_ids"] == [red]
        await ann.socket.close()

        async def gone() -> bool:
            return not await house.redis.exists("plenum:{demo}:breakouts", "plenum:{demo}:breakout-places")

        await until(gone)
