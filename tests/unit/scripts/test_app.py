"""The whole server in this process: it starts, serves, tells what is in its way, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from config.settings import Settings
from scripts import certificate
from scripts.app import PlenumServer
from scripts.embedded_redis import EmbeddedRedis
from scripts.failures import CommandError, ExitCode

SECRET = "a-secret-of-more-than-thirty-two-bytes"


def settings(**changes: dict[str, Any]) -> Settings:
    """Settings of a server on free ports of the loopback address."""
    tree: dict[str, dict[str, Any]] = {
        "auth": {"secret": SECRET},
        "http": {"host": "127.0.0.1", "port": 0},
        "media": {"hosts": ["127.0.0.1"], "port": 0},
    }
    for name, values in changes.items():
        tree.setdefault(name, {}).update(values)
    return Settings.model_validate(tree)


def children() -> set[int]:
    """Processes that this one has started and that still run."""
    own = Path(f"/proc/self/task/{os.getpid()}/children")
    return {int(pid) for pid in own.read_text().split()}


async def test_it_serves_page_health_and_documentation() -> None:
    async with PlenumServer(settings()) as server, httpx.AsyncClient() as client:
        base = f"http://127.0.0.1:{server.http_port}"
        assert server.media_port > 0
        for path, kind in (
            ("/", "text/html"),
            ("/webrtc/health", "application/json"),
            ("/docs", "text/html"),
            ("/openapi.json", "application/json"),
            ("/static/plenum-client.js", "text/javascript"),
        ):
            answer = await client.get(base + path)
            assert answer.status_code == 200, path
            assert answer.headers["content-type"].startswith(kind), path
            assert "server" not in answer.headers


async def test_closing_frees_the_ports_and_ends_the_children() -> None:
    before = children()
    async with PlenumServer(settings()) as server:
        ports = server.http_port, server.media_port
    assert children() <= before
    for kind, port in ((socket.SOCK_STREAM, ports[0]), (socket.SOCK_DGRAM, ports[1])):
        with closing(socket.socket(socket.AF_INET, kind)) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(("127.0.0.1", port))


async def test_http_port_taken() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        with pytest.raises(CommandError, match="in use") as caught:
            await PlenumServer(settings(http={"port": other.getsockname()[1]})).start()
        assert caught.value.code is ExitCode.UNAVAILABLE


async def test_media_port_taken_stops_what_was_started() -> None:
    before = children()
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        with pytest.raises(CommandError, match=str(port)) as caught:
            await PlenumServer(settings(media={"port": port})).start()
    assert caught.value.code is ExitCode.UNAVAILABLE
    assert "--media-port" in caught.value.hint
    assert children() <= before


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("unix:///nonexistent/redis.sock", ExitCode.UNAVAILABLE),
        ("redis://127.0.0.1:1/0", ExitCode.UNAVAILABLE),
        ("ftp://x", ExitCode.CONFIG),
    ],
)
async def test_redis_that_cannot_be_used(url: str, code: ExitCode) -> None:
    with pytest.raises(CommandError, match=r"redis\.url") as caught:
        await PlenumServer(settings(redis={"url": url})).start()
    assert caught.value.code is code


async def test_the_password_of_redis_is_not_told() -> None:
    with pytest.raises(CommandError) as caught:
        await PlenumServer(settings(redis={"url": "redis://user:hunter2@127.0.0.1:1/0"})).start()
    assert "hunter2" not in f"{caught.value.message} {caught.value.hint}"


async def test_configured_redis_is_used_and_no_other_started() -> None:
    async with EmbeddedRedis() as redis:
        before = children()
        async with PlenumServer(settings(redis={"url": redis.url})) as server, httpx.AsyncClient() as client:
            assert children() == before
            assert (await client.get(f"http://127.0.0.1:{server.http_port}/webrtc/health")).status_code == 200


async def test_tls(tmp_path: Path) -> None:
    files = certificate.ensure(tmp_path)
    http = {"tls": True, "tls_certificate": files.certificate, "tls_key": files.key}
    trust = ssl.create_default_context(cafile=files.certificate)
    async with PlenumServer(settings(http=http)) as server, httpx.AsyncClient(verify=trust) as client:
        assert (await client.get(f"https://127.0.0.1:{server.http_port}/webrtc/health")).status_code == 200


async def test_two_servers_in_one_process() -> None:
    async with PlenumServer(settings()) as one, PlenumServer(settings()) as two:
        assert one.http_port != two.http_port


async def test_cancelled_while_starting_leaves_nothing() -> None:
    before = children()
    starting = asyncio.create_task(PlenumServer(settings()).start())
    await asyncio.sleep(0.02)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert children() <= before
