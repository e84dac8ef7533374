"""Where clients find their TURN credentials: in the room's state, in the configuration, in WHIP and WHEP answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from signaling.options import RoomOptions, TurnOptions
from signaling.turn import credentials
from tests.integration.signaling.conftest import House, token
from tests.integration.signaling.peer import Peer

SECRET = "what coturn and we know"
URL = "turn:turn.example.org:3478?transport=udp"


@pytest.fixture
def rooms() -> RoomOptions:
    return RoomOptions(turn=TurnOptions(urls=[URL], secret=SecretStr(SECRET), lifetime_s=600))


@pytest.fixture
def peer(house: House) -> Iterator[Peer]:
    made = Peer.create(house.engine.port)
    yield made
    made.close()


def check(username: str, credential: str, user: str) -> None:
    expires, _, name = username.partition(":")
    assert name == user
    assert credential == credentials(SECRET, user, int(expires)).password


async def test_room_state_and_configuration(house: House) -> None:
    _, state = await house.join("alice")
    answer = await house.http.get("/webrtc/config", headers={"Authorization": f"Bearer {token('bob')}"})
    assert answer.headers["Cache-Control"] == "no-store"
    for user, servers in (("alice", state["ice_servers"]), ("bob", answer.json()["ice_servers"])):
        (server,) = servers
        assert server["urls"] == [URL]
        check(server["username"], server["credential"], user)
    assert SECRET not in answer.text + str(state)


async def test_whip_link(house: House, peer: Peer, caplog: Any) -> None:
    answer = await house.http.post(
        "/webrtc/whip/demo",
        content=peer.offer(direction="sendonly", kinds=("audio",)),
        headers={"Authorization": f"Bearer {token('encoder')}", "Content-Type": "application/sdp"},
    )
    assert answer.status_code == 201
    link = answer.headers["Link"]
    found = re.fullmatch(
        rf'<{re.escape(URL)}>; rel="ice-server"; username="([^"]+)"; credential="([^"]+)"; credential-type="password"',
        link,
    )
    assert found is not None, link
    check(found[1], found[2], "encoder")
    assert SECRET not in caplog.text
    assert found[2] not in caplog.text
