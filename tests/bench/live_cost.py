"""Processor time of a live stream: to one RTMP server, to two, and to HLS with three renditions as well.

    python -m tests.bench.live_cost [--quality 720p] [--seconds 20]

The room holds one camera and one microphone (a film published by WHIP); figures are shares of a core.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from tests.support.live_stage import LiveStage, Stoppages, cpu_s, memory_mb
from tests.support.rtmp_server import RtmpServer


async def shares(stage: LiveStage, seconds: float) -> dict[str, Any]:
    """Of the server and of its workers, for a while."""
    await asyncio.sleep(6)  # it settles
    workers = stage.workers()
    before = stage.server.cpu_s(), [cpu_s(pid) for pid in workers]
    await asyncio.sleep(seconds)
    return {
        "server": round((stage.server.cpu_s() - before[0]) / seconds, 3),
        "workers": [round((cpu_s(pid) - was) / seconds, 3) for pid, was in zip(workers, before[1], strict=True)],
        "worker_mb": [round(memory_mb(pid)) for pid in workers],
    }


async def run(quality: str, seconds: float) -> None:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        nginx = await stack.enter_async_context(RtmpServer(folder / "nginx"))
        stage = await stack.enter_async_context(LiveStage(film="1280x720"))
        stoppages = Stoppages()
        found: dict[str, Any] = {"no stream": await shares(stage, seconds)}
        await stage.start(stream_url=nginx.url, stream_key="one", quality=quality)
        found["one RTMP server"] = await shares(stage, seconds)
        await stage.start(stream_url=nginx.url, stream_key="two", quality=quality)
        found["two RTMP servers"] = await shares(stage, seconds)
        await stage.start(quality=quality, hls={"public": True})
        found["and HLS, three renditions"] = await shares(stage, seconds)
        found["machine_stopped_us_s"] = stoppages.close()
        print(json.dumps(found, indent=1), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--quality", default="720p")
    parser.add_argument("--seconds", type=float, default=20)
    given = parser.parse_args()
    asyncio.run(run(given.quality, given.seconds))
