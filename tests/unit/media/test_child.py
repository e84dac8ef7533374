"""A child process: fed, listened to, waited for and killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator

import pytest
import uvloop

from media.child import Child

ECHO = (sys.executable, "-c", "import sys; sys.stderr.write(sys.stdin.read().upper()); sys.exit(3)")
SLEEP = (sys.executable, "-c", "import time; time.sleep(60)")
DEAF = (
    sys.executable,
    "-c",
    "import os, time; os.close(0); print('closed', file=__import__('sys').stderr, flush=True); time.sleep(60)",
)


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest) -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=request.param) as made:
        yield made


async def ask(child: Child) -> None:
    for _ in range(100):
        child.stdin.write(b"anybody?")
        await child.stdin.drain()


async def close(child: Child) -> None:
    child.close()
    await asyncio.sleep(0.01)  # transports close in the loop's next turns


def test_it_is_fed_and_listened_to(runner: asyncio.Runner) -> None:
    async def check() -> None:
        child = await Child.start(ECHO)
        assert child.returncode is None
        child.stdin.write(b"some words\n" * 20_000)
        await child.stdin.drain()
        child.stdin.close()
        assert await child.stderr.read() == b"SOME WORDS\n" * 20_000
        assert await child.wait() == child.returncode == 3
        await close(child)

    runner.run(check())


def test_it_is_killed_and_a_wait_that_is_given_up_costs_nothing(runner: asyncio.Runner) -> None:
    async def check() -> None:
        child = await Child.start(SLEEP)
        assert os.getsid(child.pid) == child.pid, "it leads a session of its own"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(child.wait(), 0.01)
        child.kill()
        assert await child.wait() == -signal.SIGKILL
        child.kill()
        await close(child)

    runner.run(check())


def test_who_does_not_read_makes_the_writer_wait_and_who_does_not_listen_fails_it(runner: asyncio.Runner) -> None:
    async def check() -> None:
        slow = await Child.start(SLEEP)
        slow.stdin.write(bytes(1 << 20))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(slow.stdin.drain(), 0.05)
        slow.kill()
        await slow.wait()
        await close(slow)
        deaf = await Child.start(DEAF)
        await deaf.stderr.readline()
        with pytest.raises(ConnectionError):
            await ask(deaf)
        deaf.kill()
        await deaf.wait()
        await close(deaf)

    runner.run(check())


def test_what_does_not_exist(runner: asyncio.Runner) -> None:
    with pytest.raises(OSError, match="nowhere"):
        runner.run(Child.start(("/nowhere/to/be/found",)))
