"""Chromium as a peer: one browser with fake devices, a context for each participant."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, async_playwright

from tests.support.media_files import write_camera_y4m, write_tone_wav

_JS = Path(__file__).parent / "js"
_CANDIDATES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
    # Nothing outside this machine is looked up, whatever the browser would like to ask.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1",
)


def find_chromium() -> str:
    """Path of the browser. Its absence is an error, not a reason to skip: the tests are about browsers."""
    for name in _CANDIDATES:
        path = shutil.which(name)
        if path:
            return path
    raise AssertionError("no Chromium: apt-get install --no-install-recommends chromium fonts-dejavu-core")


class Tab:
    """A page in a context of its own, with what it complained about."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        self.warnings: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.errors.append(f"uncaught: {error}"))

    async def sample(self) -> dict[str, Any]:
        """Statistics of all peer connections of the page, see probe.js."""
        sample: dict[str, Any] = await self.page.evaluate("__probe.sample()")
        return sample

    async def probe(self, expression: str) -> Any:
        """An expression over ``p``, the page's probe."""
        return await self.page.evaluate(f"(() => {{ const p = __probe; return {expression}; }})()")

    async def close(self) -> None:
        await self.page.context.close()

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(
                f"{message.text} ({message.location.get('url', '')}:{message.location.get('lineNumber')})"
            )
        elif message.type == "warning":
            self.warnings.append(message.text)


class Chromium:
    """One browser process; `async with` starts and ends it."""

    def __init__(self, directory: Path, *, flags: Sequence[str] = (), fake_files: bool = True) -> None:
        self.directory = directory
        self.flags = list(flags)
        self.fake_files = fake_files
        self._playwright: Playwright | None = None
        self.browser: Browser | None = None
        self._launch: dict[str, Any] = {}

    async def __aenter__(self) -> Chromium:
        flags = [*_FLAGS, *self.flags]
        if self.fake_files:
            camera = write_camera_y4m(self.directory / "camera.y4m")
            tone = write_tone_wav(self.directory / "tone.wav")
            flags += [f"--use-file-for-fake-video-capture={camera}", f"--use-file-for-fake-audio-capture={tone}"]
        self._playwright = await async_playwright().start()
        # Playwright mutes the browser, and what a muted browser plays has no level.
        self._launch = {"executable_path": find_chromium(), "args": flags, "ignore_default_args": ["--mute-audio"]}
        self.browser = await self._playwright.chromium.launch(**self._launch)
        return self

    async def __aexit__(self, *failure: object) -> None:
        if self.browser is not None:
            await self.browser.close()
        if self._playwright is not None:
            await self._playwright.stop()

    async def open(
        self,
        url: str,
        *,
        setup: dict[str, Any] | None = None,
        scripts: Sequence[str] = (),
        **context: Any,
    ) -> Tab:
        """A tab with the probe in it; ``setup`` is probe.js's, ``context`` goes to Playwright's new_context."""
        if self.browser is None:
            raise RuntimeError("the browser is not running")
        return await self._open(await self.browser.new_context(**context), url, setup, scripts)

    async def open_with_disk(self, url: str, profile: Path, *, setup: dict[str, Any] | None = None) -> Tab:
        """A tab of a browser of its own, with a profile on the disk: other contexts keep their files in memory."""
        assert self._playwright is not None
        owner = await self._playwright.chromium.launch_persistent_context(profile, **self._launch)
        return await self._open(owner, url, setup, ())

    async def _open(self, owner: BrowserContext, url: str, setup: dict[str, Any] | None, scripts: Sequence[str]) -> Tab:
        sources = [f"window.__probeSetup = {json.dumps(setup or {})};", read_script("probe.js"), *scripts]
        await owner.add_init_script("\n".join(sources))
        page = await owner.new_page()
        tab = Tab(page)
        await page.goto(url)
        return tab


def read_script(name: str) -> str:
    """A script of tests/support/js."""
    return (_JS / name).read_text()
