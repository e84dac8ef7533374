"""What is taken for an image, and how much of it is kept."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.chat.image_header import read_image_header
from signaling.chat.images import FOLDER, LEFTOVER_AGE_S, ImageStore
from signaling.chat.options import ChatOptions
from signaling.errors import RoomError


def png(width: int = 3, height: int = 2, size_bytes: int = 64) -> bytes:
    head = (
        b"\x89PNG\r\n\x1a\n" + struct.pack("!I", 13) + b"IHDR" + struct.pack("!IIBBBBB", width, height, 8, 2, 0, 0, 0)
    )
    return head.ljust(size_bytes, b"\x00")


JPEG = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"
    + bytes(9)
    + b"\xff\xc4\x00\x03\x00"
    + b"\xff\xc2\x00\x11\x08\x00\x02\x00\x03"
    + bytes(9)
)
GIF = b"GIF89a\x03\x00\x02\x00\x00\x00\x00;"
WEBP_LOSSY = b"RIFF\x00\x00\x00\x00WEBPVP8 \x00\x00\x00\x00\x00\x00\x00\x9d\x01\x2a\x03\x00\x02\x00"
WEBP_LOSSLESS = b"RIFF\x00\x00\x00\x00WEBPVP8L\x00\x00\x00\x00\x2f" + struct.pack("<I", 2 | 1 << 14)
WEBP_EXTENDED = b"RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x01\x00\x00"


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (png(), "image/png"),
        (JPEG, "image/jpeg"),
        (b"\xff\xd8\xff" + JPEG[2:], "image/jpeg"),
        (GIF, "image/gif"),
        (WEBP_LOSSY, "image/webp"),
        (WEBP_LOSSLESS, "image/webp"),
        (WEBP_EXTENDED, "image/webp"),
    ],
)
def test_images(data: bytes, media_type: str) -> None:
    found = read_image_header(data)
    assert found is not None
    assert (found.media_type, found.width, found.height) == (media_type, 3, 2)
    for end in range(len(data.rstrip(b"\x00;"))):
        cut = read_image_header(data[:end])
        assert cut is None or cut == found or end > 8


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<?xml version='1.0'?><svg/>",
        b"<!DOCTYPE html><script>alert(1)</script>",
        b"%PDF-1.7",
        b"BM\x00\x00",
        b"\x89PNG\r\n\x1a\n<script>alert(1)</script>",
        png(width=0),
        b"GIF89a\x00\x00\x02\x00",
        b"GIF90a\x03\x00\x02\x00",
        b"\xff\xd8\xff\xda\x00\x04\x00\x00",
        b"\xff\xd8\xff\xe0\x00\x00" * 9,
        b"RIFF\x00\x00\x00\x00WAVEfmt ",
        b"RIFF\x00\x00\x00\x00WEBPVP8 <script>",
        b"II*\x00",
    ],
)
def test_no_images(data: bytes) -> None:
    assert read_image_header(data) is None


@given(
    st.sampled_from([b"", png()[:16], JPEG[:4], GIF[:6], WEBP_LOSSY[:16], WEBP_LOSSLESS[:16], WEBP_EXTENDED[:16]]),
    st.binary(),
)
def test_anything_is_read_without_failing(head: bytes, rest: bytes) -> None:
    found = read_image_header(head + rest)
    assert found is None or (found.width > 0 and found.height > 0)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ImageStore]:
    options = ChatOptions(
        data_folder=tmp_path,
        max_room_images_bytes=2_000,
        max_images_bytes=3_000,
        max_image_pixels=100,
        image_types=["image/png", "image/gif"],
    )
    store = ImageStore(options)
    yield store
    await store.close()


def files(tmp_path: Path) -> set[str]:
    root = tmp_path / FOLDER
    return {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()}


async def test_store_and_remove(store: ImageStore, tmp_path: Path) -> None:
    first = await store.put("demo", png())
    second = await store.put("demo", GIF)
    assert (first.media_type, first.width, first.height, first.size_bytes) == ("image/png", 3, 2, 64)
    assert first.url == f"/webrtc/rooms/demo/chat/images/{first.image_id}"
    assert len(first.image_id) >= 32
    assert store.path("demo", first.image_id).read_bytes() == png()
    store.remove("demo", [first.image_id, "unknown"])
    await store.put("other", GIF)
    assert store.path("demo", second.image_id).exists()
    assert not store.path("demo", first.image_id).exists()
    store.remove_room("demo")
    store.remove_room("never")
    assert not (tmp_path / FOLDER / "demo").exists()
    await store.put("other", GIF)
    assert all(name.startswith("other/") for name in files(tmp_path))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"<svg/>", "unsupported_media_type"),
        (JPEG, "unsupported_media_type"),
        (png(11, 10), "too_large"),
        (png(size_bytes=2_001), "too_large"),
    ],
)
async def test_refused(store: ImageStore, tmp_path: Path, data: bytes, code: str) -> None:
    with pytest.raises(RoomError) as refused:
        await store.put("demo", data)
    assert refused.value.code == code
    assert files(tmp_path) == set()


async def test_space_is_bounded_and_given_back(store: ImageStore) -> None:
    first = await store.put("a", png(size_bytes=1_500))
    with pytest.raises(RoomError, match="room"):
        await store.put("a", png(size_bytes=501))
    await store.put("b", png(size_bytes=1_500))
    with pytest.raises(RoomError, match="space") as refused:
        await store.put("c", png())
    assert refused.value.code == "storage_failed"
    store.remove("a", [first.image_id])
    await store.put("c", png())
    store.remove_room("b")
    restored = await store.put("a", png(size_bytes=1_000))
    store.adopt("d", [restored.model_copy(update={"image_id": "old", "size_bytes": 1_900})])
    with pytest.raises(RoomError, match="space"):
        await store.put("c", png())


async def test_full_disk(store: ImageStore, tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("in the way")
    with pytest.raises(RoomError) as refused:
        await store.put("demo", png())
    assert refused.value.code == "storage_failed"


async def test_temporary_folder_ends_with_the_server() -> None:
    store = ImageStore(ChatOptions())
    store.remove_room("demo")
    image = await store.put("demo", png())
    path = store.path("demo", image.image_id)
    assert path.stat().st_size == 64
    await store.close()
    assert not path.parent.parent.exists()


async def test_leftovers_of_killed_servers_are_removed(store: ImageStore, tmp_path: Path) -> None:
    await store.put("live", png())
    (tmp_path / "operators-own").mkdir()
    old = time.time() - LEFTOVER_AGE_S - 10
    for name in ("live", "dead"):
        folder = tmp_path / FOLDER / name
        folder.mkdir(exist_ok=True)
        (folder / "x").write_bytes(b"x")
        os.utime(folder, (old, old))
    os.utime(tmp_path / "operators-own", (old, old))
    store.sweep(1.0, {"live"})
    await store.put("live", png())
    assert sorted(p.name for p in (tmp_path / FOLDER).iterdir()) == ["live"]
    assert (tmp_path / "operators-own").exists()
