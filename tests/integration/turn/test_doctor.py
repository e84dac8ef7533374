"""The doctor at a real coturn."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from pydantic import SecretStr

from scripts.doctor.findings import Verdict
from scripts.doctor.turn import check_turn
from scripts.doctor.turn_client import TurnAddress, parse_turn_url
from signaling.options import IceServer, RoomOptions, TurnOptions
from tests.support.ports import free_media_port
from tests.support.turn_server import TurnServer

SECRET = "the doctor's secret"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def coturn() -> AsyncIterator[TurnServer]:
    async with TurnServer(SECRET) as server:
        yield server


def rooms(url: str, secret: str = SECRET) -> RoomOptions:
    return RoomOptions(turn=TurnOptions(urls=[url], secret=SecretStr(secret)))


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_server_that_relays(coturn: TurnServer, transport: str) -> None:
    (finding,) = await check_turn(rooms(f"turn:127.0.0.1:{coturn.port}?transport={transport}"))
    assert finding.verdict is Verdict.OK, finding
    assert "relays from 127.0.0.1" in finding.text


@pytest.mark.asyncio(loop_scope="module")
async def test_another_secret(coturn: TurnServer) -> None:
    (finding,) = await check_turn(rooms(f"turn:127.0.0.1:{coturn.port}", "another"))
    assert finding.verdict is Verdict.FAIL
    assert "static-auth-secret" in finding.change
    assert "another" not in repr(finding)


@pytest.mark.asyncio(loop_scope="module")
async def test_fixed_credentials_are_tried_too(coturn: TurnServer) -> None:
    server = IceServer(
        urls=["stun:127.0.0.1", f"turn:127.0.0.1:{coturn.port}"], username="user", credential=SecretStr("wrong")
    )
    (finding,) = await check_turn(RoomOptions(ice_servers=[server]))
    assert finding.verdict is Verdict.FAIL
    assert finding.change.startswith("rooms.ice_servers")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_nobody_there(transport: str) -> None:
    url = f"turn:127.0.0.1:{free_media_port()}?transport={transport}"
    (finding,) = await check_turn(rooms(url), timeout_s=1)
    assert finding.verdict is Verdict.FAIL
    assert "cannot be reached" in finding.text


@contextlib.asynccontextmanager
async def saying(answer: bytes) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(20)
        writer.write(answer)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("answer", "word"),
    [(b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(70_000), "does not speak TURN"), (b"", "cannot be reached")],
)
async def test_something_else_there(answer: bytes, word: str) -> None:
    async with saying(answer) as port:
        (finding,) = await check_turn(rooms(f"turn:127.0.0.1:{port}?transport=tcp"), timeout_s=1)
    assert finding.verdict is Verdict.FAIL
    assert word in finding.text


async def test_none_is_set() -> None:
    (finding,) = await check_turn(RoomOptions(ice_servers=[IceServer(urls=["stun:stun.example.org"])]))
    assert finding.verdict is Verdict.OK


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("turn:h", TurnAddress("h", 3478, "udp")),
        ("turn:h:99?transport=tcp", TurnAddress("h", 99, "tcp")),
        ("turns:h", TurnAddress("h", 5349, "tls")),
        ("turns:[2001:db8::1]:443?transport=tcp", TurnAddress("2001:db8::1", 443, "tls")),
        ("turns:h?transport=udp", None),
        ("stun:h", None),
    ],
)
def test_addresses(url: str, address: TurnAddress | None) -> None:
    assert parse_turn_url(url) == address
