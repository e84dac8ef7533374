"""Roles, moderation, the waiting room and raised hands, over REST and real sockets, with state in a real Redis."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import httpx
import pytest

from signaling.model import RoomSettings
from signaling.options import RoomOptions
from tests.integration.signaling.conftest import House, Member, running, token
from tests.integration.signaling.test_rest import refusal
from tests.integration.signaling.test_websocket import until

ROOM = "/webrtc/rooms/demo"


def bearer(user: str, **claims: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(user, **claims)}"}


async def call(house: House, user: str, method: str, path: str, body: Any = None, **claims: str) -> httpx.Response:
    return await house.http.request(method, ROOM + path, json=body, headers=bearer(user, **claims))


async def test_roles_and_permissions(house: House) -> None:
    host, _ = await house.join("host")
    bob, _ = await house.join("bob")
    answer = await call(house, "host", "POST", "/roles/bob", {"role": "moderator"})
    assert (answer.status_code, answer.json()) == (
        200,
        {"user_id": "bob", "role": "moderator", "updated_by": "host"},
    )
    assert (await bob.next("role-updated"))["payload"] == answer.json()
    assert (await host.next("role-updated"))["sender"] == "host"
    answer = await call(house, "bob", "GET", "/roles/bob")
    assert answer.json() == {"room_id": "demo", "user_id": "bob", "role": "moderator", "present": True}
    assert refusal(await call(house, "bob", "POST", "/roles/host", {"role": "guest"})) == (403, "permission_denied")
    assert refusal(await call(house, "host", "POST", "/roles/x", {"role": "guest"})) == (404, "user_not_found")
    assert refusal(await call(house, "host", "GET", "/roles/x")) == (404, "user_not_found")
    assert refusal(await call(house, "host", "POST", "/roles/bob", {"role": "king"})) == (400, "invalid_message")
    answer = await call(house, "host", "POST", "/permissions/bob", {"can_record": False})
    assert answer.json()["permissions"]["can_record"] is False
    assert (await call(house, "bob", "GET", "/permissions/bob")).json()["permissions"] == answer.json()["permissions"]
    for wrong in ({}, {"can_fly": True}, {"can_record": 7}, [], None):
        assert refusal(await call(house, "host", "POST", "/permissions/bob", wrong)) == (400, "invalid_message")
    key = "plenum:{demo}:"

    async def written() -> bool:
        return bool(await house.redis.hget(f"{key}overrides", "bob") == '{"can_record": false}')

    await until(written)
    assert await house.redis.hget(f"{key}roles", "bob") == "moderator"
    for name in ("roles", "permissions", "overrides"):
        assert 3_590 < await house.redis.ttl(key + name) <= 3_600
    await bob.socket.close()
    await host.next("user-left")
    answer = await call(house, "host", "GET", "/roles/bob")
    assert answer.json()["present"] is False


async def test_hosts_by_token_act_from_outside(house: House) -> None:
    alice, _ = await house.join("alice")
    assert refusal(await call(house, "x", "POST", "/settings", {"lock_room": True})) == (403, "permission_denied")
    answer = await call(house, "backend", "POST", "/settings", {"lock_room": True}, role="host")
    assert (answer.status_code, answer.json()["updated_by"]) == (200, "backend")
    assert (await alice.next("room-settings-update"))["payload"]["lock_room"] is True
    for path, body in (
        ("/hand-raise", {"raised": True}),
        ("/participants/backend/info", {"display_name": "B"}),
        ("/participants/backend/media", {"audio_enabled": False}),
    ):
        assert refusal(await call(house, "backend", "POST", path, body, role="host"))[0] in (404, 409), path
    assert refusal(await call(house, "x", "GET", "/settings")) == (423, "room_locked")
    answer = await call(house, "backend", "POST", "/participants/alice/kick", role="host")
    assert (answer.status_code, answer.json()) == (200, {"room_id": "demo", "user_id": "alice"})
    assert await alice.closed() == (4410, "kicked")


async def test_settings(house: House) -> None:
    await house.join("host")
    settings = (await call(house, "host", "GET", "/settings")).json()
    assert settings == RoomSettings().model_dump()
    await call(house, "host", "POST", "/settings", {"mute_on_entry": True, "max_participants": 5})
    for wrong in ({}, {"max_participants": 0}, {"nothing": 1}, {"lock_room": "very"}):
        assert refusal(await call(house, "host", "POST", "/settings", wrong)) == (400, "invalid_message")

    async def written() -> bool:
        text = await house.redis.get("plenum:{demo}:settings")
        return text is not None and json.loads(text)["max_participants"] == 5

    await until(written)
    assert 86_390 < await house.redis.ttl("plenum:{demo}:settings") <= 86_400


async def test_moderation(house: House) -> None:
    _host, _ = await house.join("host")
    bob, _ = await house.join("bob")
    eve, _ = await house.join("eve")
    answer = await call(house, "host", "POST", "/participants/bob/media", {"audio_enabled": False})
    assert answer.json()["audio_enabled"] is False
    assert (await bob.next("media-control"))["payload"]["user_id"] == "bob"
    answer = await call(house, "host", "POST", "/participants/bob/unmute-request", {"video": True})
    assert answer.status_code == 200
    assert (await bob.next("unmute-request"))["payload"]["video"] is True
    answer = await call(house, "bob", "POST", "/participants/bob/info", {"display_name": "Robert"})
    assert answer.json()["display_name"] == "Robert"
    assert (await eve.next("participant-update"))["payload"]["display_name"] == "Robert"
    for path in ("/participants/host/kick", "/bans/host", "/participants/eve/unmute-request"):
        assert refusal(await call(house, "bob", "POST", path, {})) == (403, "permission_denied"), path
    answer = await call(house, "host", "POST", "/bans/eve", {"reason": "noise"})
    assert (answer.json()["user_id"], answer.json()["reason"]) == ("eve", "noise")
    assert (await eve.next("kick"))["payload"]["banned"] is True
    assert await eve.closed() == (4403, "banned")
    late = await house.dial("demo", f"?token={token('eve')}")
    error = (await late.next("error"))["payload"]
    assert (error["error_code"], error["details"]["banned"]) == ("permission_denied", True)
    assert await late.closed() == (4403, "permission_denied")
    assert refusal(await call(house, "eve", "GET", "/settings")) == (403, "permission_denied")
    assert [b["user_id"] for b in (await call(house, "host", "GET", "/bans")).json()["bans"]] == ["eve"]
    assert refusal(await call(house, "bob", "GET", "/bans")) == (403, "permission_denied")
    assert (await call(house, "host", "DELETE", "/bans/eve")).json() == {"bans": []}
    assert refusal(await call(house, "host", "DELETE", "/bans/eve")) == (404, "user_not_found")
    await house.join("eve")


class TestWaiting:
    @pytest.fixture
    def rooms(self) -> RoomOptions:
        return RoomOptions(settings=RoomSettings(enable_waiting_room=True), session_timeout_s=1.0)

    async def wait(self, house: House, user: str) -> Member:
        member = await house.dial("demo", f"?token={token(user)}")
        assert (await member.next())["type"] == "waiting-room-join"
        return member

    async def test_over_rest(self, house: House) -> None:
        host, _ = await house.join("host")
        bob, carol, dave = [await self.wait(house, user) for user in ("bob", "carol", "dave")]
        assert refusal(await call(house, "bob", "GET", "/participants")) == (403, "waiting_for_approval")
        assert refusal(await call(house, "bob", "GET", "/waiting-room")) == (403, "waiting_for_approval")
        assert refusal(await call(house, "bob", "POST", "/waiting-room/bob/admit")) == (403, "waiting_for_approval")
        listed = (await call(house, "host", "GET", "/waiting-room")).json()
        assert [(w["user_id"], w["position"]) for w in listed["waiting"]] == [("bob", 1), ("carol", 2), ("dave", 3)]
        answer = await call(house, "host", "POST", "/waiting-room/bob/admit")
        assert answer.json()["admitted"] == ["bob"]
        assert (await bob.next("room-state"))["payload"]["user_id"] == "bob"
        assert (await bob.say("chat-message", {"message": "hi"}))["type"] == "chat-message"
        assert (await host.next("chat-message"))["sender"] == "bob"
        assert refusal(await call(house, "bob", "POST", "/waiting-room/admit", {"all": True}))[0] == 403
        answer = await call(house, "host", "POST", "/waiting-room/carol/reject", {"reason": "later"})
        assert answer.json()["rejected"] == ["carol"]
        assert await carol.closed() == (4403, "rejected")
        answer = await call(house, "host", "POST", "/waiting-room/admit", {"user_ids": ["dave", "x"]})
        assert (answer.json()["admitted"], answer.json()["not_found"]) == (["dave"], ["x"])
        await dave.next("room-state")
        for wrong in ({}, {"user_ids": ["a"], "all": True}, {"user_ids": 5}):
            assert refusal(await call(house, "host", "POST", "/waiting-room/admit", wrong))[0] == 400
        assert refusal(await call(house, "host", "POST", "/waiting-room/x/admit")) == (404, "user_not_found")
        answer = await call(house, "host", "POST", "/waiting-room/reject", {"all": True})
        assert answer.json()["rejected"] == []

    async def test_silence_and_leaving(self, house: House) -> None:
        host, _ = await house.join("host")
        bob, carol = await self.wait(house, "bob"), await self.wait(house, "carol")
        await carol.socket.close()
        left = (await host.next("waiting-room-left"))["payload"]
        assert left == {"user_id": "carol", "reason": "left"}
        silent = asyncio.create_task(bob.closed())
        async with asyncio.timeout(5):
            while not silent.done():
                await host.say("heartbeat")
                await asyncio.sleep(0.05)
        assert silent.result() == (4408, "timeout")
        assert len(house.hub.rooms["demo"].room.waiting) == 0

    async def test_whip_and_whep_keep_to_the_door(self, house: House) -> None:
        await house.join("host")
        for way in ("whip", "whep"):
            answer = await house.http.post(
                f"/webrtc/{way}/demo", content="v=0\r\n", headers=bearer("tv") | {"Content-Type": "application/sdp"}
            )
            assert answer.status_code in (400, 403), way
            if way == "whep":
                assert refusal(answer) == (403, "waiting_for_approval")


async def test_state_outlives_a_restart(redis_server: Any) -> None:
    rooms = RoomOptions(settings=RoomSettings(enable_waiting_room=True))
    async with running(redis_server.url, rooms) as house:
        host, _ = await house.join("host")
        for user in ("first", "second"):
            waiting = await house.dial("demo", f"?token={token(user)}")
            await waiting.next("waiting-room-join")
        await host.say("ban", {"user_id": "eve"})
        await house.hub.close()
    async with running(redis_server.url, rooms) as house:
        await house.join("host")
        for user, position in (("third", 1), ("second", 1), ("first", 1)):
            waiting = await house.dial("demo", f"?token={token(user)}")
            assert (await waiting.next("waiting-room-join"))["payload"]["position"] == position
        eve = await house.dial("demo", f"?token={token('eve')}")
        assert (await eve.closed())[1] == "permission_denied"


async def test_the_next_life_of_a_room_knows_nothing(house: House) -> None:
    host, _ = await house.join("host")
    await host.say("ban", {"user_id": "eve"})
    await host.say("hand-raise", {"raised": True})
    await host.say("leave")
    with contextlib.suppress(Exception):
        await host.closed()

    async def gone() -> bool:
        return not await house.redis.keys("plenum:{demo}:bans") and "demo" not in house.hub.rooms

    await until(gone)
    _, state = await house.join("eve")
    assert (state["role"], state["hand_raise_queue"]) == ("host", [])


async def test_hands_are_limited(house: House) -> None:
    alice, _ = await house.join("alice")
    for i in range(5):
        assert (await alice.say("hand-raise", {"raised": True}))["type"] == "hand-raise-queue"
        if i < 4:
            answer = await call(house, "alice", "POST", "/hand-raise", {"raised": False})
            assert answer.json() == {"queue": []}
    answer = await call(house, "alice", "POST", "/hand-raise", {"raised": True})
    assert refusal(answer) == (429, "rate_limited")
    assert answer.headers["ratelimit-limit"] == "5"
    assert answer.headers["ratelimit-remaining"] == "0"
    assert int(answer.headers["retry-after"]) == int(answer.headers["ratelimit-reset"]) > 50
    assert (await alice.say("hand-raise", {"raised": True}))["payload"]["error_code"] == "rate_limited"
    queue = (await call(house, "alice", "GET", "/hand-raise/queue")).json()["queue"]
    assert [(entry["user_id"], entry["position"]) for entry in queue] == [("alice", 1)]
    assert (await alice.say("hand-raise", {"raised": False}))["payload"] == {"queue": []}
