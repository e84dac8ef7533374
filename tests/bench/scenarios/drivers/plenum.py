"""This server, with its own SDK in the browsers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from tests.bench.scenarios.drivers.base import Camera, Driver, Seat
from tests.support.chromium import Chromium, Tab, read_script
from tests.support.relay_process import RelayProcess
from tests.support.server import PlenumServer

_SETTINGS = {"PLENUM_ROOMS__JOINS_PER_MINUTE": "10000", "PLENUM_ROOMS__REQUESTS_PER_MINUTE": "100000"}


class PlenumDriver(Driver):
    """Everything it can do."""

    name = "plenum"

    def __init__(self, directory: Path, chromium: Chromium, relays: RelayProcess) -> None:
        super().__init__(directory, chromium, relays)
        self.server = PlenumServer(directory, _SETTINGS)
        self._http = httpx.AsyncClient(timeout=5)

    async def start(self) -> None:
        await self.server.start()

    async def stop(self) -> None:
        await self._http.aclose()
        await self.server.stop()

    async def publisher(self, room: str, name: str, camera: Camera) -> Seat:
        if self.publishing is None:
            self.publishing = await self._open(None, (640, 360))
        options: dict[str, Any] = {
            "simulcast": True,
            "maxBitrate": camera.max_bitrate_bps,
            "maxFramerate": camera.frames_per_s,
        }
        if camera.codec:
            options["codec"] = camera.codec
        await self.publishing.page.evaluate(
            "(given) => __bench.publish(given)",
            {
                "room": room,
                "token": self.server.token(name, room),
                "name": name,
                "width": camera.width,
                "height": camera.height,
                "frameRate": camera.frames_per_s,
                "gain": camera.gain,
                "options": options,
            },
        )
        return Seat(name, self.publishing)

    async def subscriber(self, room: str, name: str, *, size: tuple[int, int] = (1280, 720)) -> Seat:
        path = await self.relays.open(("127.0.0.1", self.server.media_port))
        tab = await self._open(path.page_setup, size)
        token = self.server.token(name, room)
        await tab.page.evaluate("(given) => __bench.join(given)", {"room": room, "token": token})
        return Seat(name, tab, path, memo={"room": room, "token": token})

    async def explain(self, seat: Seat) -> dict[str, Any] | None:
        url = f"{self.server.url}/webrtc/rooms/{seat.memo['room']}/participants/{seat.name}/explain"
        answer = await self._http.get(url, headers={"Authorization": f"Bearer {seat.memo['token']}"})
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    async def want(self, seat: Seat, quality: str) -> None:
        await seat.tab.page.evaluate("(quality) => __bench.setQuality(quality)", quality)

    def cpu_s(self) -> float:
        return self.server.cpu_s()

    async def _open(self, setup: dict[str, Any] | None, size: tuple[int, int]) -> Tab:
        return await self.chromium.open(
            f"{self.server.url}/",
            setup=setup,
            scripts=[read_script("bench_peer.js")],
            viewport={"width": size[0], "height": size[1]},
        )
