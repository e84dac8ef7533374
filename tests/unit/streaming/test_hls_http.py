"""HLS as viewers see it: addresses, waiting, ranges, headers, tokens, and the past from the archive."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import httpx
import pytest
from starlette.responses import PlainTextResponse

from streaming.hls import past
from streaming.hls.archive import Archive
from streaming.hls.http import HlsServer
from streaming.hls.rendition import RenditionInfo
from streaming.hls.stream import HlsStream, HlsTiming

BASE = "/webrtc/hls/r/s/"
INFOS = [
    RenditionInfo(name, width, height, Fraction(30), ("avc1.42c01f", "mp4a.40.2"), bps)
    for name, width, height, bps in (("720p", 1280, 720, 3_000_000), ("480p", 854, 480, 1_000_000))
]


class Gate:
    """One stream; the token ``good`` opens it."""

    def __init__(self, stream: HlsStream) -> None:
        self._stream = stream

    def stream(self, room_id: str, stream_id: str) -> HlsStream | None:
        return self._stream if (room_id, stream_id) == ("r", "s") else None

    async def past(self, room_id: str, stream_id: str) -> HlsStream | None:
        return None

    def may_watch(self, room_id: str, stream: HlsStream, token: str | None) -> bool:
        return token == "good"


class Viewer:
    """A client of the stream, and the worker that feeds it."""

    def __init__(self, stream: HlsStream) -> None:
        self.stream = stream
        app = HlsServer(PlainTextResponse("another", 404), Gate(stream))
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x")
        self.number = 0

    def begin(self) -> None:
        for info in INFOS:
            self.stream.begin(info, b"init of " + info.name.encode())

    def make(self, parts: int) -> None:
        for _ in range(parts):
            for info in INFOS:
                data = b"%s part %d;" % (info.name.encode(), self.number)
                self.stream.add_part(info.name, data, 1e9, 0.5, independent=self.number % 4 == 0)
                if self.number % 4 == 3:
                    self.stream.end_segment(info.name, 2.0)
            self.number += 1

    async def get(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self._client.request(method, BASE + path, headers={"accept-encoding": "", **headers})

    async def open(self, token: str = "") -> str:
        """The address of the first media playlist."""
        answer = await self.get(f"index.m3u8{token}")
        assert answer.status_code == 200, answer.text
        return answer.text.splitlines()[4]

    def media(self, file: str, rendition: str = "720p") -> str:
        return f"m/{self.stream.media_path}/{rendition}/{file}"


@pytest.fixture
def viewer() -> Viewer:
    made = Viewer(HlsStream("r", "s", b"key", HlsTiming(), public=True, archive=None))
    made.begin()
    made.make(6)
    return made


@pytest.fixture
async def archived(tmp_path: Path) -> AsyncIterator[tuple[Viewer, ThreadPoolExecutor]]:
    with ThreadPoolExecutor(1) as executor:
        stream = HlsStream("r", "s", b"key", HlsTiming(), public=True, archive=Archive(tmp_path / "r" / "s", executor))
        made = Viewer(stream)
        made.begin()
        yield made, executor


async def test_from_the_first_address_to_the_media(viewer: Viewer) -> None:
    index = await viewer.get("index.m3u8")
    assert index.headers["content-type"] == "application/vnd.apple.mpegurl"
    assert index.headers["cache-control"] == "no-store"
    assert index.headers["access-control-allow-origin"] == "*"
    playlist_path = index.text.splitlines()[4]
    playlist = await viewer.get(playlist_path)
    assert playlist.status_code == 200 and playlist.headers["cache-control"] == "no-cache"
    assert 'RENDITION-REPORT:URI="480p.m3u8",LAST-MSN=1,LAST-PART=1' in playlist.text
    # Names in the playlist are relative to it; the media itself has an address that all viewers share.
    files = re.findall(r'(?:URI="|^)((?:\.\./|seg|init|part)[^"\n]*)', playlist.text, re.MULTILINE)
    assert len(files) == 9
    for file in files[:-1]:
        url = httpx.URL(f"http://x{BASE}{playlist_path}").join(file)
        media = await viewer.get(url.path.removeprefix(BASE))
        assert media.status_code == 200 and media.headers["content-type"] == "video/mp4", file
        assert media.headers["cache-control"] == "public, max-age=86400, immutable"
    segment = await viewer.get(viewer.media("seg0.m4s"))
    assert segment.content == b"720p part 0;720p part 1;720p part 2;720p part 3;"


async def test_playlists_are_compressed_for_who_takes_it(viewer: Viewer) -> None:
    path = await viewer.open()
    plain, packed = await viewer.get(path), await viewer.get(path, accept_encoding="gzip, br")
    assert packed.headers["content-encoding"] == "gzip" and packed.text == plain.text
    assert plain.headers["vary"] == packed.headers["vary"] == "accept-encoding"


@pytest.mark.parametrize(
    ("wanted", "status", "body", "content_range"),
    [
        ("bytes=0-3", 206, b"720p", "bytes 0-3/48"),
        ("bytes=44-", 206, b"t 3;", "bytes 44-47/48"),
        ("bytes=-4", 206, b"t 3;", "bytes 44-47/48"),
        ("bytes=44-999", 206, b"t 3;", "bytes 44-47/48"),
        ("bytes=48-", 416, None, "bytes */48"),
        ("bytes=5-4", 416, None, "bytes */48"),
        ("bytes=0-1,3-4", 200, None, None),
        ("lines=1-2", 200, None, None),
        ("bytes=-", 200, None, None),
    ],
)
async def test_byte_ranges(
    viewer: Viewer, wanted: str, status: int, body: bytes | None, content_range: str | None
) -> None:
    answer = await viewer.get(viewer.media("seg0.m4s"), range=wanted)
    assert (answer.status_code, answer.headers.get("content-range")) == (status, content_range)
    assert body is None or answer.content == body


async def test_a_blocking_reload_waits_for_its_part(viewer: Viewer) -> None:
    path = await viewer.open()
    waiting = asyncio.create_task(viewer.get(f"{path}?_HLS_msn=1&_HLS_part=2"))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    viewer.make(1)
    answer = await asyncio.wait_for(waiting, 2)
    assert answer.status_code == 200 and "part6.m4s" in answer.text


async def test_the_hinted_part_is_waited_for(viewer: Viewer) -> None:
    waiting = asyncio.create_task(viewer.get(viewer.media("part6.m4s")))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    viewer.make(1)
    assert (await asyncio.wait_for(waiting, 2)).content == b"720p part 6;"


async def test_a_delta_update(viewer: Viewer) -> None:
    viewer.make(30)
    path = await viewer.open()
    assert "#EXT-X-SKIP:SKIPPED-SEGMENTS=" in (await viewer.get(f"{path}?_HLS_skip=YES")).text
    assert "#EXT-X-SKIP" not in (await viewer.get(path)).text


@pytest.mark.parametrize("query", ["_HLS_part=1", "_HLS_msn=x", "_HLS_msn=1&_HLS_part=x", "_HLS_msn=1000"])
async def test_blocking_requests_that_make_no_sense(viewer: Viewer, query: str) -> None:
    answer = await viewer.get(f"{await viewer.open()}?{query}")
    assert answer.status_code == 400 and answer.json()["error_code"] == "invalid_message"


@pytest.mark.parametrize(
    "path",
    [
        "s/{session}/240p.m3u8",
        "m/{media}/240p/seg0.m4s",
        "m/{media}/720p/seg99.m4s",
        "m/{media}/720p/part99.m4s",
        "m/{media}/720p/../../etc/passwd",
        "m/{media}/720p/journal.jsonl",
        "m/000000000000000000000000/720p/seg0.m4s",
        "other.m3u8",
        "",
    ],
)
async def test_what_is_not_there(viewer: Viewer, path: str) -> None:
    session = (await viewer.open()).split("/")[1]
    answer = await viewer.get(path.format(session=session, media=viewer.stream.media_path))
    assert answer.status_code == 404 and answer.json()["error_code"] == "not_found"
    assert answer.headers["cache-control"] == "no-store"


async def test_another_stream_is_somebody_elses(viewer: Viewer) -> None:
    assert (await viewer.get("../t/index.m3u8")).text == "another"


async def test_methods(viewer: Viewer) -> None:
    preflight = await viewer.get("index.m3u8", "OPTIONS")
    assert preflight.status_code == 204 and "range" in preflight.headers["access-control-allow-headers"]
    head = await viewer.get(viewer.media("seg0.m4s"), "HEAD")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "48")
    assert (await viewer.get("index.m3u8", "POST")).status_code == 405


async def test_a_session_of_another_stream_is_refused(viewer: Viewer) -> None:
    other = HlsStream("r", "s", b"other key", HlsTiming(), public=True, archive=None)
    for session in ("x", other.viewers.new_session(bytes(9)), "A" * 24):
        assert (await viewer.get(f"s/{session}/720p.m3u8")).status_code == 403


async def test_viewers_are_counted_by_session(viewer: Viewer) -> None:
    assert viewer.stream.viewers.count(0) == 0
    paths = [await viewer.open() for _ in range(3)]
    for path in paths * 2:
        await viewer.get(path)
    now = asyncio.get_running_loop().time()
    assert viewer.stream.viewers.count(now) == 3
    assert viewer.stream.viewers.count(now + 60) == 0


async def test_tokens() -> None:
    closed = Viewer(HlsStream("r", "s", b"key", HlsTiming(), public=False, archive=None))
    closed.begin()
    closed.make(4)
    for query, headers in (("", {}), ("?token=bad", {}), ("", {"authorization": "Bearer bad"})):
        assert (await closed.get(f"index.m3u8{query}", **headers)).status_code == 401
    assert (await closed.get("index.m3u8", authorization="Bearer good")).status_code == 200
    # The playlist carries the right on: a video element can send no header.
    assert (await closed.get(await closed.open("?token=good"))).status_code == 200


async def test_the_state_is_told_without_an_error(viewer: Viewer) -> None:
    early = Viewer(HlsStream("r", "s", b"key", HlsTiming(), public=False, archive=None))

    async def state(of: Viewer, path: str = "state.json") -> str:
        answer = await of.get(path)
        assert answer.status_code == 200 and abs(answer.json()["now_ms"] / 1000 - time.time()) < 60
        return str(answer.json()["state"])

    assert await state(viewer, "../t/state.json") == "none"
    assert (await state(early), await state(early, "state.json?token=good")) == ("closed", "waiting")
    assert await state(viewer) == "live"
    viewer.stream.finish()
    assert await state(viewer) == "ended"


async def test_who_comes_early_waits() -> None:
    early = Viewer(HlsStream("r", "s", b"key", HlsTiming(), public=True, archive=None))
    waiting = asyncio.create_task(early.get("index.m3u8"))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    early.begin()
    early.make(4)
    assert (await asyncio.wait_for(waiting, 2)).status_code == 200


async def test_a_stream_that_comes_from_another_shard(viewer: Viewer) -> None:
    path = await viewer.open()
    waiting = asyncio.create_task(viewer.get(f"{path}?_HLS_msn=3"))
    await asyncio.sleep(0.05)
    viewer.stream.leave()
    assert (await asyncio.wait_for(waiting, 2)).status_code == 503, "it is to be asked for again, elsewhere"
    later = Viewer(HlsStream("r", "s", b"key", HlsTiming(), public=True, archive=None))
    await later.stream.load(elapsed_s=30.0)
    coming = asyncio.create_task(later.get(path))
    await asyncio.sleep(0.05)
    assert not coming.done(), "its encoder is only just beginning"
    later.begin()
    later.make(4)
    answer = await asyncio.wait_for(coming, 2)
    assert answer.status_code == 200 and "#EXT-X-MEDIA-SEQUENCE:40" in answer.text


async def test_the_end_wakes_who_waits(viewer: Viewer) -> None:
    path = await viewer.open()
    waiting = [asyncio.create_task(viewer.get(f"{path}?_HLS_msn=9")), asyncio.create_task(viewer.get(path))]
    part = asyncio.create_task(viewer.get(viewer.media("part6.m4s")))
    await asyncio.sleep(0.05)
    viewer.stream.finish()
    assert (await asyncio.wait_for(part, 2)).status_code == 404
    answer = await asyncio.wait_for(viewer.get(path), 2)
    assert answer.text.endswith("#EXT-X-ENDLIST\n") and answer.headers["cache-control"] == "max-age=3600"
    await asyncio.gather(*waiting)


async def test_the_whole_stream_can_be_watched_afterwards(archived: tuple[Viewer, ThreadPoolExecutor]) -> None:
    viewer, executor = archived
    viewer.make(200)
    viewer.stream.finish()
    executor.submit(int).result()
    text = (await viewer.get(await viewer.open())).text
    assert "#EXT-X-PLAYLIST-TYPE:VOD" in text and text.count("#EXTINF") == 50
    first = await viewer.get(viewer.media("seg0.m4s"))
    assert first.content.startswith(b"720p part 0;")
    assert len(viewer.stream.renditions["720p"].blobs) < 50


async def test_a_new_process_serves_what_has_ended(archived: tuple[Viewer, ThreadPoolExecutor]) -> None:
    viewer, executor = archived
    viewer.make(30)
    path = await viewer.open()
    archive = viewer.stream.archive
    assert archive is not None

    def revived() -> tuple[HlsStream, float] | None:
        executor.submit(int).result()
        return past.revive("r", "s", b"key", HlsTiming(window_s=None), archive)

    assert revived() is None  # it goes on
    viewer.stream.finish()
    found = revived()
    assert found is not None and abs(found[1] - time.time()) < 60
    again = Viewer(found[0])
    text = (await again.get(path)).text
    assert "#EXT-X-ENDLIST" in text and text.count("#EXTINF") == 8
    assert (await again.get(again.media("seg3.m4s"))).content.startswith(b"720p part 12;")
    before, after = (one.stream.renditions["720p"].variant("") for one in (viewer, again))
    assert before == after
    past.forget(archive.directory.parents[1], time.time() - 60)
    assert archive.directory.exists()
    past.forget(archive.directory.parents[1], time.time() + 60)
    assert not archive.directory.exists()


async def test_a_new_process_goes_on_with_the_stream(archived: tuple[Viewer, ThreadPoolExecutor]) -> None:
    viewer, executor = archived
    viewer.make(30)
    session_path = await viewer.open()
    executor.submit(int).result()
    archive = viewer.stream.archive
    again = Viewer(HlsStream("r", "s", b"key", HlsTiming(), public=True, archive=archive))
    await again.stream.load()
    again.begin()
    again.make(5)
    # The viewer's old address is still good, and the numbers go on.
    text = (await again.get(session_path)).text
    assert "seg6.m4s" in text and "#EXT-X-DISCONTINUITY" in text and "seg7.m4s" in text
    assert again.stream.viewers.count(asyncio.get_running_loop().time()) == 1
