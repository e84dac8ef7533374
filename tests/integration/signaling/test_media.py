"""Media through rooms: WebSocket participants, WHIP publishers and WHEP viewers, with the real engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from signaling.options import RoomOptions
from tests.integration.signaling.conftest import House, Member, token
from tests.integration.signaling.peer import OPUS, Peer

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"


@pytest.fixture
def peers(house: House) -> Iterator[list[Peer]]:
    made = [Peer.create(house.engine.port) for _ in range(4)]
    yield made
    for peer in made:
        peer.close()


def bearer(user: str, **headers: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(user)}", **headers}


async def post(house: House, kind: str, user: str, sdp: str, query: str = "") -> httpx.Response:
    address = f"/webrtc/{kind}/demo{query}"
    return await house.http.post(address, content=sdp, headers=bearer(user, **{"Content-Type": SDP}))


async def publish(member: Member, peer: Peer) -> list[str]:
    """Publish audio by the WebSocket; the ids of the publications."""
    offer = peer.offer(direction="sendonly", kinds=("audio",))
    payload = {"transport": "publish", "sdp": offer, "tracks": {"0": {"source": "microphone"}}}
    answer = await member.say("offer", payload)
    assert answer["type"] == "answer", answer
    peer.learn(answer["payload"]["sdp"])
    await peer.connect()
    return [p["publication_id"] for p in answer["payload"]["publications"]]


async def receive(member: Member, peer: Peer) -> dict[str, dict[str, str]]:
    """Answer the next subscribe offer and connect; what its sections carry."""
    offer = (await member.next("offer"))["payload"]
    peer_answer = {"transport": "subscribe", "sdp": peer.answer(offer["sdp"])}
    assert (await member.say("answer", peer_answer))["type"] == "ack"
    await peer.connect()
    return dict(offer["tracks"])


async def flows(sender: Peer, receiver: Peer, first_seq: int = 1) -> bool:
    """Whether audio gets from one to the other."""
    sent = []
    for seq in range(first_seq, first_seq + 20):
        sent.append(await sender.send_audio(seq))
        try:
            async with asyncio.timeout(0.05):
                payload_type, payload = await receiver.receive_audio()
        except TimeoutError:
            continue
        assert payload_type == OPUS
        assert payload in sent
        return True
    return False


async def test_call_over_websockets(house: House, peers: list[Peer]) -> None:
    alice, _ = await house.join("alice")
    bob, _ = await house.join("bob")
    ids = await publish(alice, peers[0])
    tracks = await receive(bob, peers[1])
    assert [t["publication_id"] for t in tracks.values()] == ids
    assert await flows(peers[0], peers[1])
    carol, state = await house.join("carol")
    assert [p["publication_id"] for p in state["publications"]] == ids
    await receive(carol, peers[2])
    assert await flows(peers[0], peers[2], 100)


async def test_mute_at_the_server(house: House, peers: list[Peer]) -> None:
    alice, _ = await house.join("alice")
    bob, _ = await house.join("bob")
    await publish(bob, peers[0])
    await receive(alice, peers[1])
    assert await flows(peers[0], peers[1])
    await alice.say("media-control", {"user_id": "bob", "audio_enabled": False})
    assert (await bob.next("media-control"))["payload"]["audio_enabled"] is False
    assert not await flows(peers[0], peers[1], 100)
    await bob.say("media-control", {"audio_enabled": True})
    assert await flows(peers[0], peers[1], 200)


async def test_tracks_come_and_go(house: House, peers: list[Peer]) -> None:
    alice, _ = await house.join("alice")
    bob, _ = await house.join("bob")
    await publish(alice, peers[0])
    await receive(bob, peers[1])
    carol, _ = await house.join("carol")
    await publish(carol, peers[2])
    offer = (await bob.next("offer"))["payload"]
    assert {t["user_id"] for t in offer["tracks"].values()} == {"alice", "carol"}
    await bob.say("answer", {"transport": "subscribe", "sdp": peers[1].answer(offer["sdp"])})
    assert await flows(peers[0], peers[1], 50)
    await alice.socket.close()
    assert (await bob.next("track-unpublished"))["payload"]["user_id"] == "alice"
    offer = (await bob.next("offer"))["payload"]
    assert {t["user_id"] for t in offer["tracks"].values()} == {"carol"}
    await bob.say("answer", {"transport": "subscribe", "sdp": peers[1].answer(offer["sdp"])})
    assert not house.engine.stats()["counters"].get("bug")  # type: ignore[attr-defined]


async def test_whip_to_whep_and_websocket(house: House, peers: list[Peer]) -> None:
    alice, _ = await house.join("alice")
    whip = await post(house, "whip", "camera-1", peers[0].offer(direction="sendonly"))
    assert whip.status_code == 201
    assert whip.headers["content-type"] == SDP
    assert whip.headers["accept-patch"] == FRAGMENT
    peers[0].learn(whip.text)
    await peers[0].connect()
    joined = (await alice.next("user-joined"))["payload"]
    assert (joined["username"], joined["role"]) == ("camera-1", "participant")
    published = [(await alice.next("track-published"))["payload"]["publication"]["source"] for _ in range(2)]
    assert published == ["microphone", "camera"]
    whep = await post(house, "whep", "viewer", peers[1].offer(direction="recvonly"))
    assert whep.status_code == 201
    peers[1].learn(whep.text)
    await peers[1].connect()
    assert await flows(peers[0], peers[1])
    await receive(alice, peers[2])
    assert await flows(peers[0], peers[2], 100)
    names = (await house.http.get("/webrtc/rooms/demo/participants", headers=bearer("x"))).json()
    assert names["participants"] == ["alice", "camera-1"]
    gone = await house.http.delete(whep.headers["location"], headers=bearer("viewer"))
    assert gone.status_code == 200
    gone = await house.http.delete(whip.headers["location"], headers=bearer("camera-1"))
    assert gone.status_code == 200
    assert (await alice.next("user-left"))["payload"] == {"username": "camera-1", "reason": "left"}
    again = await house.http.delete(whip.headers["location"], headers=bearer("camera-1"))
    assert (again.status_code, again.json()["error_code"]) == (404, "session_not_found")


async def test_whip_patch(house: House, peers: list[Peer]) -> None:
    peer = peers[0]
    whip = await post(house, "whip", "cam", peer.offer(direction="sendonly"))
    location, tag = whip.headers["location"], whip.headers["etag"]
    peer.learn(whip.text)
    await peer.connect()

    async def patch(body: str, user: str = "cam", **headers: str) -> httpx.Response:
        return await house.http.patch(location, content=body, headers=bearer(user, **headers))

    trickle = (
        f"a=ice-ufrag:{peer.ufrag}\r\na=ice-pwd:{peer.pwd}\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
        "a=candidate:1 1 udp 2130706431 192.0.2.7 50000 typ host\r\na=end-of-candidates\r\n"
    )
    typed = {"Content-Type": FRAGMENT}
    assert (await patch(trickle, **typed, **{"If-Match": tag})).status_code == 204
    assert (await patch(trickle, **typed)).status_code == 428
    assert (await patch(trickle, **typed, **{"If-Match": '"old"'})).status_code == 412
    assert (await patch(trickle, **{"Content-Type": SDP, "If-Match": tag})).status_code == 415
    assert (await patch(trickle, user="mallory", **typed, **{"If-Match": tag})).status_code == 403
    restart = trickle.replace(peer.ufrag, "anew").replace(peer.pwd, "anewanewanewanewanewanew")
    answer = await patch(restart, **typed, **{"If-Match": "*"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == FRAGMENT
    assert answer.headers["etag"] != tag
    assert "a=ice-ufrag:" in answer.text
    assert (await patch(trickle, **typed, **{"If-Match": tag})).status_code == 412
    peer.learn(answer.text)
    await peer.client.check()


async def test_whep_refusals(house: House, peers: list[Peer]) -> None:
    offer = peers[0].offer(direction="recvonly")
    nobody = await post(house, "whep", "viewer", offer)
    assert (nobody.status_code, nobody.json()["error_code"]) == (404, "room_not_found")
    await house.join("alice")
    silent = await post(house, "whep", "viewer", offer)
    assert (silent.status_code, silent.json()["error_code"]) == (409, "invalid_state")
    assert silent.headers["retry-after"] == "2"
    whip = await post(house, "whip", "cam", peers[1].offer(direction="sendonly", kinds=("audio",)))
    assert whip.status_code == 201
    wrong_user = await post(house, "whep", "viewer", offer, "?user=nobody")
    assert (wrong_user.status_code, wrong_user.json()["error_code"]) == (404, "user_not_found")
    assert (await post(house, "whep", "viewer", offer, "?user=cam")).status_code == 201
    assert (await post(house, "whep", "viewer", offer, "?user=alice")).status_code == 409
    unfit = await post(house, "whep", "viewer", peers[2].offer(direction="recvonly", kinds=("video",)))
    assert unfit.status_code in (201, 422)
    assert (await post(house, "whep", "viewer", "v=0\r\n")).status_code == 400


async def test_same_whip_user_again_replaces(house: House, peers: list[Peer]) -> None:
    alice, _ = await house.join("alice")
    first = await post(house, "whip", "cam", peers[0].offer(direction="sendonly"))
    second = await post(house, "whip", "cam", peers[1].offer(direction="sendonly"))
    other = await post(house, "whip", "cam-2", peers[2].offer(direction="sendonly"))
    assert (first.status_code, second.status_code, other.status_code) == (201, 201, 201)
    assert (await house.http.delete(first.headers["location"], headers=bearer("cam"))).status_code == 404
    await alice.say("heartbeat")
    names = (await house.http.get("/webrtc/rooms/demo/participants", headers=bearer("x"))).json()["participants"]
    assert names == ["alice", "cam", "cam-2"]


async def test_many_viewers(house: House, peers: list[Peer]) -> None:
    whip = await post(house, "whip", "cam", peers[0].offer(direction="sendonly"))
    peers[0].learn(whip.text)
    offer = peers[1].offer(direction="recvonly")
    viewers = [await post(house, "whep", f"viewer{i}", offer) for i in range(50)]
    assert {v.status_code for v in viewers} == {201}
    assert len({v.headers["location"] for v in viewers}) == 50
    stats = (await house.http.get("/webrtc/stats", headers=bearer("x"))).json()
    assert stats["viewers"] == 50
    for i, viewer in enumerate(viewers):
        assert (await house.http.delete(viewer.headers["location"], headers=bearer(f"viewer{i}"))).status_code == 200
    assert len(house.engine.routers["demo"].transports) == 1
    await house.http.delete(whip.headers["location"], headers=bearer("cam"))
    assert house.engine.routers == {}
    assert house.hub.rooms == {}


class TestUnconnected:
    @pytest.fixture
    def rooms(self) -> RoomOptions:
        return RoomOptions(ingest_timeout_s=0.5)

    async def test_publisher_that_never_connects_is_ended(self, house: House, peers: list[Peer]) -> None:
        alice, _ = await house.join("alice")
        await post(house, "whip", "cam", peers[0].offer(direction="sendonly"))
        assert (await alice.next("user-left"))["payload"] == {"username": "cam", "reason": "media_failed"}


@pytest.fixture(autouse=True)
async def no_bugs(house: House) -> AsyncIterator[None]:
    yield
    counters = house.engine.stats()["counters"]
    assert isinstance(counters, dict)
    assert not counters.get("bug"), counters
