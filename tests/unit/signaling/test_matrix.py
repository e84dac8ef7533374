"""Every message and every REST call about a room, by every role, from inside, outside and from another room."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any, cast

import httpx
import jwt
import pytest
from pydantic import SecretStr

from sfu.engine import Engine
from signaling.app import create_app
from signaling.bans import Ban
from signaling.breakouts.rooms import Breakout
from signaling.catalogue import CATALOGUE
from signaling.envelope import parse_frame
from signaling.errors import ErrorBody
from signaling.hub import Hub
from signaling.limits import Limit
from signaling.model import Role, RoomSettings
from signaling.offer_turns import OfferTurns
from signaling.options import AuthOptions, SignalingOptions
from signaling.redis_client import connect
from signaling.session import Session
from signaling.stored_room import StoredRoom
from signaling.tokens import Identity
from streaming import whep, whip
from tests.unit.signaling.engine_double import EngineDouble
from tests.unit.signaling.matrix import ELSEWHERE, MESSAGES, REST, MessageLine, OpenLine, RestLine
from tests.unit.signaling.people import Port

SECRET = "m" * 32
ROLES = ("host", "moderator", "participant", "guest")
DENIED = "permission_denied"
_SHORT = re.compile(r"\{\w+\}|\bunknown\b|\bblue\b|\blounger\b|\bbanned\b")
TARGETS = re.compile(r"\bvictim\b|\blounger\b")


def token(sub: str, **claims: str) -> dict[str, str]:
    text = jwt.encode({"sub": sub, "exp": time.time() + 600, **claims}, SECRET, algorithm="HS256")
    return {"Authorization": f"Bearer {text}"}


class World:
    """Two rooms: ``demo`` with one of each role, and ``other`` with people of its own. ``fill`` begins anew."""

    def __init__(self) -> None:
        options = SignalingOptions(auth=AuthOptions(secret=SecretStr(SECRET)))
        redis = connect("redis://127.0.0.1:1/0", options.redis)
        self.engine = EngineDouble()
        self.app = create_app(
            options=options,
            engine=cast(Engine, self.engine),
            redis=redis,
            web_root=Path("/nowhere"),
            media_routers=(whip.create_router, whep.create_router),
        )
        self.hub: Hub = self.app.state.hub
        self.hub.around.save = lambda *_: None
        self.hub.around.offers = OfferTurns()  # at once
        store: Any = self.hub._store
        store.load, store.save = _nothing, lambda *_: None
        self.hub._watch = lambda: None
        limiter = self.app.state.rest.limiter
        limiter._suspended_until = float("inf")
        limiter.limits = dict.fromkeys(limiter.limits, Limit(1_000_000, 1))
        self.ports: dict[tuple[str, str], Port] = {}
        self.sessions: dict[tuple[str, str], Session] = {}
        self.message_ids: dict[str, str] = {}

    async def fill(self) -> World:
        self.hub.rooms.clear()
        self.engine.routers.clear()
        self.ports.clear()
        for room in ("demo", "other"):
            prefix = "" if room == "demo" else "other-"
            for role in ROLES:
                await self.join(room, prefix + role, Role(role))
            await self.join(room, prefix + "victim", Role.PARTICIPANT)
            live = self.hub.rooms[room].room
            live.bans[prefix + "banned"] = Ban(user_id=prefix + "banned", banned_by="host", banned_at="now")
            live.settings = RoomSettings(enable_waiting_room=True)
            blue = Breakout(breakout_room_id="blue", name="Blue", created_unix=0.0, created_by="host")
            live.breakouts.rooms["blue"] = blue
            await self.join(room, prefix + "lounger", None)
            assert len(live.participants) == 5 and len(live.waiting) == 1
            reply = self.say(room, prefix + "victim", "chat-message", {"message": f"private of {room}"})
            self.message_ids[room] = reply["payload"]["message_id"]
        for port in self.ports.values():
            port.messages.clear()
        return self

    async def join(self, room: str, username: str, role: Role | None) -> None:
        port = Port()
        session = Session(f"s-{username}", username, port, 0.0)
        self.ports[room, username], self.sessions[room, username] = port, session
        await self.hub.join(room, Identity(username, username, role=role), session)

    def say(self, room: str, username: str, message_type: str, payload: dict[str, Any]) -> dict[str, Any]:
        text = json.dumps({"type": message_type, "payload": payload, "id": "q"})
        self.hub.rooms[room].receive(self.sessions[room, username], parse_frame(text, 262_144))
        replies = [m for m in self.ports[room, username].messages if m.get("reply_to") == "q"]
        assert len(replies) == 1, replies
        return replies[0]

    async def call(
        self, line: RestLine, headers: dict[str, str], room: str = "demo", user: str = "victim"
    ) -> httpx.Response:
        path = "/webrtc" + line.path.format(room_id=room, user_id=user)
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(line.method, path, json=line.body, headers=headers | line.headers)

    def state(self, room: str) -> str:
        """All of a room that anybody could want to change, and all that its people have heard."""
        live = self.hub.rooms[room]
        inside = live.room
        return repr(
            (
                [(p.info(), p.permissions, p.publications) for p in inside.participants.values()],
                inside.settings,
                inside.bans,
                inside.hands,
                inside.breakouts,
                inside.waiting.infos(),
                [port.messages for (of, _), port in self.ports.items() if of == room],
                [port.closed for (of, _), port in self.ports.items() if of == room],
            )
        )


@pytest.fixture(scope="module")
def world() -> World:
    return World()


async def _nothing(room_id: str) -> StoredRoom:
    return StoredRoom()


def payload_of(line: MessageLine, message_id: str) -> dict[str, Any]:
    filled: dict[str, Any] = json.loads(json.dumps(line.payload).replace("{message_id}", message_id))
    return filled


def by_name(line: MessageLine | RestLine | OpenLine) -> str:
    return f"{line.type} {line.payload}"[:60] if isinstance(line, MessageLine) else f"{line.method} {line.path}"


def test_every_message_is_in_the_matrix() -> None:
    known = {name for name, line in CATALOGUE.items() if line.receives is not None}
    assert known - {line.type for line in MESSAGES} == set(), "say in matrix.py who may send these"


def test_every_rest_call_is_in_the_matrix(world: World) -> None:
    known = {(line.method, _SHORT.sub("{}", line.path)) for line in REST}
    known |= {(line.method, _SHORT.sub("{}", line.path).replace("demo", "{}")) for line in ELSEWHERE}
    calls = {
        (method.upper(), _SHORT.sub("{}", path.removeprefix("/webrtc")))
        for path, operations in world.app.openapi()["paths"].items()
        for method in operations
    }
    assert calls - known == set(), "say in matrix.py who may call these"


@pytest.mark.parametrize("line", MESSAGES, ids=by_name)
async def test_messages_by_role(world: World, line: MessageLine) -> None:
    for role in ROLES:
        await world.fill()
        before, other = world.state("demo"), world.state("other")
        reply = world.say("demo", role, line.type, payload_of(line, world.message_ids["demo"]))
        code = reply["payload"]["error_code"] if reply["type"] == "error" else None
        if role in line.may:
            assert code == line.answer, (role, reply)
        else:
            assert code == DENIED, (role, reply)
            world.ports["demo", role].messages.clear()
            assert world.state("demo") == before, f"{role} was refused, yet something changed or was told"
        assert world.state("other") == other


@pytest.mark.parametrize("line", MESSAGES, ids=by_name)
async def test_messages_reach_no_other_room(world: World, line: MessageLine) -> None:
    """Not even the host touches people and messages of another room by naming them."""
    await world.fill()
    other = world.state("other")
    text = json.dumps(payload_of(line, world.message_ids["other"]))
    named = TARGETS.sub(lambda match: f"other-{match[0]}", text)
    reply = world.say("demo", "host", line.type, json.loads(named))
    assert world.state("other") == other
    if named != json.dumps(line.payload) and line.type not in ("ban", "unban"):
        assert reply["type"] in ("error", "ack"), "naming what is not here is refused"
        assert "private of other" not in json.dumps(reply)


@pytest.mark.parametrize("line", REST, ids=by_name)
async def test_rest_by_role(world: World, line: RestLine) -> None:
    for role in ROLES:
        await world.fill()
        before, other = world.state("demo"), world.state("other")
        answer = await world.call(line, token(role))
        if role in line.may:
            assert answer.status_code == line.answer, (role, answer.text)
        else:
            assert (answer.status_code, answer.json()["error_code"]) == (403, DENIED), (role, answer.text)
            assert world.state("demo") == before
        assert world.state("other") == other


@pytest.mark.parametrize("line", REST, ids=by_name)
async def test_rest_from_outside(world: World, line: RestLine) -> None:
    await world.fill()
    before, other = world.state("demo"), world.state("other")
    refused = {
        "no token": ({}, 401, "unauthorized"),
        "bad token": ({"Authorization": "Bearer x"}, 401, "unauthorized"),
        "host of the other room": (token("other-host", room="other", role="host"), 403, DENIED),
        "same name, other room": (token("host", room="other", role="host"), 403, DENIED),
        "banned": (token("banned"), 403, DENIED),
        "banned moderator": (token("banned", role="moderator"), 403, DENIED),
        "waiting": (token("lounger"), 403, "waiting_for_approval"),
        "stranger": (token("stranger"), 403, "waiting_for_approval" if line.reads else DENIED),
    }
    for who, (headers, status, code) in refused.items():
        answer = await world.call(line, headers)
        assert answer.status_code == status, (who, answer.text)
        if not (line.personal and who in ("waiting", "stranger")):
            assert answer.json()["error_code"] == code, (who, answer.text)
        assert world.state("demo") == before, who
    answer = await world.call(line, token("owner", role="host"))
    assert (answer.status_code in (403, 404, 409)) if line.personal else (answer.status_code == line.answer), (
        answer.text
    )
    assert world.state("other") == other
    if line.reads:
        world.hub.rooms["demo"].room.settings = RoomSettings()
        answer = await world.call(line, token("stranger"))
        assert answer.status_code == 200, answer.text
        world.hub.rooms["demo"].room.settings = RoomSettings(lock_room=True)
        assert (await world.call(line, token("stranger"))).status_code == 423
    gone = await world.call(line, token("host"), room="nowhere")
    assert (gone.status_code, gone.json()["error_code"]) == (404, "room_not_found")


@pytest.mark.parametrize("line", [line for line in REST if "{user_id}" in line.path], ids=by_name)
async def test_rest_reaches_no_other_room(world: World, line: RestLine) -> None:
    await world.fill()
    other = world.state("other")
    answer = await world.call(line, token("host"), user="other-victim")
    expected = 200 if "/bans/" in line.path else 404
    assert answer.status_code == expected, answer.text
    assert world.state("other") == other


@pytest.mark.parametrize("line", ELSEWHERE, ids=by_name)
async def test_calls_beside_rooms(world: World, line: OpenLine) -> None:
    await world.fill()
    before, other = world.state("demo"), world.state("other")
    callers = ({}, {"Authorization": "Bearer x"}, token("stranger"), token("host", room="other", role="host"))
    for headers, status in zip(callers, line.statuses, strict=True):
        answer = await world.call(RestLine(line.method, line.path, line.body), headers)
        assert answer.status_code == status, (headers, answer.text)
        if status >= 400:
            assert ErrorBody.model_validate_json(answer.content)
        assert "private of" not in answer.text and "victim" not in answer.text
    assert (world.state("demo"), world.state("other")) == (before, other)


async def test_who_may_open_one_room_sees_only_that_one_open(world: World) -> None:
    await world.fill()
    answer = await world.call(RestLine("GET", "/rooms/active"), token("host", room="other", role="host"))
    assert [room["room_id"] for room in answer.json()["rooms"]] == ["other"]
