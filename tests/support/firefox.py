"""Firefox as a peer, driven by WebDriver BiDi over its debugging port (Playwright needs its own build of Firefox)."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.support.ports import free_tcp_port

_COMMAND_TIMEOUT_S = 30.0
_START_TIMEOUT_S = 30.0
_PREFERENCES: dict[str, object] = {
    # Fake devices, granted without a question, and loopback as a network.
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.navigator.audio.fake_frequency": 660,
    "media.peerconnection.ice.loopback": True,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    "media.gmp-manager.updateEnabled": False,
    # The driver.
    "remote.active-protocols": 1,
    # Nothing that calls home or asks the user.
    "app.update.disabledForTesting": True,
    "app.normandy.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.aboutwelcome.enabled": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.region.network.url": "",
    "datareporting.healthreport.uploadEnabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.push.connection.enabled": False,
    "extensions.update.enabled": False,
    "extensions.getAddons.cache.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "toolkit.telemetry.enabled": False,
}


class FirefoxError(AssertionError):
    """A command of the driver failed, or a script of the page threw."""


class Firefox:
    """One headless Firefox with one tab."""

    def __init__(self, directory: Path) -> None:
        self.profile = directory / "firefox"
        self.port = free_tcp_port()
        self.errors: list[str] = []
        self._process: asyncio.subprocess.Process | None = None
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._tab = ""

    async def __aenter__(self) -> Firefox:
        binary = shutil.which("firefox-esr") or shutil.which("firefox")
        if binary is None:
            raise AssertionError("no Firefox: apt-get install --no-install-recommends firefox-esr")
        self.profile.mkdir(parents=True)
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in _PREFERENCES.items()]
        (self.profile / "user.js").write_text("\n".join(lines))
        with (self.profile / "log.txt").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                binary, "--headless", "--no-remote", "--profile", str(self.profile),
                "--remote-debugging-port", str(self.port), "about:blank",
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, "HOME": str(self.profile)},
            )  # fmt: skip
        try:
            await self._open_session()
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self._end()

    async def add_init_script(self, source: str) -> None:
        """Runs in every later document before its own scripts."""
        await self._command("script.addPreloadScript", {"functionDeclaration": f"() => {{ {source} }}"})

    async def goto(self, url: str) -> None:
        await self._command("browsingContext.navigate", {"context": self._tab, "url": url, "wait": "complete"})

    async def evaluate(self, expression: str) -> Any:
        """The value of an expression, awaited; it has to be JSON. Raises FirefoxError when it throws."""
        result = await self._command(
            "script.evaluate",
            {
                "expression": f"(async () => JSON.stringify((await ({expression})) ?? null))()",
                "target": {"context": self._tab},
                "awaitPromise": True,
                "userActivation": True,
            },
        )
        if result["type"] == "exception":
            raise FirefoxError(result["exceptionDetails"]["text"])
        return json.loads(result["result"]["value"])

    async def _open_session(self) -> None:
        deadline = asyncio.get_running_loop().time() + _START_TIMEOUT_S
        while self._socket is None:
            try:
                self._socket = await connect(f"ws://127.0.0.1:{self.port}/session", max_size=None, ping_interval=None)
            except (OSError, ConnectionClosed):
                if asyncio.get_running_loop().time() > deadline:
                    raise FirefoxError("Firefox does not open its debugging port") from None
                await asyncio.sleep(0.1)
        self._reader = asyncio.create_task(self._read(self._socket))
        await self._command("session.new", {"capabilities": {}})
        await self._command("session.subscribe", {"events": ["log.entryAdded"]})
        tree = await self._command("browsingContext.getTree", {})
        self._tab = tree["contexts"][0]["context"]

    async def _command(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        if self._socket is None:
            raise RuntimeError("Firefox is not running")
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        message = await asyncio.wait_for(answer, _COMMAND_TIMEOUT_S)
        if message.get("type") == "error":
            raise FirefoxError(f"{method}: {message.get('error')}: {message.get('message', '')[:400]}")
        result: dict[str, Any] = message["result"]
        return result

    async def _read(self, socket: ClientConnection) -> None:
        async for text in socket:
            message = json.loads(text)
            waiting = self._waiting.pop(message.get("id"), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(message)
            elif message.get("method") == "log.entryAdded" and message["params"].get("level") == "error":
                self.errors.append(str(message["params"].get("text")))

    async def _end(self) -> None:
        if self._socket is not None:
            with suppress(FirefoxError, TimeoutError, ConnectionClosed):
                await asyncio.wait_for(self._command("browser.close", {}), 5)
            await self._socket.close()
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        if self._process is not None:
            try:
                await asyncio.wait_for(self._process.wait(), 5)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)
