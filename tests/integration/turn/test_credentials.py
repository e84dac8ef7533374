"""The credentials we hand out, held to a real coturn."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from scripts.doctor.turn_client import TurnAddress, TurnRefused, allocate
from signaling.turn import credentials
from tests.support.turn_server import TurnServer

SECRET = "a secret that coturn knows too"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def coturn() -> AsyncIterator[TurnServer]:
    async with TurnServer(SECRET) as server:
        yield server


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_an_allocation_succeeds(coturn: TurnServer, transport: str) -> None:
    where = TurnAddress("127.0.0.1", coturn.port, "tcp" if transport == "tcp" else "udp")
    relayed = await allocate(where, *credentials(SECRET, "alice", time.time() + 600))
    assert relayed.host == "127.0.0.1"
    assert 42000 <= relayed.port <= 42100


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    "user",
    [
        "alice@example.org",
        "Anna Maria",
        'O\'Neil "the" \\ third',
        "anna:maria",
        "中文" * 64,
        "🦩" * 128,
        "a" * 128,
        "1",
    ],
)
async def test_whatever_a_user_is_called(coturn: TurnServer, user: str) -> None:
    made = credentials(SECRET, user, time.time() + 600)
    assert len(made.username) < 509
    assert (await allocate(TurnAddress("127.0.0.1", coturn.port, "udp"), *made)).port


@pytest.mark.asyncio(loop_scope="module")
async def test_what_coturn_refuses(coturn: TurnServer) -> None:
    where = TurnAddress("127.0.0.1", coturn.port, "udp")
    good = credentials(SECRET, "alice", time.time() + 600)
    expired = credentials(SECRET, "alice", time.time() - 1)
    foreign = credentials("another secret", "alice", time.time() + 600)
    longer = good._replace(username=credentials(SECRET, "alice", time.time() + 6000).username)
    for name, made in (("expired", expired), ("foreign", foreign), ("made longer", longer)):
        with pytest.raises(TurnRefused) as caught:
            await allocate(where, *made)
        assert caught.value.code == 401, name


@pytest.mark.asyncio(loop_scope="module")
async def test_nobody_there(coturn: TurnServer) -> None:
    for transport in ("udp", "tcp"):
        where = TurnAddress("127.0.0.1", 9, "tcp" if transport == "tcp" else "udp")
        with pytest.raises(OSError):
            await allocate(where, "x", "y", timeout_s=1)
