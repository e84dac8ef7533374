"""The operator's commands against a server that runs, with real WebRTC clients in it."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
from pathlib import Path
from typing import Any

import httpx

from scripts.embedded_redis import EmbeddedRedis
from tests.support.participant import eventually
from tests.support.server import ROOT, PlenumServer


async def begin(server: PlenumServer, *arguments: str) -> asyncio.subprocess.Process:
    """Start a command with the service's settings."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from scripts.cli import main; main()", *arguments, "--json"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=server.environment(),
        cwd=ROOT,
    )


async def end(process: asyncio.subprocess.Process) -> tuple[int, Any]:
    """Its exit code, and what it printed as JSON."""
    printed, complaints = await process.communicate()
    assert process.returncode is not None
    assert b"Traceback" not in complaints, complaints.decode()
    return process.returncode, json.loads(printed) if printed.strip() else None


async def plenum(server: PlenumServer, *arguments: str) -> tuple[int, Any]:
    """Run a command."""
    return await end(await begin(server, *arguments))


async def test_a_load_test_is_seen_and_its_recording_stopped(tmp_path: Path) -> None:
    async with EmbeddedRedis() as redis:
        settings = {
            "PLENUM_REDIS__URL": redis.url,
            "PLENUM_RECORDING__FOLDER": str(tmp_path / "recordings"),
        }
        async with PlenumServer(tmp_path, settings) as server:
            load = await begin(
                server,
                *("loadtest", server.url.replace("localhost", "127.0.0.1"), "--publishers", "2", "--receivers", "1"),
                *("--seconds", "600", "--size", "180p", "--video-kbps", "150"),
            )
            await eventually(lambda: _present(server, 3), 30, "the clients of the load test do not come")
            host = server.token("boss", "load-0", role="host")
            async with httpx.AsyncClient(base_url=f"{server.url}/webrtc/rooms/load-0") as http:
                http.headers["Authorization"] = f"Bearer {host}"
                answer = await http.post("/recordings/start", json={"mode": "tracks"})
                assert answer.status_code == 200, answer.text
            (code, top), (_, listed), (_, streams), (_, people) = await asyncio.gather(
                plenum(server, "top", "--count", "1", "--every", "1"),
                plenum(server, "recordings", "list"),
                plenum(server, "streams", "list"),
                plenum(server, "participants", "list", "load-0"),
            )
            assert code == 0
            (shard,), (room,) = top["shards"], top["rooms"]
            assert shard["packets_sent_per_s"] > 50 and shard["packets_received_per_s"] > 50
            assert room["participants"] == 3 and room["publications"] == 4 and room["recordings"] == 1
            assert [one["room_id"] for one in listed] == ["load-0"] and streams == []
            assert {one["username"] for one in people} == {"load-0-pub0", "load-0-pub1", "load-0-sub2"}
            assert any(transport["path"] == "udp" for one in people for transport in one["transports"])
            code, stopped = await plenum(server, "recordings", "stop", "load-0")
            assert code == 0 and stopped["stopped"] == [listed[0]["recording_id"]]
            code, _ = await plenum(server, "streams", "stop", "load-0")
            assert code == 69, "there is no stream to stop"
            await eventually(lambda: _has_sent(server, 1_500), 30, "the load is not carried")
            load.send_signal(signal.SIGINT)
            code, found = await end(load)
            assert (code, found["ok"]) == (0, True), found
            assert found["joined"] == 3 and found["silent_tracks"] == 0 and found["expected_tracks"] == 8
            assert found["delay_ms"]["p50"] is not None and found["packets_received"] > 500
            _, kept = await plenum(server, "recordings", "list", "load-0")
            assert [one["recording_id"] for one in kept] == stopped["stopped"], "the room is closed, and still known"


async def test_a_load_test_of_nothing_says_so(tmp_path: Path) -> None:
    server = PlenumServer(tmp_path)  # never started
    code, found = await plenum(server, "loadtest", f"http://127.0.0.1:{server.port}", "--seconds", "1")
    assert code == 69 and found["joined"] == 0 and not found["ok"]


async def _present(server: PlenumServer, count: int) -> bool:
    return bool((await server.get_json("/health"))["participants"] == count)


async def _has_sent(server: PlenumServer, packets: int) -> bool:
    """Whether so many RTP packets went out since the start."""
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{server.url}/webrtc/metrics")).text
    (found,) = re.findall(r'^plenum_media_packets_total\{direction="sent"\} ([0-9.e+]+)$', text, re.MULTILINE)
    return float(found) > packets
