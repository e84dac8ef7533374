"""The ways through a network: each carries a call, is taken by itself, and is told in words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import expect

from tests.interop.conftest import SETTINGS, People
from tests.support.page import RoomPage
from tests.support.participant import eventually
from tests.support.relay import UdpRelay
from tests.support.server import PlenumServer
from tests.support.turn_server import TurnServer

SECRET = "what the relay and the server know"


@pytest_asyncio.fixture(loop_scope="session")
async def coturn() -> AsyncIterator[TurnServer]:
    async with TurnServer(SECRET) as turn:
        yield turn


@pytest_asyncio.fixture(loop_scope="session")
async def server(coturn: TurnServer, tmp_path: Path) -> AsyncIterator[PlenumServer]:
    """A server of this test's own, which knows a TURN server over UDP and TCP."""
    urls = ",".join(f"turn:127.0.0.1:{coturn.port}?transport={kind}" for kind in ("udp", "tcp"))
    turn = {"PLENUM_ROOMS__TURN__URLS": urls, "PLENUM_ROOMS__TURN__SECRET": SECRET}
    async with PlenumServer(tmp_path, {**SETTINGS, **turn}) as own:
        yield own


async def joined(people: People, name: str, **setup: object) -> RoomPage:
    user = await RoomPage.open(people.chromium, people.server, people.room, name, setup=dict(setup))
    people.tabs.append(user.tab)
    await user.join()
    return user


async def kinds(user: RoomPage) -> list[str]:
    """Of both transports, as the SDK says."""
    found: list[str] = await user.page.evaluate("Object.values(plenum.paths).map(({ kind }) => kind)")
    return found


async def takes(user: RoomPage, *expected: str, timeout_s: float = 10) -> None:
    """Both transports take one of these ways."""

    async def so() -> bool:
        found = await kinds(user)
        return len(found) == 2 and set(found) <= set(expected)

    try:
        await eventually(so, timeout_s)
    except AssertionError:
        raise AssertionError(f"{user.name} takes {await kinds(user)} instead of {expected}") from None


async def test_udp_tcp_and_turn_meet_in_one_call(people: People) -> None:
    ada = await joined(people, "Ada")
    bela = await joined(people, "Bela", onlyTcp=True)
    carl = await joined(people, "Carl", onlyTurn=True)
    await asyncio.gather(*(user.shows(3) for user in (ada, bela, carl)))
    await takes(ada, "udp")
    await takes(bela, "tcp")
    # Which of the two comes first is a matter of milliseconds on loopback.
    await takes(carl, "turn-udp", "turn-tcp")
    # What the browser says of itself, apart from what the SDK makes of it.
    used = [(await user.tab.sample())["peers"][0] for user in (ada, bela, carl)]
    assert [(peer["protocol"], peer["candidateType"]) for peer in used][:2] == [
        ("udp", used[0]["candidateType"]),
        ("tcp", used[1]["candidateType"]),
    ]
    assert used[2]["candidateType"] == "relay" != used[0]["candidateType"]
    await bela.button("More").click()
    await bela.page.get_by_test_id("more-why").click()
    panel = bela.page.get_by_test_id("why-panel")
    await expect(panel).to_contain_text("over TCP, because UDP does not get through this network")
    await expect(panel).to_contain_text("What it carries towards you")
    await expect(panel).to_contain_text("Ada: camera")


async def test_a_call_whose_udp_dies_goes_on_over_tcp(people: People, relay: UdpRelay) -> None:
    through = {"relay": {"address": relay.address[0], "port": relay.address[1], "keepTcp": True}}
    ada, bela = await joined(people, "Ada", **through), await joined(people, "Bela")
    await asyncio.gather(ada.shows(2), bela.shows(2))
    await takes(ada, "udp")
    relay.block(True)
    await takes(ada, "tcp", timeout_s=30)
    await asyncio.gather(ada.shows(2), bela.shows(2))
    assert await kinds(bela) == ["udp", "udp"]
