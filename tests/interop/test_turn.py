"""Networks that let nothing through but a TURN server: a real coturn, and the credentials that the server made."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.interop.conftest import SETTINGS, People
from tests.support.chromium import Chromium
from tests.support.page import RoomPage
from tests.support.server import PlenumServer
from tests.support.turn_server import TurnServer

SECRET = "what coturn and the server know"


@pytest_asyncio.fixture(loop_scope="session")
async def coturn() -> AsyncIterator[TurnServer]:
    async with TurnServer(SECRET) as turn:
        yield turn


@pytest_asyncio.fixture(loop_scope="session")
async def server(coturn: TurnServer, tmp_path: Path) -> AsyncIterator[PlenumServer]:
    """A server of this test's own, which knows the TURN server."""
    turn = {
        "PLENUM_ROOMS__TURN__URLS": f"turn:127.0.0.1:{coturn.port}?transport=udp",
        "PLENUM_ROOMS__TURN__SECRET": SECRET,
    }
    async with PlenumServer(tmp_path, {**SETTINGS, **turn}) as own:
        yield own
        assert SECRET not in own.log_text()


async def test_a_call_through_turn_alone(chromium: Chromium, server: PlenumServer, people: People) -> None:
    users = []
    for name in ("Ada", "Bela"):
        user = await RoomPage.open(chromium, server, people.room, name, setup={"onlyTurn": True})
        people.tabs.append(user.tab)
        users.append(user)
        await user.join()
    await asyncio.gather(*(user.shows(2) for user in users))
    for user in users:
        peers = (await user.tab.sample())["peers"]
        assert [peer["candidateType"] for peer in peers if peer["connectionState"] == "connected"] == ["relay"] * 2
        names = await user.tab.probe("p.peers.map((peer) => peer.getConfiguration().iceServers[0].username)")
        assert all(re.fullmatch(rf"\d+:{user.name.lower()}-\w+", name) for name in names), names
