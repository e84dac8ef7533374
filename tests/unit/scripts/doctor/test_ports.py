"""Ports that are free, taken or ours, and whether checks to the announced addresses come back."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest

from config.options import HttpOptions
from config.settings import Settings
from scripts.doctor.findings import Finding, Verdict
from scripts.doctor.ports import check_ports
from sfu.options import MediaOptions
from tests.support.ports import free_media_port, free_tcp_port


@pytest.fixture
def http_port() -> int:
    return free_tcp_port()


@pytest.fixture
def media_port() -> int:
    return free_media_port()


def settings(http_port: int, media_port: int, *announced: str, tcp: bool = True) -> Settings:
    return Settings(
        http=HttpOptions(host="127.0.0.1", port=http_port),
        media=MediaOptions(hosts=["127.0.0.1"], port=media_port, tcp=tcp, announced_addresses=list(announced)),
    )


def by_check(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.check: finding for finding in findings}


@contextlib.asynccontextmanager
async def answering(port: int, answer: bytes) -> AsyncIterator[None]:
    """An HTTP server with one answer."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    async with server:
        yield


async def test_all_free(http_port: int, media_port: int) -> None:
    found = await check_ports(settings(http_port, media_port))
    assert [(f.check, f.verdict) for f in found] == [
        ("http-port", Verdict.OK),
        ("media-port", Verdict.OK),
        ("hairpin", Verdict.OK),
    ]
    assert "all 2 " in found[2].text, "by UDP and by TCP"
    # Nothing is left behind.
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", media_port))


async def test_media_port_taken(http_port: int, media_port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", media_port))
        found = by_check(await check_ports(settings(http_port, media_port)))
    assert found["media-port"].verdict is Verdict.FAIL
    assert str(media_port) in found["media-port"].text
    assert found["media-port"].change.startswith("media.port")


async def test_http_port_taken_by_another_program(http_port: int, media_port: int) -> None:
    async with answering(http_port, b"HTTP/1.1 404 Not Found\r\n\r\n"):
        found = by_check(await check_ports(settings(http_port, media_port)))
    assert found["http-port"].verdict is Verdict.FAIL
    assert found["http-port"].change.startswith("http.port")


async def test_a_running_server_may_have_its_ports(http_port: int, media_port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as media:
        media.bind(("127.0.0.1", media_port))
        async with answering(http_port, b"HTTP/1.1 200 OK\r\n\r\n{}"):
            found = by_check(await check_ports(settings(http_port, media_port)))
    assert found["http-port"].verdict is found["media-port"].verdict is Verdict.OK
    assert "running" in found["media-port"].text


async def test_any_free_port_is_no_port_for_a_firewall(http_port: int) -> None:
    found = by_check(await check_ports(settings(http_port, 0)))
    assert found["media-port"].verdict is Verdict.WARN
    assert found["hairpin"].verdict is Verdict.OK


async def test_an_address_that_does_not_lead_here(
    http_port: int, media_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.doctor.ports.TIMEOUT_S", 0.7)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.2", media_port))
        found = await check_ports(settings(http_port, media_port, "127.0.0.2", "127.0.0.1", tcp=False))
    troubles = [f for f in found if f.check == "hairpin"]
    assert [f.verdict for f in troubles] == [Verdict.WARN]
    assert "127.0.0.2" in troubles[0].text and "no answer" in troubles[0].text


async def test_an_own_address_that_is_blocked(http_port: int, media_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.doctor.ports.TIMEOUT_S", 0.7)
    monkeypatch.setattr("scripts.doctor.ports.interface_addresses", lambda: ["127.0.0.2"])
    found = by_check(await check_ports(settings(http_port, media_port, "127.0.0.2", tcp=False)))
    assert found["hairpin"].verdict is Verdict.FAIL
    assert f"udp dport {media_port} accept" in found["hairpin"].change
