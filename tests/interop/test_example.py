"""The example of a call in a page of another site."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from playwright.async_api import Page, expect

from tests.interop.conftest import People
from tests.support.participant import eventually
from tests.support.ports import free_tcp_port
from tests.support.tokens import SECRET

_SITE = Path(__file__).resolve().parents[2] / "examples" / "embed" / "site.py"


async def plays(page: Page) -> bool:
    return bool(await page.evaluate("[...document.querySelectorAll('video')].some((one) => one.currentTime > 0.3)"))


async def test_a_call_in_another_site(people: People) -> None:
    port = free_tcp_port()
    site = await asyncio.create_subprocess_exec(
        *(sys.executable, str(_SITE), str(port), people.server.url),
        env={**os.environ, "PLENUM_AUTH__SECRET": SECRET},
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await eventually(lambda: answers(port), 10, "the site does not start")
        tabs = [await people.open(f"http://localhost:{port}/?user={user}") for user in ("ada", "bela")]
        for tab in tabs:
            await tab.page.get_by_role("button", name="Start the call").click()
            await expect(tab.page.get_by_role("status")).to_have_text("Connected")
        for tab in tabs:
            await eventually(lambda tab=tab: plays(tab.page), 15, "no picture")
        await tabs[0].page.get_by_role("button", name="Mute").click()
        await expect(tabs[0].page.get_by_role("button", name="Unmute")).to_be_visible()
        for tab in tabs:
            tab.errors[:] = [error for error in tab.errors if "favicon" not in error]
    finally:
        site.terminate()
        await site.wait()


async def answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
