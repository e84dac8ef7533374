"""Makes the README's picture: a call of three in headless Chromium at a server started for it.

.venv/bin/python scripts/dev/screenshot.py            # writes docs/images/call.png
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs" / "images" / "call.png"
START_TIMEOUT_S = 20
PEOPLE = {
    "Amara": {"hue": 30, "skin": "#8d5a3b", "hair": "#241a17", "shirt": "#d8a13a", "phase": 0.0},
    "Jonas": {"hue": 200, "skin": "#e5b796", "hair": "#7a4a26", "shirt": "#2f5d7c", "phase": 1.3},
    "Mei": {"hue": 140, "skin": "#f0cba6", "hair": "#1b1b22", "shirt": "#7c3a5b", "phase": 2.1},
}
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1",
]


def free_port() -> int:
    """A TCP port that is free now."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as sock:
        return int(sock.getsockname()[1])


@contextlib.asynccontextmanager
async def server() -> AsyncIterator[str]:
    """A running ``plenum dev``; yields the link it prints."""
    port = free_port()
    command = [sys.executable, "-m", "scripts.cli", "dev", "--port", str(port), "--media-port", str(free_port())]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            link = await _printed_link(process)
        yield link
    finally:
        process.terminate()
        await process.wait()


async def _printed_link(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    while line := (await process.stdout.readline()).decode():
        if found := re.search(r"http://\S+#invite=\S+", line):
            return found.group()
    raise RuntimeError("the server printed no link")


async def join(browser: Browser, link: str, name: str) -> Page:
    """One person at the page."""
    context = await browser.new_context(viewport={"width": 1600, "height": 900}, color_scheme="light")
    script = (ROOT / "scripts" / "dev" / "portrait.js").read_text()
    await context.add_init_script(script.replace("PORTRAIT", json.dumps(PEOPLE[name])))
    page = await context.new_page()
    address, fragment = link.split("#")
    await page.goto(f"{address}&autojoin=1&name={name}#{fragment}")
    return page


async def main() -> None:
    """Take the picture."""
    async with server() as link, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        pages = [await join(browser, link, name) for name in PEOPLE]
        await asyncio.sleep(6)
        first, second, third = pages
        await second.get_by_test_id("toggle-mic").click()
        await first.get_by_test_id("toggle-chat").click()
        for page, text in ((third, "The slides are in the shared folder."), (second, "Thank you! Sound is good here.")):
            await page.get_by_test_id("toggle-chat").click()
            await page.get_by_test_id("chat-input").fill(text)
            await page.get_by_test_id("chat-send").click()
        await asyncio.sleep(12)
        await first.mouse.move(5, 450)
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        await first.screenshot(path=PICTURE)
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
