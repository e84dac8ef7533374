"""Chat history, search and images over real sockets, with Redis and a disk."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from signaling.chat.options import ChatOptions
from signaling.messages.chat import LinkPreview
from signaling.options import RoomOptions
from tests.integration.signaling.conftest import House, token
from tests.integration.signaling.test_rest import bearer, refusal
from tests.integration.signaling.test_websocket import until

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x00\x00\x03\x00\x00\x00\x02\x08\x02\x00\x00\x00" + bytes(100)
CHAT = "/webrtc/rooms/demo/chat"
IMAGES = f"{CHAT}/images"


@pytest.fixture
def rooms(tmp_path: Path) -> RoomOptions:
    chat = ChatOptions(data_folder=tmp_path, max_image_bytes=4_096, images_per_minute=6, typing_per_minute=2)
    return RoomOptions(chat=chat)


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def upload(house: House, user: str = "alice", data: bytes = PNG) -> dict[str, Any]:
    answer = await house.http.post(IMAGES, headers=bearer(user), content=data)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_history_and_search(house: House) -> None:
    alice, _ = await house.join("alice")
    for text in ("Hello", "secret", "hello again"):
        await alice.say("chat-message", {"message": text})
    bob, _ = await house.join("bob")
    await alice.say("chat-message", {"message": "hello bob", "target_user_id": "bob"})
    await house.join("carol")

    async def found(user: str, **query: Any) -> list[str]:
        answer = await house.http.get(CHAT, headers=bearer(user), params=query)
        assert answer.status_code == 200, answer.text
        return [message["message"] for message in answer.json()["messages"]]

    assert await found("bob", q="HELLO") == ["Hello", "hello again", "hello bob"]
    assert await found("carol", q="HELLO") == ["Hello", "hello again"]
    assert await found("bob", limit=1) == ["hello bob"]
    page = (await house.http.get(CHAT, headers=bearer("carol"), params={"limit": 2})).json()
    assert await found("carol", before=page["next_before"], limit=2) == ["Hello"]
    over_the_socket = await bob.say("chat-history", {"q": "hello"})
    assert [m["message"] for m in over_the_socket["payload"]["messages"]] == await found("bob", q="hello")


@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": 101}, {"limit": "x"}, {"q": ""}, {"q": "x" * 101}, {"before": ""}]
)
async def test_bad_queries(house: House, query: dict[str, Any]) -> None:
    await house.join("alice")
    answer = await house.http.get(CHAT, headers=bearer(), params=query)
    assert refusal(answer) == (400, "invalid_message")


@pytest.mark.parametrize(("method", "path"), [("GET", CHAT), ("POST", IMAGES), ("GET", f"{IMAGES}/abc")])
async def test_only_for_those_in_the_room(house: House, method: str, path: str) -> None:
    async def ask(headers: dict[str, str]) -> tuple[int, str]:
        return refusal(
            await house.http.request(method, path, headers=headers, content=PNG if method == "POST" else None)
        )

    assert await ask({}) == (401, "unauthorized")
    assert await ask(bearer()) == (404, "room_not_found")
    await house.join("alice")
    assert await ask(bearer("outsider")) == (403, "permission_denied")
    assert await ask(bearer(room="other")) == (403, "permission_denied")


async def test_an_image_from_upload_to_the_end_of_the_room(house: House, tmp_path: Path) -> None:
    alice, _ = await house.join("alice")
    bob, _ = await house.join("bob")
    await house.join("carol")
    image = await upload(house)
    assert (image["media_type"], image["width"], image["height"], image["size_bytes"]) == ("image/png", 3, 2, len(PNG))

    async def get(user: str, **options: Any) -> httpx.Response:
        return await house.http.get(image["url"], headers=bearer(user), **options)

    assert (await get("alice")).status_code == 200, "who uploaded it"
    assert refusal(await get("bob")) == (404, "not_found"), "it is in no message yet"
    said = {"message": "", "image_ids": [image["image_id"]], "target_user_id": "bob"}
    assert (await alice.say("chat-message", said))["type"] == "chat-message"
    assert (await bob.next("chat-message"))["payload"]["images"] == [image]
    answer = await get("bob")
    assert answer.content == PNG
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
    assert answer.headers["content-disposition"] == 'inline; filename="image.png"'
    assert answer.headers["cache-control"].startswith("private")
    by_query = await house.http.get(f"{image['url']}?token={token('bob')}")
    assert by_query.content == PNG
    assert refusal(await get("carol")) == (404, "not_found"), "a direct message is for two"
    assert refusal(await house.http.get(image["url"])) == (401, "unauthorized")
    await house.join("mallory", room="other")
    elsewhere = image["url"].replace("demo", "other")
    assert refusal(await house.http.get(elsewhere, headers=bearer("mallory"))) == (404, "not_found")
    assert files_in(tmp_path)
    await house.close()

    async def gone() -> bool:
        return not files_in(tmp_path)

    await until(gone)


async def test_deleted_messages_take_their_images_along(house: House, tmp_path: Path) -> None:
    alice, _ = await house.join("alice")
    image = await upload(house)
    said = (await alice.say("chat-message", {"image_ids": [image["image_id"]]}))["payload"]
    await alice.say("chat-delete", {"message_id": said["message_id"]})
    assert refusal(await house.http.get(image["url"], headers=bearer())) == (404, "not_found")

    async def gone() -> bool:
        return not files_in(tmp_path)

    await until(gone)


async def test_upload_as_a_form(house: House) -> None:
    await house.join("alice")

    async def post(**form: Any) -> httpx.Response:
        return await house.http.post(IMAGES, headers=bearer(), **form)

    # The name and the type that a client claims mean nothing.
    answer = await post(files={"image": ("../../etc/passwd.svg", PNG, "image/svg+xml")}, data={"note": "x"})
    assert (answer.status_code, answer.json()["media_type"]) == (201, "image/png")
    assert ".." not in answer.json()["url"]
    assert refusal(await post(files={"other": ("a.png", PNG)})) == (400, "invalid_message")
    assert refusal(await post(files={"image": ("a.png", PNG + bytes(4_096))})) == (413, "too_large")
    bad = {"Content-Type": "multipart/form-data", **bearer()}
    assert refusal(await house.http.post(IMAGES, headers=bad, content=b"nonsense")) == (400, "invalid_message")


async def test_uploads_that_are_refused(house: House) -> None:
    await house.join("host")
    await house.join("mute", permissions={"can_send_chat": False})
    await house.join("alice")

    async def post(data: bytes, user: str = "alice", **headers: str) -> tuple[int, str]:
        return refusal(await house.http.post(IMAGES, headers={**bearer(user), **headers}, content=data))

    svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    assert await post(svg, **{"Content-Type": "image/png"}) == (415, "unsupported_media_type")
    assert await post(b"") == (415, "unsupported_media_type")
    assert await post(PNG + bytes(4_096)) == (413, "too_large")
    assert await post(PNG + bytes(100_000)) == (413, "too_large")
    assert await post(PNG, "mute") == (403, "permission_denied")
    room = house.hub.rooms["demo"].room
    room.settings = room.settings.model_copy(update={"enable_chat": False})
    assert await post(PNG) == (403, "permission_denied")


async def test_limits_of_their_own(house: House) -> None:
    alice, _ = await house.join("alice")
    for _ in range(6):
        await upload(house)
    answer = await house.http.post(IMAGES, headers=bearer(), content=PNG)
    assert refusal(answer) == (429, "rate_limited")
    assert int(answer.headers["retry-after"]) > 0
    replies = [await alice.say("chat-typing") for _ in range(3)]
    assert [reply["type"] for reply in replies] == ["ack", "ack", "error"]
    assert replies[-1]["payload"]["error_code"] == "rate_limited"
    assert (await alice.say("chat-message", {"message": "still"}))["type"] == "chat-message"


async def test_state_in_redis(house: House) -> None:
    alice, _ = await house.join("alice")
    said = (await alice.say("chat-message", {"message": "kept"}))["payload"]
    await alice.say("chat-read", {"message_id": said["message_id"]})
    redis = house.redis

    async def written() -> bool:
        return bool(await redis.exists("plenum:{demo}:chat-reads"))

    await until(written)
    assert "kept" in (await redis.hgetall("plenum:{demo}:chat"))[said["message_id"]]
    assert await redis.ttl("plenum:{demo}:chat") > 60
    stored = await house.hub._store.load("demo")
    assert len(stored.chat) == 1
    await alice.say("leave")

    async def gone() -> bool:
        return not await redis.exists("plenum:{demo}:chat", "plenum:{demo}:chat-reads")

    await until(gone)
    await asyncio.sleep(0)
    bob, _ = await house.join("bob")
    assert (await bob.say("chat-history"))["payload"]["messages"] == []


async def test_a_room_opened_at_once_after_its_end_is_empty(house: House) -> None:
    alice, _ = await house.join("alice")
    await alice.say("chat-message", {"message": "of the old room"})
    await house.hub._store.flush(2)
    await alice.say("leave")
    bob, _ = await house.join("bob")
    assert (await bob.say("chat-history"))["payload"]["messages"] == []


class TestPreviews:
    @pytest.fixture
    def rooms(self) -> RoomOptions:
        return RoomOptions(chat=ChatOptions(link_previews=True))

    async def test_from_the_link_to_the_preview(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        async def fetch(link: str) -> LinkPreview | None:
            return LinkPreview(url=link, title="A page")

        monkeypatch.setattr(house.hub.chat._previews, "_fetch", fetch)
        alice, state = await house.join("alice")
        bob, _ = await house.join("bob")
        assert state["features"]["link_previews"] is True
        said = (await alice.say("chat-message", {"message": "see https://example.org/"}))["payload"]
        for member in (alice, bob):
            told = (await member.next("chat-link-preview"))["payload"]
            assert (told["message_id"], told["preview"]["title"]) == (said["message_id"], "A page")

    async def test_the_server_does_not_call_itself(self, house: House) -> None:
        alice, _ = await house.join("alice")
        for link in (f"http://127.0.0.1:{house.port}/", "http://127.0.0.1/", "http://2130706433/", "http://localhost/"):
            await alice.say("chat-message", {"message": link})
        counters = house.hub.around.counters

        async def refused() -> bool:
            return sum(count for name, count in counters.items() if name.startswith("link_refused_")) == 4

        await until(refused)
        assert (await alice.say("chat-history"))["payload"]["messages"][0]["link_previews"] == []


async def test_images_that_nobody_used_are_removed(house: House, tmp_path: Path) -> None:
    await house.join("alice")
    await upload(house)
    house.hub.chat._unix = lambda: time.time() + 601

    async def gone() -> bool:
        return not files_in(tmp_path)

    await until(gone)
