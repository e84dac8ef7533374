"""What a request through the wrong shard costs more: `python -m tests.bench.wrong_door`. Two processes, one Redis."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import httpx

from scripts.embedded_redis import EmbeddedRedis
from tests.support.server import PlenumServer

REQUESTS = 400


async def main() -> None:
    async with EmbeddedRedis() as redis:
        with tempfile.TemporaryDirectory() as folder:
            settings = {"PLENUM_REDIS__URL": redis.url, "PLENUM_ROOMS__REQUESTS_PER_MINUTE": "1000000"}
            servers = [
                PlenumServer(Path(folder), {**settings, "PLENUM_SHARDS__ID": f"s{number}"}) for number in range(2)
            ]
            async with servers[0], servers[1]:
                await asyncio.sleep(1.5)
                await measure(servers)


async def measure(servers: list[PlenumServer]) -> None:
    from websockets.asyncio.client import connect

    token = servers[0].token("alice")
    async with (
        connect(f"{servers[0].url.replace('http', 'ws')}/webrtc/ws/demo?token={token}"),
        httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as http,
    ):
        times: list[list[float]] = [[], []]
        for number in range(REQUESTS + 20):
            for index, server in enumerate(servers):
                started = time.perf_counter()
                answer = await http.get(f"{server.url}/webrtc/rooms/demo/participants")
                answer.raise_for_status()
                if number >= 20:
                    times[index].append((time.perf_counter() - started) * 1000)
        medians = sorted(statistics.median(found) for found in times)
        p95 = sorted(statistics.quantiles(found, n=20)[-1] for found in times)
        print(f"right door {medians[0]:.2f} ms, wrong door {medians[1]:.2f} ms: adds {medians[1] - medians[0]:.2f} ms")
        print(f"95th percentile {p95[0]:.2f} and {p95[1]:.2f} ms")


if __name__ == "__main__":
    asyncio.run(main())
