"""Addresses of files: signed, for a while, and with ranges."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from recorder.links import PATH, FileLinks, Grant, create_router
from recorder.model import key_of, safe_name
from recorder.options import RecorderOptions
from recorder.storage.local import LocalStore
from recorder.storage.store import ObjectInfo

LINKS = FileLinks(b"secret")


def test_an_address_says_what_it_opens_until_it_is_too_old() -> None:
    grant = Grant("a/b.mp4", "video/mp4", None)
    token = LINKS.url(grant, 60, 1_000.0).removeprefix(PATH + "/")
    assert LINKS.read(token, 1_059.0) == grant
    assert LINKS.read(token, 1_060.0) is None
    assert FileLinks(b"other").read(token, 1_000.0) is None
    for forged in ("", ".", "x.y", token[:-2], "A" + token, token.replace(".", ".."), "é.é"):
        assert LINKS.read(forged, 1_000.0) is None


async def test_files_are_served_in_ranges_and_nothing_else(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.put("r/x.mp4", b"0123456789", ObjectInfo())
    app = FastAPI()
    app.include_router(create_router(LINKS, store))
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")
    shown = LINKS.url(Grant("r/x.mp4", "video/mp4", None), 60)
    whole = await client.get(shown)
    assert (whole.content, whole.headers["content-type"]) == (b"0123456789", "video/mp4")
    assert whole.headers["content-disposition"].startswith("inline")
    part = await client.get(shown, headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.content) == (206, b"234")
    saved = await client.get(LINKS.url(Grant("r/x.mp4", "video/mp4", "Meeting.mp4"), 60))
    assert saved.headers["content-disposition"] == 'attachment; filename="Meeting.mp4"'
    html = await client.get(LINKS.url(Grant("r/x.mp4", "text/html", None), 60))
    assert html.headers["content-disposition"].startswith("attachment")
    assert (await client.get(LINKS.url(Grant("../x", "video/mp4", None), 60))).status_code == 403
    assert (await client.get(LINKS.url(Grant("gone", "video/mp4", None), 60))).status_code == 404
    assert (await client.get(PATH + "/forged.token")).json()["error_code"] == "permission_denied"


def test_keys_are_made_of_what_is_harmless() -> None:
    template = "{room}/{date}-{time}-{recording_id}/{name}"
    key = key_of(
        template, room_id="../Ä b/c", recording_id="id_1", started_at="2026-11-24T09:01:02.003Z", name="program.mp4"
    )
    assert key == "b_c/2026-11-24-090102-id_1/program.mp4"
    assert [safe_name(text) for text in ("", "..", "a/b", "x" * 99)] == ["unnamed", "unnamed", "a_b", "x" * 60]


@pytest.mark.parametrize("template", ["{name}/x", "{nope}/{name}", "../{name}", "/{name}", "{", ""])
def test_templates_that_cannot_be_used_are_refused(template: str) -> None:
    with pytest.raises(ValueError):
        RecorderOptions(name_template=template)
