"""Janus's VideoRoom (Debian package ``janus``), over its WebSocket API."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.bench.scenarios.drivers.base import Camera, Driver, Seat
from tests.support.chromium import Chromium, Tab, read_script
from tests.support.ports import free_tcp_port
from tests.support.relay_process import RelayProcess

_LIBRARY = Path("/usr/lib/x86_64-linux-gnu/janus")
_SHIM = Path(__file__).with_name("loopback_shim.c")
_ROOM = 1
_TICKS = os.sysconf("SC_CLK_TCK")
_CANDIDATE = re.compile(r"(a=candidate:\S+ \d+ udp \d+ )(\S+) (\d+)", re.IGNORECASE)
_PAGE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<!doctype html><title>peer</title><body>"
)


class JanusDriver(Driver):
    """It knows nothing of the path to a subscriber, so there is nothing to explain; layers are chosen by request."""

    name = "janus"
    # It asks no publisher to stop a layer.
    cannot = frozenset({"unused"})

    def __init__(self, directory: Path, chromium: Chromium, relays: RelayProcess) -> None:
        super().__init__(directory, chromium, relays)
        self.port = free_tcp_port()
        self._numbers = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._feeds: list[int] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._session: int | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._socket: ClientConnection | None = None
        self._pages: asyncio.Server | None = None

    async def start(self) -> None:
        if shutil.which("janus") is None:
            raise AssertionError("no Janus: apt-get install --no-install-recommends janus")
        configuration = self._configure()
        shim = await self._build_shim()
        self._process = await asyncio.create_subprocess_exec(
            *("janus", "-F", str(configuration), "-C", str(configuration / "janus.jcfg")),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=(self.directory / "janus.log").open("wb"),
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "LD_PRELOAD": str(shim)},
        )
        self._socket = await self._connect()
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._keep_alive())]
        self._session = (await self._ask({"janus": "create"}))["data"]["id"]
        handle = await self._attach()
        room = {"request": "create", "room": _ROOM, "publishers": 20, "bitrate": 20_000_000, "audiocodec": "opus"}
        await self._message(handle, {**room, "videocodec": "vp8", "transport_wide_cc_ext": True, "fir_freq": 0})
        self._pages = await asyncio.start_server(_answer_page, "127.0.0.1", 0)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._pages is not None:
            self._pages.close()
        if self._socket is not None:
            await self._socket.close()
        if self._process is not None:
            self._process.terminate()
            await self._process.wait()

    async def publisher(self, room: str, name: str, camera: Camera) -> Seat:
        if self.publishing is None:
            self.publishing = await self._tab((640, 360))
        page = self.publishing.page
        shares = (("f", 1, 1.0), ("h", 2, 0.27), ("q", 4, 0.08))  # Janus takes the first for the best
        encodings = [
            {
                "rid": rid,
                "scaleResolutionDownBy": scale,
                "maxBitrate": round(camera.max_bitrate_bps * share),
                "scalabilityMode": "L1T3",
            }
            for rid, scale, share in shares
        ]
        offer = await page.evaluate(
            "(given) => __janusPeer.offer(given)",
            {
                "name": name,
                "width": camera.width,
                "height": camera.height,
                "frameRate": camera.frames_per_s,
                "encodings": encodings,
                "gain": camera.gain,
            },
        )
        handle = await self._attach()
        joined = await self._message(handle, {"request": "join", "ptype": "publisher", "room": _ROOM})
        self._feeds.append(joined["plugindata"]["data"]["id"])
        answer = await self._message(handle, {"request": "publish"}, {"type": "offer", "sdp": offer})
        await page.evaluate("([name, sdp]) => __janusPeer.accept(name, sdp)", [name, answer["jsep"]["sdp"]])
        await asyncio.sleep(1)
        return Seat(name, self.publishing)

    async def subscriber(self, room: str, name: str, *, size: tuple[int, int] = (1280, 720)) -> Seat:
        tab = await self._tab(size)
        handle = await self._attach()
        streams = [{"feed": feed} for feed in self._feeds]
        joined = await self._message(
            handle, {"request": "join", "ptype": "subscriber", "room": _ROOM, "streams": streams}
        )
        offer = joined["jsep"]["sdp"]
        found = _CANDIDATE.search(offer)
        if found is None:
            raise AssertionError("Janus offers no UDP candidate")
        path = await self.relays.open((found[2], int(found[3])))
        host, port = path.address
        bent = _CANDIDATE.sub(rf"\g<1>{host} {port}", offer)
        answer = await tab.page.evaluate("(sdp) => __janusPeer.answer(sdp)", bent)
        # Janus sends checks of its own: if it knew where the browser is, they would find a way past the relay.
        answer = re.sub(r"a=candidate:[^\r\n]*\r\n", "", answer)
        await self._message(handle, {"request": "start"}, {"type": "answer", "sdp": answer})
        return Seat(name, tab, path)

    def cpu_s(self) -> float:
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    # -- process -------------------------------------------------------------------------------------------------------

    def _configure(self) -> Path:
        folder = self.directory / "janus"
        folder.mkdir()

        def others(kind: str, kept: str) -> str:
            return ",".join(sorted({path.name for path in (_LIBRARY / kind).glob("*.so")} - {kept}))

        files = {
            "janus.jcfg": f"""
general: {{
  configs_folder = "{folder}"
  plugins_folder = "{_LIBRARY}/plugins"
  transports_folder = "{_LIBRARY}/transports"
  events_folder = "{_LIBRARY}/events"
  loggers_folder = "{_LIBRARY}/loggers"
  debug_level = 3
  debug_colors = false
  interface = "127.0.0.1"
}}
media: {{ rtp_port_range = "20000-40000" }}
nat: {{ nice_debug = false, ice_enforce_list = "127.0.0.1" }}
plugins: {{ disable = "{others("plugins", "libjanus_videoroom.so")}" }}
transports: {{ disable = "{others("transports", "libjanus_websockets.so")}" }}
loggers: {{ disable = "libjanus_jsonlog.so" }}
events: {{ broadcast = false }}
""",
            "janus.transport.websockets.jcfg": f"""
general: {{ json = "compact", ws = true, ws_port = {self.port}, ws_ip = "127.0.0.1", wss = false }}
admin: {{ admin_ws = false, admin_wss = false }}
""",
            "janus.plugin.videoroom.jcfg": "general: { events = false }\n",
        }
        for name, text in files.items():
            (folder / name).write_text(text)
        return folder

    async def _build_shim(self) -> Path:
        target = self.directory / "loopback_shim.so"
        compiler = await asyncio.create_subprocess_exec("cc", "-shared", "-fPIC", "-o", target, _SHIM, "-ldl")
        if await compiler.wait() != 0:
            raise AssertionError("the shim for Janus does not compile")
        return target

    async def _connect(self) -> ClientConnection:
        for _ in range(100):
            try:
                protocols: Any = ["janus-protocol"]
                return await connect(f"ws://127.0.0.1:{self.port}", subprotocols=protocols, ping_interval=None)
            except OSError:
                await asyncio.sleep(0.1)
        raise AssertionError(f"Janus does not answer:\n{(self.directory / 'janus.log').read_text()[-2000:]}")

    # -- API -----------------------------------------------------------------------------------------------------------

    async def _tab(self, size: tuple[int, int]) -> Tab:
        assert self._pages is not None
        port = self._pages.sockets[0].getsockname()[1]
        script = read_script("janus_peer.js")
        viewport = {"width": size[0], "height": size[1]}
        return await self.chromium.open(f"http://localhost:{port}/", scripts=[script], viewport=viewport)

    async def _read(self) -> None:
        assert self._socket is not None
        async for text in self._socket:
            message = json.loads(text)
            future = self._waiting.get(message.get("transaction", ""))
            if future is not None and not future.done() and message["janus"] != "ack":
                future.set_result(message)

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(20)
            await self._send({"janus": "keepalive"})

    async def _send(self, message: dict[str, Any]) -> str:
        assert self._socket is not None
        transaction = f"t{next(self._numbers)}"
        session = {} if self._session is None else {"session_id": self._session}
        await self._socket.send(json.dumps({**message, **session, "transaction": transaction}))
        return transaction

    async def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        transaction = await self._send(message)
        future = self._waiting.setdefault(transaction, asyncio.get_running_loop().create_future())
        answer = await asyncio.wait_for(future, 20)
        del self._waiting[transaction]
        data = answer.get("plugindata", {}).get("data", {})
        if answer["janus"] == "error" or "error" in data:
            raise AssertionError(f"Janus refuses: {answer.get('error') or data}")
        return answer

    async def _attach(self) -> int:
        answer = await self._ask({"janus": "attach", "plugin": "janus.plugin.videoroom"})
        identifier: int = answer["data"]["id"]
        return identifier

    async def _message(self, handle: int, body: dict[str, Any], jsep: dict[str, str] | None = None) -> dict[str, Any]:
        message: dict[str, Any] = {"janus": "message", "handle_id": handle, "body": body}
        return await self._ask({**message, "jsep": jsep} if jsep else message)


async def _answer_page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(_PAGE)
    await writer.drain()
    writer.close()
