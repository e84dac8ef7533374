"""For each message and each REST call about a room: what it needs, what refuses it, and what the others get of it.

The lines are those of matrix.py, and the last test says of what they cannot show here where it is shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from starlette.websockets import WebSocket, WebSocketDisconnect

from signaling.catalogue import CATALOGUE
from signaling.errors import ErrorBody
from signaling.limits import Limit
from signaling.model import Permissions
from signaling.tokens import TokenVerifier
from signaling.websocket import RoomSockets
from tests.unit.signaling.matrix import MESSAGES, NOBODY, REST, MessageLine, RestLine
from tests.unit.signaling.test_matrix import DENIED, World, by_name, payload_of, token, world

__all__ = ["world"]

TESTS = Path(__file__).resolve().parents[2]
SWITCHES = {"enable_chat", "enable_reactions", "enable_recording"}
WITNESSES = ("moderator", "participant", "guest", "victim", "lounger")
# What needs more than a room of this kind: the test that shows its success.
SHOWN_ELSEWHERE = {
    "answer": "unit/signaling/test_negotiation.py",
    "chat-edit": "unit/signaling/test_chat.py",
    "file-share-accept": "unit/signaling/test_files.py",
    "file-share-reject": "unit/signaling/test_files.py",
    "file-share-progress": "unit/signaling/test_files.py",
    "file-share-complete": "unit/signaling/test_files.py",
    "live-stream-start": "unit/signaling/test_live.py",
    "live-stream-stop": "unit/signaling/test_live.py",
    "live-stream-picture": "unit/signaling/test_live.py",
    "recording-control": "unit/signaling/test_recordings.py",
    "waiting-room-join": "unit/signaling/test_waiting.py",
}
# The same for REST: the status that the line cannot get here.
CALLED_ELSEWHERE = {
    "/events": "integration/signaling/test_events.py",
    "/analytics": "integration/signaling/test_events.py",
    "/chat/images": "integration/signaling/test_chat.py",
    "/recordings": "interop/test_recording.py",
    "/live-streams": "interop/test_live.py",
}


def sender_of(line: MessageLine) -> str:
    """Who may, and is not the one it is about."""
    return "host" if "host" in line.may or line.may is NOBODY else min(line.may)


def say(world: World, line: MessageLine) -> str | None:
    """Send it; the code of the refusal, or None."""
    reply = world.say("demo", sender_of(line), line.type, payload_of(line, world.message_ids["demo"]))
    return reply["payload"]["error_code"] if reply["type"] == "error" else None


def seen(world: World, sender: str) -> dict[str, str]:
    """Who has got which types."""
    return {who: " ".join(m["type"] for m in world.ports["demo", who].messages) for who in WITNESSES if who != sender}


def expected(line: MessageLine | RestLine, sender: str) -> dict[str, str]:
    """As the matrix says it; who waits gets only what it names."""
    everybody = {who: "" if who == "lounger" else line.seen[""] for who in WITNESSES}
    return {who: types for who, types in {**everybody, **line.seen}.items() if who not in ("", sender)}


# -- what others see ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", MESSAGES, ids=by_name)
async def test_what_others_get_of_a_message(world: World, line: MessageLine) -> None:
    await world.fill()
    say(world, line)
    assert seen(world, sender_of(line)) == expected(line, sender_of(line))


@pytest.mark.parametrize("line", REST, ids=by_name)
async def test_what_others_get_of_a_call(world: World, line: RestLine) -> None:
    await world.fill()
    await world.call(line, token("host"))
    assert seen(world, "host") == expected(line, "host")


# -- permissions and settings ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", MESSAGES, ids=by_name)
async def test_exactly_the_permissions_named_are_needed(world: World, line: MessageLine) -> None:
    for permission in line.permissions:
        await without(world, line, permission)
        before = world.state("demo")
        assert say(world, line) == DENIED, permission
        world.ports["demo", sender_of(line)].messages.clear()
        assert world.state("demo") == before
    await without(world, line, *(name for name in Permissions.model_fields if name not in line.permissions))
    assert say(world, line) == (DENIED if line.may is NOBODY else line.answer)


async def without(world: World, line: MessageLine, *permissions: str) -> None:
    """The sender has all permissions but these."""
    await world.fill()
    sender = world.hub.rooms["demo"].room.participants[sender_of(line)]
    sender.permissions = sender.permissions.model_copy(update=dict.fromkeys(permissions, False))


@pytest.mark.parametrize("line", MESSAGES, ids=by_name)
async def test_exactly_the_settings_named_forbid_it(world: World, line: MessageLine) -> None:
    for names, code in ((line.off, DENIED), (tuple(SWITCHES - set(line.off)), line.answer)):
        for chosen in [[name] for name in names] if code == DENIED else [names]:
            await world.fill()
            room = world.hub.rooms["demo"].room
            room.settings = room.settings.model_copy(update=dict.fromkeys(chosen, False))
            assert say(world, line) == (DENIED if line.may is NOBODY else code), chosen


# -- bad payloads ------------------------------------------------------------------------------------------------------


def spoilt(payload: dict[str, Any], schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The payload without what it needs, and with each field of a type that none of them has."""
    for name in schema.get("required", ()):
        yield {key: value for key, value in payload.items() if key != name}
    for name in schema.get("properties", {}):
        for wrong in ([[]], {"\x00": {}}):
            yield payload | {name: wrong}


@pytest.mark.parametrize("line", MESSAGES, ids=by_name)
async def test_bad_payloads_are_refused_and_change_nothing(world: World, line: MessageLine) -> None:
    await world.fill()
    model = CATALOGUE[line.type].receives
    assert model is not None
    sender = sender_of(line)
    before = world.state("demo")
    tried = 0
    for payload in spoilt(payload_of(line, world.message_ids["demo"]), model.model_json_schema()):
        if is_fine(model, payload):
            continue
        reply = world.say("demo", sender, line.type, payload)
        assert reply["payload"]["error_code"] == "invalid_message", (payload, reply)
        assert "\x00" not in json.dumps(reply), "what was sent is not repeated"
        world.ports["demo", sender].messages.clear()
        assert world.state("demo") == before, payload
        tried += 1
    assert tried > 0 or not model.model_fields


def is_fine(model: Any, payload: dict[str, Any]) -> bool:
    """Some fields take anything, and some are needed only together with others."""
    try:
        model.model_validate(payload)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("line", [line for line in REST if line.body], ids=by_name)
async def test_bad_bodies_are_refused_and_change_nothing(world: World, line: RestLine) -> None:
    await world.fill()
    before = world.state("demo")
    wrong = [[1], "text", *({**line.body, name: [[]]} for name in line.body)]
    for body in wrong:
        answer = await world.call(replace(line, body=body), token("host"))
        assert answer.status_code == 400, (body, answer.text)
        assert ErrorBody.model_validate_json(answer.content).error_code == "invalid_message"
        assert world.state("demo") == before, body


# -- limits ------------------------------------------------------------------------------------------------------------


class Frames:
    """The client's side of a WebSocket: sends its texts, then leaves."""

    def __init__(self, texts: list[str]) -> None:
        self._texts = texts

    async def receive(self) -> dict[str, Any]:
        if not self._texts:
            return {"type": "websocket.disconnect", "code": 1001}
        return {"type": "websocket.receive", "text": self._texts.pop(0)}


@pytest.mark.parametrize("name", [name for name, line in CATALOGUE.items() if line.receives is not None])
async def test_one_message_too_many(world: World, name: str) -> None:
    await world.fill()
    line = next(line for line in MESSAGES if line.type == name)
    payload = payload_of(line, world.message_ids["demo"])
    if name == "chat-read":  # the same message counts once
        payload = {"message_id": "other"}
    limit = CATALOGUE[name].limit_for(payload)
    sender = sender_of(line)
    limiter = world.app.state.rest.limiter
    kept = dict(limiter.limits)
    limiter.limits = kept | ({limit: Limit(1, 3_600)} if limit else {})
    limiter._windows = type(limiter._windows)()
    sockets = RoomSockets(world.hub, cast(TokenVerifier, None), limiter)
    texts = [json.dumps({"type": name, "payload": payload, "id": "1"})]
    second = payload | ({"message_id": "another"} if name == "chat-read" else {})
    texts.append(json.dumps({"type": name, "payload": second, "id": "2"}))
    port, session = world.ports["demo", sender], world.sessions["demo", sender]
    try:
        with pytest.raises(WebSocketDisconnect):
            await sockets._read(cast(WebSocket, Frames(texts)), cast(Any, port), session, world.hub.rooms["demo"])
    finally:
        limiter.limits = kept
        limiter._windows = type(limiter._windows)()
    (reply,) = [m for m in port.messages if m.get("reply_to") == "2"] or [None]
    if name == "leave":
        assert reply is None
        return
    assert reply is not None
    assert (reply["payload"].get("error_code") == "rate_limited") == (limit is not None), reply
    if limit is not None:
        assert 0 < reply["payload"]["retry_after"] <= 3_600
        assert seen(world, sender) == expected(line, sender) or name == "chat-read", "the others got it twice"


@pytest.mark.parametrize("line", REST, ids=by_name)
async def test_one_call_too_many(world: World, line: RestLine) -> None:
    await world.fill()
    limiter = world.app.state.rest.limiter
    kept = dict(limiter.limits)
    limiter._windows = type(limiter._windows)()
    limiter.limits = kept | {"requests": Limit(1, 3_600)}
    try:
        await world.call(line, token("host"))
        before = world.state("demo")
        answer = await world.call(line, token("host"))
    finally:
        limiter.limits = kept
        limiter._windows = type(limiter._windows)()
    assert answer.status_code == 429, answer.text
    assert ErrorBody.model_validate_json(answer.content).error_code == "rate_limited"
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["RateLimit-Remaining"] == "0"
    assert world.state("demo") == before


# -- what cannot be shown here -----------------------------------------------------------------------------------------


def test_every_success_is_shown_somewhere() -> None:
    shown = {line.type for line in MESSAGES if line.answer is None and line.may is not NOBODY}
    missing = {name for name, line in CATALOGUE.items() if line.receives is not None} - shown
    for name in missing:
        text = (TESTS / SHOWN_ELSEWHERE[name]).read_text()
        assert re.search(rf'"{name}"', text), f"{SHOWN_ELSEWHERE[name]} does not send {name}"
    for line in REST:
        if line.answer != 200:
            tail = line.path.removeprefix("/rooms/{room_id}")
            place = next(file for start, file in CALLED_ELSEWHERE.items() if tail.startswith(start))
            assert tail.split("/")[1] in (TESTS / place).read_text(), f"{place} does not call {line.path}"
