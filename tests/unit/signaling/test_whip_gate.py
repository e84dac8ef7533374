"""WHIP publishers and WHEP viewers in rooms, without HTTP."""

from __future__ import annotations

import json
import time
from typing import Any, cast

import jwt
import pytest
from pydantic import SecretStr

from sfu.connection import TransportState
from sfu.engine import Engine
from sfu.transport import TransportRole
from signaling.errors import RoomError
from signaling.hub import Hub
from signaling.model import Role
from signaling.offer_turns import OfferTurns
from signaling.options import AuthOptions, IceServer, RoomOptions, SignalingOptions
from signaling.room_writes import Write
from signaling.session import Session
from signaling.store import RoomStore
from signaling.stored_room import StoredRoom
from signaling.tokens import Identity, TokenVerifier
from signaling.whip_gate import WhipGate
from tests.unit.signaling.engine_double import EngineDouble, RouterDouble, TransportDouble
from tests.unit.signaling.people import Port

SECRET = "s" * 64
OFFER = json.dumps({"tracks": {"0": "audio", "1": "video"}})


class Store:
    """Remembers nothing."""

    def __init__(self) -> None:
        self.saved: list[tuple[str, Write]] = []

    async def load(self, room_id: str) -> StoredRoom:
        return StoredRoom()

    def save(self, room_id: str, write: Write) -> None:
        self.saved.append((room_id, write))

    async def close(self) -> None:
        pass


class House:
    def __init__(self, **rooms: Any) -> None:
        auth = AuthOptions(secret=SecretStr(SECRET))
        options = SignalingOptions(auth=auth, rooms=RoomOptions(**rooms))
        self.engine = EngineDouble()
        self.hub = Hub(options, cast(Engine, self.engine), cast(RoomStore, Store()))
        self.hub._watch = lambda: None  # type: ignore[method-assign]
        self.hub.around.offers = OfferTurns()  # at once
        self.gate = WhipGate(self.hub, TokenVerifier(auth))

    @property
    def router(self) -> RouterDouble:
        return self.engine.routers["demo"]

    async def join(self, username: str) -> Port:
        port = Port()
        await self.hub.join("demo", Identity(username, username), Session(f"s-{username}", username, port, 0.0))
        return port

    def publisher(self, username: str = "cam") -> TransportDouble:
        return self.router.transport_of(username, TransportRole.PUBLISH)

    def viewers(self) -> list[TransportDouble]:
        return [t for t in self.router.transports.values() if t.owner.startswith("viewer:")]


def token(sub: str = "cam", **claims: Any) -> str:
    return jwt.encode({"sub": sub, "exp": time.time() + 3_600, **claims}, SECRET, algorithm="HS256")


def code(caught: pytest.ExceptionInfo[RoomError]) -> str:
    return caught.value.code.value


async def test_publisher_is_a_participant() -> None:
    house = House(ice_servers=[IceServer(urls=["stun:stun.example.org"])])
    alice = await house.join("alice")
    started = await house.gate.publish("demo", token(name="Camera"), OFFER)
    assert json.loads(started.answer) == {"answer": ["0", "1"]}
    assert [s.urls for s in started.ice_servers] == [["stun:stun.example.org"]]
    types = [m["type"] for m in alice.messages]
    assert types == ["room-state", "user-joined", "track-published", "track-published", "offer"]
    assert alice.messages[1]["payload"]["display_name"] == "Camera"
    assert all(t.role is not TransportRole.SUBSCRIBE for t in house.router.transports.values() if t.owner == "cam")


async def test_encoder_never_becomes_host_by_itself() -> None:
    house = House()
    await house.gate.publish("demo", token(), OFFER)
    await house.join("alice")
    participants = house.hub.rooms["demo"].room.participants
    assert {name: p.role for name, p in participants.items()} == {"cam": Role.PARTICIPANT, "alice": Role.HOST}


async def test_bad_offer_leaves_nothing() -> None:
    house = House()
    with pytest.raises(RoomError) as caught:
        await house.gate.publish("demo", token(), "garbage")
    assert code(caught) == "invalid_message"
    assert house.hub.rooms == {}
    assert house.engine.routers == {}


async def test_full_room_refuses_publishers() -> None:
    house = House(settings={"max_participants": 1})
    await house.join("alice")
    with pytest.raises(RoomError) as caught:
        await house.gate.publish("demo", token(), OFFER)
    assert code(caught) == "room_full"
    assert list(house.router.transports) == []


async def test_end() -> None:
    house = House()
    alice = await house.join("alice")
    started = await house.gate.publish("demo", token(), OFFER)
    for user, room, wanted in (("bob", "demo", "permission_denied"), ("cam", "other", "session_not_found")):
        with pytest.raises(RoomError) as caught:
            house.gate.end(room, started.session_id, token(user))
        assert code(caught) == wanted
    house.gate.end("demo", started.session_id, token())
    assert alice.messages[-1]["type"] == "user-left"
    with pytest.raises(RoomError) as caught:
        house.gate.end("demo", started.session_id, token())
    assert code(caught) == "session_not_found"


@pytest.mark.parametrize(
    ("state", "ends"),
    [
        (TransportState.CONNECTED, False),
        (TransportState.DISCONNECTED, False),
        (TransportState.FAILED, True),
        (TransportState.CLOSED, True),
    ],
)
async def test_connection_decides(state: TransportState, ends: bool) -> None:
    house = House()
    await house.join("alice")
    await house.gate.publish("demo", token(), OFFER)
    house.publisher().become(state)
    assert ("cam" not in house.hub.rooms["demo"].room.participants) is ends


async def test_unconnected_publisher_is_ended_in_time() -> None:
    house = House(ingest_timeout_s=30)
    await house.join("alice")
    await house.gate.publish("demo", token(), OFFER)
    await house.gate.publish("demo", token("other"), OFFER)
    house.publisher("other").become(TransportState.CONNECTED)
    for after_s, left in ((29, {"alice", "cam", "other"}), (31, {"alice", "other"})):
        for sweep in house.hub.sweepers[2:]:
            sweep(time.monotonic() + after_s)
        assert set(house.hub.rooms["demo"].room.participants) == left


async def test_same_user_again_replaces() -> None:
    house = House()
    alice = await house.join("alice")
    first = await house.gate.publish("demo", token(), OFFER)
    second = await house.gate.publish("demo", token(), OFFER)
    with pytest.raises(RoomError):
        house.gate.end("demo", first.session_id, token())
    assert len(house.router.producers) == 2
    assert "user-left" not in [m["type"] for m in alice.messages]
    port = await house.join("cam")  # by WebSocket now
    with pytest.raises(RoomError):
        house.gate.end("demo", second.session_id, token())
    assert port.messages[0]["type"] == "room-state"
    assert house.router.producers == {}


async def test_viewer() -> None:
    house = House()
    await house.gate.publish("demo", token(), OFFER)
    started = await house.gate.play("demo", token("eve"), OFFER)
    assert len(json.loads(started.answer)["plays"]) == 2
    assert house.gate.viewers == 1
    assert list(house.hub.rooms["demo"].room.participants) == ["cam"]
    house.gate.end("demo", started.session_id, token("eve"))
    assert house.gate.viewers == 0
    assert house.viewers() == []


async def test_viewers_end_with_the_room() -> None:
    house = House()
    cam = await house.gate.publish("demo", token(), OFFER)
    eve = await house.gate.play("demo", token("eve"), OFFER)
    house.gate.end("demo", cam.session_id, token())
    assert house.gate.viewers == 0
    with pytest.raises(RoomError) as caught:
        house.gate.end("demo", eve.session_id, token("eve"))
    assert code(caught) == "session_not_found"
    assert house.engine.routers == {}


async def test_shutdown_with_publishers_and_viewers() -> None:
    house = House()
    alice = await house.join("alice")
    await house.gate.publish("demo", token(), OFFER)
    await house.gate.play("demo", token("eve"), OFFER)
    await house.hub.close()
    assert alice.closed == (1012, "server_restart")
    assert house.engine.routers == {}
    assert house.gate.viewers == 0
    with pytest.raises(RoomError) as caught:
        await house.gate.publish("demo", token(), OFFER)
    assert code(caught) == "unavailable"


async def test_whom_viewers_see() -> None:
    house = House()
    alice = await house.join("alice")
    with pytest.raises(RoomError) as caught:
        await house.gate.play("demo", token("eve"), OFFER)
    assert (code(caught), caught.value.retry_after) == ("invalid_state", 2)
    await house.gate.publish("demo", token("one"), json.dumps({"tracks": {"0": "audio"}}))
    await house.gate.publish("demo", token("two"), OFFER)

    async def owners(**query: str) -> set[str]:
        await house.gate.play("demo", token("eve"), OFFER, **query)
        return {consumer.producer.owner for consumer in house.viewers()[-1].consumers}

    assert await owners() == {"one"}
    assert await owners(user="two") == {"two"}
    for user, wanted in (("alice", "invalid_state"), ("nobody", "user_not_found")):
        with pytest.raises(RoomError) as caught:
            await owners(user=user)
        assert code(caught) == wanted
    assert alice.closed is None


async def test_source_is_preferred() -> None:
    house = House()
    await house.join("alice")
    session = house.hub.rooms["demo"].sessions["alice"]
    payload = {
        "transport": "publish",
        "sdp": json.dumps({"tracks": {"0": "video", "1": "video"}}),
        "tracks": {"0": {"source": "camera"}, "1": {"source": "screen"}},
    }
    from signaling.envelope import Frame

    house.hub.rooms["demo"].receive(session, Frame("offer", payload, None))
    for source, first in ((None, "0"), ("camera", "0"), ("screen", "1")):
        await house.gate.play("demo", token("eve"), OFFER, source=source)
        assert house.viewers()[-1].consumers[0].producer.mid == first


async def test_too_many_viewers() -> None:
    house = House(max_viewers=1)
    await house.gate.publish("demo", token(), OFFER)
    await house.gate.play("demo", token("eve"), OFFER)
    with pytest.raises(RoomError) as caught:
        await house.gate.play("demo", token("eve"), OFFER)
    assert code(caught) == "room_full"


async def test_viewer_that_fits_nothing() -> None:
    house = House()
    await house.gate.publish("demo", token(), json.dumps({"tracks": {"0": "audio"}}))
    with pytest.raises(RoomError) as caught:
        await house.gate.play("demo", token("eve"), json.dumps({"tracks": {"0": "video"}}))
    assert (code(caught), caught.value.status) == ("not_supported", 422)
    assert house.viewers() == []


async def test_ice_restart_by_patch() -> None:
    house = House()
    started = await house.gate.publish("demo", token(), OFFER)
    assert house.gate.ice_tag("demo", started.session_id, token()) == started.ice_tag == "ice0"
    assert await house.gate.patch("demo", started.session_id, token(), "a=end-of-candidates") is None
    assert await house.gate.patch("demo", started.session_id, token(), "a=ice-ufrag:new") is not None
    assert house.gate.ice_tag("demo", started.session_id, token()) == "ice1"
