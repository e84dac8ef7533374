"""Relays in a process of their own, so that a busy test does not delay the packets it measures.

The process reads one JSON command a line and answers each with one line; it ends with its input. Times of the samples
are CLOCK_MONOTONIC, which all processes of a machine share.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

from tests.support.relay import Address, Impairment, Step, UdpRelay


class PathHandle:
    """One relay in the other process."""

    def __init__(self, process: RelayProcess, index: int, address: Address) -> None:
        self._process = process
        self.index = index
        self.address = address

    @property
    def page_setup(self) -> dict[str, object]:
        return {"relay": {"address": self.address[0], "port": self.address[1]}}

    async def change(self, up: Impairment, down: Impairment) -> None:
        await self.play([Step(0.0, up, down)])

    async def play(self, steps: Sequence[Step]) -> None:
        """Change by a schedule that starts now."""
        rows = [[step.at_s, step.up.to_dict(), step.down.to_dict()] for step in steps]
        await self._process.ask("play", self.index, rows)


class RelayProcess:
    """``async with`` starts and ends the process; each path that is opened is one relay in it."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> RelayProcess:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            __name__,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        return self

    async def __aexit__(self, *failure: object) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            await self._process.wait()

    async def open(self, server: Address, *, seed: int = 1) -> PathHandle:
        index, host, port = await self.ask("open", *server, seed)
        return PathHandle(self, index, (host, port))

    async def sample(self) -> tuple[float, list[dict[str, dict[str, float]]]]:
        """The time of the sample, and :meth:`UdpRelay.sample` of each path."""
        at, paths = await self.ask("sample")
        return at, paths

    async def ask(self, *command: object) -> Any:
        process = self._process
        assert process is not None and process.stdin is not None and process.stdout is not None
        async with self._turn:
            process.stdin.write(json.dumps(command).encode() + b"\n")
            answer = await process.stdout.readline()
        if not answer:
            raise RuntimeError("the relay process has ended")
        return json.loads(answer)


class _Inside:
    """The commands, in the other process."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self.stack = stack
        self.relays: list[UdpRelay] = []

    async def open(self, host: str, port: int, seed: int) -> object:
        relay = await self.stack.enter_async_context(UdpRelay((host, port), seed=seed))
        self.relays.append(relay)
        return len(self.relays) - 1, *relay.address

    async def play(self, index: int, rows: list[Any]) -> object:
        steps = [Step(at_s, Impairment.from_dict(up), Impairment.from_dict(down)) for at_s, up, down in rows]
        self.relays[index].play(steps)
        return None

    async def sample(self) -> object:
        return time.monotonic(), [relay.sample() for relay in self.relays]


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    async with AsyncExitStack() as stack:
        inside = _Inside(stack)
        while line := await commands.readline():
            name, *arguments = json.loads(line)
            print(json.dumps(await getattr(inside, name)(*arguments)), flush=True)


if __name__ == "__main__":
    asyncio.run(_serve())
