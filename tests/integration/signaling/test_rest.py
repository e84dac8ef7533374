"""REST and the page, over real sockets."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from scripts.embedded_redis import EmbeddedRedis
from signaling.invites import create_invite
from signaling.options import IceServer, RoomOptions
from tests.integration.signaling.conftest import SECRET, House, running, token


def bearer(user: str = "alice", *, room: str | None = None) -> dict[str, str]:
    claims: dict[str, Any] = {} if room is None else {"room": room}
    return {"Authorization": f"Bearer {token(user, **claims)}"}


def refusal(answer: httpx.Response) -> tuple[int, str]:
    assert set(answer.json()) == {"error_code", "message", "details", "retry_after"}
    return answer.status_code, answer.json()["error_code"]


class TestConfig:
    @pytest.fixture
    def rooms(self) -> RoomOptions:
        server = IceServer.model_validate({"urls": ["turn:t.example.org"], "username": "u", "credential": "p"})
        return RoomOptions(ice_servers=[server])

    async def test_config(self, house: House) -> None:
        answer = await house.http.get("/webrtc/config", headers=bearer())
        config = answer.json()
        assert config["ice_servers"] == [{"urls": ["turn:t.example.org"], "username": "u", "credential": "p"}]
        assert config["limits"]["messages_per_minute"] == 100
        assert config["features"]["chat"] is True
        _, state = await house.join("alice")
        assert state["ice_servers"] == config["ice_servers"]


@pytest.mark.parametrize(
    "path",
    [
        "/webrtc/config",
        "/webrtc/stats",
        "/webrtc/rooms/active",
        "/webrtc/rooms/demo/participants",
        "/webrtc/rooms/demo/participants/enhanced",
    ],
)
async def test_token_is_needed(house: House, path: str) -> None:
    answer = await house.http.get(path)
    assert refusal(answer) == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"
    expired = {"Authorization": f"Bearer {token(lifetime_s=-1)}"}
    assert refusal(await house.http.get(path, headers=expired)) == (401, "unauthorized")


async def test_participants(house: House) -> None:
    path = "/webrtc/rooms/demo/participants"
    assert refusal(await house.http.get(path, headers=bearer())) == (404, "room_not_found")
    await house.join("alice", name="Alice", avatar_url="https://example.org/a.png")
    await house.join("bob")
    assert (await house.http.get(path, headers=bearer("x"))).json() == {
        "room_id": "demo",
        "participants": ["alice", "bob"],
        "count": 2,
    }
    enhanced = (await house.http.get(f"{path}/enhanced", headers=bearer("x", room="demo"))).json()
    alice = enhanced["participants"][0]
    assert (alice["display_name"], alice["role"], alice["is_hand_raised"]) == ("Alice", "host", False)
    for suffix in ("", "/enhanced"):
        other = await house.http.get(path + suffix, headers=bearer("x", room="other"))
        assert refusal(other) == (403, "permission_denied")
    bad = await house.http.get("/webrtc/rooms/a.b/participants", headers=bearer())
    assert refusal(bad) == (400, "invalid_message")


async def test_active_rooms_are_those_the_token_opens(house: House) -> None:
    await house.join("alice", room="one")
    await house.join("alice", room="two")

    async def seen(room: str | None = None) -> list[str]:
        answer = await house.http.get("/webrtc/rooms/active", headers=bearer("x", room=room))
        return [room["room_id"] for room in answer.json()["rooms"]]

    assert await seen() == ["one", "two"]
    assert await seen(room="two") == ["two"]
    assert await seen(room="three") == []


async def test_operations(house: House) -> None:
    await house.join("alice")
    health = (await house.http.get("/webrtc/health")).json()
    assert (health["status"], health["redis"], health["rooms"], health["participants"]) == ("ok", "ok", 1, 1)
    stats = (await house.http.get("/webrtc/stats", headers=bearer())).json()
    assert (stats["rooms"], stats["sessions"], stats["media"]["routers"]) == (1, 1, 1)
    metrics = await house.http.get("/webrtc/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert "plenum_sessions 1.0" in metrics.text
    assert "plenum_redis_up 1.0" in metrics.text and "plenum_loop_lag_seconds " in metrics.text
    assert "plenum_process_resident_memory_bytes" in metrics.text and "plenum_process_cpu_seconds_total" in metrics.text
    assert 'plenum_signaling_events_total{name="messages_sent"}' in metrics.text


async def test_invite(house: House) -> None:
    invite = create_invite(SECRET, room_id="demo", expires_at=time.time() + 60)
    body = {"invite": invite, "display_name": "Zoë"}
    accepted = (await house.http.post("/webrtc/invites/accept", json=body)).json()
    assert accepted["room_id"] == "demo"
    assert accepted["ws_url"] == f"ws://127.0.0.1:{house.port}/webrtc/ws/demo"
    member = await house.dial("demo", f"?token={accepted['token']}")
    state = (await member.next())["payload"]
    assert state["user_id"] == accepted["username"]
    assert state["participants"][0]["display_name"] == "Zoë"
    again = (await house.http.post("/webrtc/invites/accept", json=body)).json()
    assert again["username"] != accepted["username"]
    member = await house.dial("demo", f"?token={invite}")
    assert (await member.closed())[0] == 4401
    bad = await house.http.post("/webrtc/invites/accept", json={"invite": token(), "display_name": "Zoë"})
    assert refusal(bad) == (401, "unauthorized")
    wrong_bodies: list[Any] = [{}, {"invite": invite}, {"invite": invite, "display_name": ""}, []]
    for wrong in wrong_bodies:
        assert refusal(await house.http.post("/webrtc/invites/accept", json=wrong)) == (400, "invalid_message")


async def test_no_way(house: House) -> None:
    assert refusal(await house.http.get("/webrtc/nowhere")) == (404, "not_found")
    assert refusal(await house.http.post("/webrtc/health")) == (405, "method_not_allowed")
    large = await house.http.post("/webrtc/invites/accept", content=b"x" * 3_000_000)
    assert refusal(large) == (413, "too_large")

    async def unannounced() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b"x" * 100_000

    headers = {"Content-Type": "application/json"}
    flood = await house.http.post("/webrtc/invites/accept", content=unannounced(), headers=headers)
    assert flood.status_code in (400, 413)


async def test_cross_origin(house: House) -> None:
    headers = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    preflight = await house.http.options("/webrtc/whip/demo", headers=headers)
    assert preflight.status_code == 200
    assert "POST" in preflight.headers["access-control-allow-methods"]
    plain = await house.http.get("/webrtc/health", headers={"Origin": "https://elsewhere.example"})
    assert "Location" in plain.headers["access-control-expose-headers"]


async def test_documents(house: House) -> None:
    openapi = (await house.http.get("/openapi.json")).json()
    assert "/webrtc/whip/{room_id}" in openapi["paths"]
    for path in ("/docs", "/redoc"):
        page = await house.http.get(path)
        assert page.status_code == 200
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';")


async def test_page(redis_server: EmbeddedRedis, tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "app.js").write_text("let a = 1;")
    (tmp_path / "index.html").write_text("<!doctype html>")
    async with running(redis_server.url, RoomOptions(), tmp_path) as house:
        for path in ("/", "/static/app.js"):
            answer = await house.http.get(path)
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "no-cache"
            assert answer.headers["x-content-type-options"] == "nosniff"
            policy = answer.headers["content-security-policy"]
            assert "script-src 'self' 'wasm-unsafe-eval';" in policy
            assert "frame-ancestors 'self'" in policy
            assert "camera=(self)" in answer.headers["permissions-policy"]
            unchanged = await house.http.get(path, headers={"If-None-Match": answer.headers["etag"]})
            assert (unchanged.status_code, unchanged.content) == (304, b"")
        assert (await house.http.head("/")).status_code == 200
        assert refusal(await house.http.get("/static/missing.js")) == (404, "not_found")
        api = await house.http.get("/webrtc/health")
        assert api.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


async def test_without_a_page(house: House) -> None:
    assert refusal(await house.http.get("/")) == (404, "not_found")
