"""WHIP and WHEP on HTTP: status codes, headers and what reaches the rooms."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest
from fastapi import FastAPI

from signaling.errors import ERRORS, ErrorCode
from streaming import whep, whip
from streaming.http import ice_links

SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}
MINE = {"Authorization": "Bearer mine"}


@dataclass
class Server:
    urls: list[str]
    username: str | None = None
    credential: str | None = None


@dataclass
class Session:
    session_id: str = "sid"
    answer: str = "v=0\r\nanswer"
    ice_tag: str = "tag0"
    ice_servers: list[Server] = field(default_factory=lambda: [Server(["stun:a", "turn:b"], "u", 'p"w')])


class Rooms:
    """Keeps what it is asked."""

    max_sdp_bytes = 100

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.tag = "tag0"
        self.refuses: Exception | None = None

    def admit(self, room_id: str, token: str | None) -> None:
        if self.refuses is not None:
            raise self.refuses

    async def publish(self, room_id: str, token: str | None, sdp: str) -> Session:
        self.calls.append(("publish", room_id, token, sdp))
        return Session()

    async def play(self, room_id: str, token: str | None, sdp: str, *, user: str | None, source: str | None) -> Session:
        self.calls.append(("play", room_id, token, sdp, user, source))
        return Session()

    def ice_tag(self, room_id: str, session_id: str, token: str | None) -> str:
        self.calls.append(("ice_tag", room_id, session_id, token))
        return self.tag

    async def patch(self, room_id: str, session_id: str, token: str | None, fragment: str) -> str | None:
        self.calls.append(("patch", fragment))
        if "ufrag" not in fragment:
            return None
        self.tag = "tag1"
        return "a=ice-ufrag:ours"

    def end(self, room_id: str, session_id: str, token: str | None) -> None:
        self.calls.append(("end", room_id, session_id, token))


@pytest.fixture
def rooms() -> Rooms:
    return Rooms()


@pytest.fixture
async def http(rooms: Rooms) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.include_router(whip.create_router(rooms))
    app.include_router(whep.create_router(rooms))
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


@pytest.mark.parametrize("kind", ["whip", "whep"])
async def test_created(http: httpx.AsyncClient, rooms: Rooms, kind: str) -> None:
    answer = await http.post(f"/webrtc/{kind}/demo", content="v=0 offer", headers=SDP | MINE)
    assert (answer.status_code, answer.text) == (201, "v=0\r\nanswer")
    assert answer.headers["content-type"] == "application/sdp"
    assert answer.headers["location"] == f"/webrtc/{kind}/demo/sid"
    assert answer.headers["etag"] == '"tag0"'
    assert answer.headers["accept-patch"] == "application/trickle-ice-sdpfrag"
    password = r'username="u"; credential="p\"w"; credential-type="password"'
    assert answer.headers.get_list("link") == [f'<{u}>; rel="ice-server"; {password}' for u in ("stun:a", "turn:b")]
    assert rooms.calls[0][:4] == ("publish" if kind == "whip" else "play", "demo", "mine", "v=0 offer")


async def test_what_to_play(http: httpx.AsyncClient, rooms: Rooms) -> None:
    await http.post("/webrtc/whep/demo?user=alice&source=screen", content="v=0", headers=SDP)
    assert rooms.calls == [("play", "demo", None, "v=0", "alice", "screen")]
    assert (await http.post("/webrtc/whep/demo?source=xray", content="v=0", headers=SDP)).status_code == 422


@pytest.mark.parametrize("kind", ["whip", "whep"])
@pytest.mark.parametrize(
    ("headers", "body", "status", "code"),
    [
        ({}, b"v=0", 415, "unsupported_media_type"),
        ({"Content-Type": "application/json"}, b"v=0", 415, "unsupported_media_type"),
        (SDP, b"x" * 101, 413, "too_large"),
        (SDP, b"", 400, "invalid_message"),
        (SDP, b"\xff\xfe", 400, "invalid_message"),
        (SDP | {"Accept": "application/json"}, b"v=0", 406, "not_acceptable"),
    ],
)
async def test_refused(
    http: httpx.AsyncClient,
    rooms: Rooms,
    kind: str,
    headers: dict[str, str],
    body: bytes,
    status: int,
    code: str,
) -> None:
    answer = await http.post(f"/webrtc/{kind}/demo", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    assert set(answer.json()) == {"error_code", "message", "details", "retry_after"}
    assert ERRORS[ErrorCode(code)].status == status
    assert rooms.calls == []


@pytest.mark.parametrize("accept", ["application/sdp", "*/*", "text/html, application/*;q=0.5", ""])
async def test_accept(http: httpx.AsyncClient, accept: str) -> None:
    answer = await http.post("/webrtc/whip/demo", content="v=0", headers=SDP | {"Accept": accept})
    assert answer.status_code == 201


async def test_content_type_with_parameter(http: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "Application/SDP; charset=utf-8"}
    assert (await http.post("/webrtc/whip/demo", content="v=0", headers=headers)).status_code == 201


async def test_token_comes_first(http: httpx.AsyncClient, rooms: Rooms) -> None:
    rooms.refuses = PermissionError("no")
    with pytest.raises(PermissionError):
        await http.post("/webrtc/whip/demo", content=b"", headers={})


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        (FRAGMENT | {"If-Match": '"tag0"'}, "a=candidate", 204),
        (FRAGMENT | {"If-Match": '"other", "tag0"'}, "a=candidate", 204),
        (FRAGMENT | {"If-Match": 'W/"tag0"'}, "a=candidate", 204),
        (FRAGMENT | {"If-Match": "*"}, "a=ice-ufrag:new", 200),
        (FRAGMENT | {"If-Match": "*"}, "a=candidate", 400),
        (FRAGMENT, "a=candidate", 428),
        (FRAGMENT | {"If-Match": '"tag9"'}, "a=candidate", 412),
        (SDP | {"If-Match": '"tag0"'}, "v=0", 415),
    ],
)
@pytest.mark.parametrize("kind", ["whip", "whep"])
async def test_patch(http: httpx.AsyncClient, kind: str, headers: dict[str, str], body: str, status: int) -> None:
    answer = await http.patch(f"/webrtc/{kind}/demo/sid", content=body, headers=headers | MINE)
    assert answer.status_code == status, answer.text
    if status == 200:
        assert answer.text == "a=ice-ufrag:ours"
        assert answer.headers["content-type"] == "application/trickle-ice-sdpfrag"
        assert answer.headers["etag"] == '"tag1"'
    if status == 204:
        assert answer.content == b""
    if status == 415:
        assert answer.headers["accept-patch"] == "application/trickle-ice-sdpfrag"


async def test_delete(http: httpx.AsyncClient, rooms: Rooms) -> None:
    assert (await http.delete("/webrtc/whip/demo/sid", headers=MINE)).status_code == 200
    assert rooms.calls == [("end", "demo", "sid", "mine")]


@pytest.mark.parametrize("kind", ["whip", "whep"])
@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [(m, "/demo", "POST, OPTIONS") for m in ("GET", "HEAD", "PUT", "PATCH", "DELETE")]
    + [(m, "/demo/sid", "PATCH, DELETE, OPTIONS") for m in ("GET", "HEAD", "PUT", "POST")],
)
async def test_reserved_methods(http: httpx.AsyncClient, kind: str, method: str, path: str, allow: str) -> None:
    answer = await http.request(method, f"/webrtc/{kind}{path}", headers=MINE)
    assert (answer.status_code, answer.headers["allow"]) == (405, allow)


async def test_options(http: httpx.AsyncClient) -> None:
    endpoint = await http.options("/webrtc/whip/demo")
    assert (endpoint.status_code, endpoint.headers["accept-post"]) == (204, "application/sdp")
    session = await http.options("/webrtc/whep/demo/sid")
    assert session.headers["accept-patch"] == "application/trickle-ice-sdpfrag"


def test_server_without_password_has_no_credentials() -> None:
    assert ice_links([Server(["stun:a"], username="u")]) == ['<stun:a>; rel="ice-server"']
