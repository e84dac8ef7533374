"""The real embedded server: it answers, is private, and ends with the process however that ends."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis.asyncio

from scripts import embedded_redis
from scripts.embedded_redis import EmbeddedRedis
from scripts.failures import CommandError

HOLD = """
import asyncio
from scripts.embedded_redis import EmbeddedRedis
async def main():
    server = EmbeddedRedis()
    await server.start()
    print(server.pid, server.url, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


def alive(pid: int) -> bool:
    try:
        # A process that has ended but is not reaped yet counts as ended.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def until_dead(pid: int) -> None:
    async with asyncio.timeout(5):
        while alive(pid):  # noqa: ASYNC110 - nobody tells of the end of a grandchild
            await asyncio.sleep(0.01)


async def test_it_is_a_real_server_with_scripts_and_streams() -> None:
    async with EmbeddedRedis() as server:
        client = redis.asyncio.from_url(server.url, decode_responses=True)
        assert await client.eval("return redis.call('set', KEYS[1], ARGV[1])", 1, "k", "v") == "OK"
        assert await client.get("k") == "v"
        assert await client.xadd("s", {"a": "b"})
        await client.aclose()


async def test_only_this_user_can_reach_it() -> None:
    async with EmbeddedRedis() as server:
        directory = Path(server.url.removeprefix("unix://")).parent
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        client = redis.asyncio.from_url(server.url, decode_responses=True)
        found = await client.config_get("port")
        await client.aclose()
        assert found == {"port": "0"}, "it listens on no TCP port"


async def test_stopping_leaves_nothing_behind_and_can_be_repeated() -> None:
    server = EmbeddedRedis()
    await server.start()
    pid, directory = server.pid, Path(server.url.removeprefix("unix://")).parent
    await server.stop()
    await server.stop()
    assert not alive(pid)
    assert not directory.exists()


async def test_two_at_once_know_nothing_of_each_other() -> None:
    async with EmbeddedRedis() as one, EmbeddedRedis() as two:
        assert one.url != two.url


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can end a child with its parent")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_it_ends_when_the_process_is_killed(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True) as process:  # noqa: ASYNC220
        assert process.stdout is not None
        pid = int((await asyncio.to_thread(process.stdout.readline)).split()[0])
        assert alive(pid)
        os.kill(process.pid, number)
        process.wait()
    await until_dead(pid)


async def test_a_server_that_ends_at_once_is_told_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "valkey-server"
    broken.write_text("#!/bin/sh\necho the disk is on fire\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(embedded_redis, "server_binary", lambda: broken)
    with pytest.raises(CommandError, match="the disk is on fire") as caught:
        await EmbeddedRedis().start()
    assert "PLENUM_REDIS__URL" in caught.value.hint


async def test_a_server_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = tmp_path / "valkey-server"
    silent.write_text("#!/bin/sh\nexec sleep 60\n")
    silent.chmod(0o755)
    monkeypatch.setattr(embedded_redis, "server_binary", lambda: silent)
    monkeypatch.setattr(embedded_redis, "START_TIMEOUT_S", 0.1)
    with pytest.raises(CommandError, match="did not answer"):
        await EmbeddedRedis().start()


async def test_what_killed_servers_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    def make(name: str, *, age_s: float, log: bool = True) -> Path:
        directory = tmp_path / name
        directory.mkdir()
        if log:
            (directory / "valkey.log").touch()
        os.utime(directory, (time.time() - age_s,) * 2)
        return directory

    left = make("plenum-left", age_s=3600)
    keep = [
        make("plenum-starting", age_s=1),
        make("plenum-foreign", age_s=3600, log=False),
        make("other-old", age_s=3600),
    ]
    live = make("plenum-live", age_s=0)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(live / "valkey.sock"))
        listener.listen()
        os.utime(live, (time.time() - 3600,) * 2)
        embedded_redis.remove_leftovers(tmp_path)
    assert not left.exists()
    assert all(directory.exists() for directory in [*keep, live])
