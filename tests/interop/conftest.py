"""One server and one browser for all tests here; a room and tabs of their own for each."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.support.chromium import Chromium, Tab
from tests.support.participant import Participant
from tests.support.ports import free_tcp_port
from tests.support.relay import UdpRelay
from tests.support.server import PlenumServer

_HERE = Path(__file__).parent
# GStreamer sends nothing to loopback, and dual stack is what a real server has.
SETTINGS = {
    "PLENUM_LIVE__PRIVATE_TARGETS": "true",
    "PLENUM_MEDIA__HOSTS": "0.0.0.0,::",
    # A few names open a room for each test.
    "PLENUM_ROOMS__ROOMS_CREATED_PER_HOUR": "10000",
    "PLENUM_ROOMS__JOINS_PER_MINUTE": "10000",
}


# These hold how long something took or how long a picture stood still: no other test may run beside them. A file, or
# a file and the beginning of a test's name.
ALONE = (
    "test_bad_network.py",
    "test_breakout.py",
    "test_call.py",
    "test_codecs.py::test_a_codec_chosen_by_the_server",
    "test_page.py::test_joining_is_fast",
    "test_quality.py",
    "test_recording.py",
    "test_shards.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The browser lives in one event loop, so all tests here run in that of the session."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.interop)
            if f"{item.path.name}::{item.name}".startswith(ALONE):
                item.add_marker(pytest.mark.alone)
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chromium]:
    async with Chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PlenumServer]:
    ingest = {"PLENUM_LIVE__INGEST_PORT": str(free_tcp_port()), "PLENUM_LIVE__INGEST_HOST": "127.0.0.1"}
    async with PlenumServer(tmp_path_factory.mktemp("server"), {**SETTINGS, **ingest}) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session")
async def server(shared_server: PlenumServer) -> AsyncIterator[PlenumServer]:
    """The shared server; what it logs during a test is that test's fault."""
    shared_server.forget_log()
    yield shared_server
    shared_server.check_log()


@pytest.fixture
def room(request: pytest.FixtureRequest) -> str:
    """One of the test's own. A second try does not meet what the first has left: a stream that runs keeps its room."""
    name = request.node.name.removeprefix("test_").replace("[", "-").rstrip("]").replace("_", "-")[:60]
    attempt = getattr(request.node, "execution_count", 1)
    return name if attempt == 1 else f"{name}-{attempt}"


class People:
    """Participants and tabs of one test, closed at its end; none of them may have complained by then."""

    def __init__(self, chromium: Chromium, server: PlenumServer, room: str) -> None:
        self.chromium = chromium
        self.server = server
        self.room = room
        self.tabs: list[Tab] = []

    async def join(self, username: str, *, setup: dict[str, Any] | None = None, **options: Any) -> Participant:
        """A participant over the protocol alone; options are those of participant.js."""
        participant = await Participant.open(
            self.chromium, self.server, self.room, username, setup=setup, options=options
        )
        self.tabs.append(participant.tab)
        return participant

    async def publishing(self, username: str, *, setup: dict[str, Any] | None = None, hz: int = 440) -> Participant:
        """A participant with camera and a tone as microphone."""
        participant = await self.join(username, setup=setup)
        await participant.publish("camera")
        await participant.publish("microphone", toneHz=hz)
        return participant

    async def open(self, url: str, *, setup: dict[str, Any] | None = None, **context: Any) -> Tab:
        """A tab with a page of the server."""
        tab = await self.chromium.open(url, setup=setup, **context)
        self.tabs.append(tab)
        return tab


@pytest_asyncio.fixture(loop_scope="session")
async def people(chromium: Chromium, server: PlenumServer, room: str) -> AsyncIterator[People]:
    everybody = People(chromium, server, room)
    yield everybody
    for tab in everybody.tabs:
        await tab.close()
    errors = list(itertools.chain.from_iterable(tab.errors for tab in everybody.tabs))
    assert not errors, "the browser's console holds errors"


@pytest_asyncio.fixture(loop_scope="session")
async def relay(server: PlenumServer) -> AsyncIterator[UdpRelay]:
    async with UdpRelay(("127.0.0.1", server.media_port)) as network:
        yield network
