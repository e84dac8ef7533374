"""Live streams as the shard runs them: real workers with a synthetic program, a real RTMP server, HLS by ASGI."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse

from media.feed import Layout, Message, Overlay, Participant
from media.jobs.manager import Jobs
from media.jobs.options import JobOptions
from scripts.live_storage import bucket_writer
from sfu.sinks import MediaSink
from streaming.hls.http import HlsServer
from streaming.live.service import LiveService
from streaming.live.spec import HlsSpec, RtmpSpec, StreamReport, StreamSpec, StreamState
from streaming.options import LiveOptions
from tests.support.rtmp_server import RtmpServer, ffprobe
from tests.support.s3_server import BUCKET, S3Server

WORKER = "tests.support.live_worker"


class EmptyRoom:
    """A tap without tracks, which gives its sinks their turns as a Router does."""

    def __init__(self) -> None:
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def add_sink(self, sink: MediaSink) -> None:
        self._tasks[id(sink)] = asyncio.create_task(self._turns(sink))

    def remove_sink(self, sink: MediaSink) -> None:
        task = self._tasks.pop(id(sink), None)
        if task is not None:
            task.cancel()

    async def _turns(self, sink: MediaSink) -> None:
        while True:
            await asyncio.sleep(0.02)
            sink.flush(time.monotonic())


class Shard:
    """A LiveService with its Jobs, and what it reports."""

    def __init__(self, directory: Path, storage: S3Server) -> None:
        self.jobs = Jobs(JobOptions(max_load_per_core=1_000))
        options = LiveOptions(private_targets=True, directory=directory, s3_bucket=BUCKET)
        put = bucket_writer(options, storage.options())
        self.service = LiveService(self.jobs, options, b"secret", lambda room, token: token == "good", WORKER, put)
        self.room = EmptyRoom()
        self.reports: dict[str, list[StreamReport]] = {}
        app = HlsServer(PlainTextResponse("none", 404), self.service)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x/webrtc/hls/room/")

    async def start(self, stream_id: str, **spec: Any) -> None:
        reports = self.reports.setdefault(stream_id, [])
        news: list[Message] = [Participant("ada", "Ada")]
        values: dict[str, Any] = {"quality": "480p", **spec}
        await self.service.start(StreamSpec("room", stream_id, **values), self.room, lambda: news, reports.append)

    async def until(
        self, stream_id: str, wanted: Callable[[StreamReport], bool], timeout_s: float = 30
    ) -> StreamReport:
        deadline = time.monotonic() + timeout_s
        while True:
            reports = self.reports[stream_id]
            if reports and wanted(reports[-1]):
                return reports[-1]
            assert time.monotonic() < deadline, reports[-3:]
            await asyncio.sleep(0.05)

    async def live(self, stream_id: str) -> StreamReport:
        return await self.until(stream_id, lambda report: report.state is StreamState.LIVE)

    def worker_pids(self) -> list[int]:
        return [job.worker.pid for job in self.jobs.running.values() if job.worker is not None]

    async def playlist(self, stream_id: str, number: int = 0) -> str:
        index = await self.client.get(f"{stream_id}/index.m3u8", timeout=20)
        assert index.status_code == 200, index.text
        path = [line for line in index.text.splitlines() if line.endswith(".m3u8")][number]
        return (await self.client.get(f"{stream_id}/{path}")).text

    async def close(self) -> None:
        await self.jobs.close()
        await self.service.close()
        await self.client.aclose()


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[S3Server]:
    """Started by who needs it; without it, streams go on all the same."""
    server = S3Server(tmp_path / "s3", public=True)
    yield server
    server.kill()


@pytest.fixture
async def shard(tmp_path: Path, storage: S3Server) -> AsyncIterator[Shard]:
    made = Shard(tmp_path / "live", storage)
    yield made
    await made.close()


@pytest.fixture
async def nginx(tmp_path: Path) -> AsyncIterator[RtmpServer]:
    async with RtmpServer(tmp_path / "nginx") as server:
        yield server


async def test_one_encoding_serves_two_servers_and_hls(shard: Shard, nginx: RtmpServer, storage: S3Server) -> None:
    await asyncio.to_thread(storage.start)
    await shard.start("two", rtmp=RtmpSpec(nginx.url, "key-two"))
    await shard.live("two")
    # What is new are two smaller renditions; the worker makes them beside what it makes already.
    await shard.start("one", rtmp=RtmpSpec(nginx.url, "key-one"), hls=HlsSpec())
    await shard.live("one")
    assert len(shard.worker_pids()) == 1
    for key in ("key-one", "key-two"):
        found = await nginx.probe(key)
        assert {s["codec_name"] for s in found["streams"]} == {"h264", "aac"}
        assert [(s["width"], s["height"]) for s in found["streams"] if "width" in s] == [(854, 480)]
    index = await shard.client.get("one/index.m3u8")
    assert index.text.count("#EXT-X-STREAM-INF") == 3
    assert "#EXT-X-PART:" in await shard.playlist("one", 2)
    report = await shard.until("one", lambda report: report.viewers == 2)
    assert report.uplink_bps > 100_000 and report.dropped_frames == 0
    # One goes, the other stays on the same worker.
    pids = shard.worker_pids()
    shard.service.stop("room", "one")
    assert shard.reports["one"][-1].state is StreamState.STOPPED
    assert "#EXT-X-ENDLIST" in await shard.playlist("one")
    await nginx.probe("key-two")
    assert shard.worker_pids() == pids
    # What was copied plays from the storage, without us.
    copy = await ffprobe(f"{storage.url}/{BUCKET}/live/room/one/index.m3u8")
    assert sorted({s["height"] for s in copy["streams"] if "height" in s}) == [240, 360, 480]
    assert float(copy["format"]["duration"]) > 2 and copy["words"] == ""
    shard.service.stop("room", "two")
    await asyncio.wait_for(asyncio.gather(*(job.wait() for job in list(shard.jobs.running.values()))), 15)


async def test_a_stream_survives_its_worker(shard: Shard, nginx: RtmpServer, tmp_path: Path) -> None:
    await shard.start("one", rtmp=RtmpSpec(nginx.url, "key"), hls=HlsSpec(public=False))
    await shard.live("one")
    await shard.until("one", lambda report: shard.service.stream("room", "one").ready)  # type: ignore[union-attr]
    shard.service.arrange("room", Layout("speaker"), Overlay(title="Assembly"))
    os.kill(shard.worker_pids()[0], signal.SIGKILL)
    killed_at = time.monotonic()
    await shard.until("one", lambda report: report.state is StreamState.RECONNECTING)
    report = await shard.live("one")
    print(f"back after {time.monotonic() - killed_at:.1f} s")
    assert report.reason is None
    # The picture is as it was arranged, and who is there is known again.
    job = next(iter(shard.jobs.running.values()))
    assert job.status["program"]["layout"] == "speaker" and job.status["program"]["people"] == ["Ada"]
    assert (await shard.client.get("one/index.m3u8")).status_code == 401
    index = await shard.client.get("one/index.m3u8?token=good")
    for _ in range(100):
        text = (await shard.client.get("one/" + index.text.splitlines()[4])).text
        if "#EXT-X-DISCONTINUITY\n" in text:
            break
        await asyncio.sleep(0.1)
    assert 'init0.mp4"' in text and 'init1.mp4"' in text
    # What was recorded of it all plays, across the gap.
    shard.service.stop("room", "one")
    await asyncio.sleep(0.5)  # the archive is written
    files = archived(tmp_path, tmp_path / "joined.mp4")
    assert len(files) == 2
    for file in files:
        assert (await ffprobe(file))["words"] == ""


def archived(folder: Path, into: Path) -> list[Path]:
    """The first segment after each initialisation segment, as files that play."""
    found = []
    rendition = next(folder.glob("live/*/one/480p"))
    lines = [json.loads(line) for line in (rendition / "journal.jsonl").read_text().splitlines()]
    for init in dict.fromkeys(line["init"] for line in lines):
        msn = next(line["msn"] for line in lines if line["init"] == init)
        file = into.with_stem(init)
        file.write_bytes((rendition / init).read_bytes() + (rendition / f"seg{msn}.m4s").read_bytes())
        found.append(file)
    return found


def process_texts(pid: int) -> list[str]:
    """What others can see of a process."""
    return [Path(f"/proc/{pid}/{name}").read_bytes().decode(errors="replace") for name in ("cmdline", "environ")]


async def test_a_key_shows_nowhere(shard: Shard, caplog: pytest.LogCaptureFixture, capsys: Any) -> None:
    await shard.start("one", rtmp=RtmpSpec("rtmp://127.0.0.1:9/live", "SECRET-key"))
    report = await shard.until("one", lambda report: report.reason is not None)
    assert report.reason == "the server takes no connections"
    pid = shard.worker_pids()[0]
    seen = [str(shard.reports), caplog.text, *capsys.readouterr(), repr(shard.service.running())]
    seen += process_texts(pid)
    seen.append(str(next(iter(shard.jobs.running.values())).status))
    assert not [text for text in seen if "SECRET" in text]
