"""Link previews never reach into the server's own network, and never cost more than a little."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.links import fetch
from signaling.links.addresses import RefusedLink, check_address, check_url
from signaling.links.fetch import LinkFetcher, Resolver
from signaling.links.page import read_page
from signaling.links.previews import Previews
from signaling.messages.chat import LinkPreview

PUBLIC = "93.184.216.34"
PRIVATE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "100.127.255.255", "192.0.0.8", "192.0.2.1", "198.18.0.1", "203.0.113.9", "224.0.0.1", "240.0.0.1",
    "255.255.255.255", "192.88.99.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:93.184.216.34", "::127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::1", "2001:0:7f00:1::1", "2001:db8::1", "5f00::1", "",
    "localhost", "127.1",
]  # fmt: skip
HOSTS = [
    "localhost", "LOCALHOST.", "a.localhost", "printer.local", "db.internal", "router.lan", "intranet", "x.home.arpa",
    "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "127.0.0.1.", "127.0.0.0x1", "017700000001",
    "１２７.0.0.1", "127。0。0。1", "①②⑦.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[fe80::1%25eth0]",
    "[64:ff9b::7f00:1]", "[v1.x]", "10.1.2.3", "-a.example", "a..example", "a b.example", "a_.{}.example", "",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_not_public(address: str) -> None:
    with pytest.raises(RefusedLink):
        check_address(address)


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946"])
def test_public_addresses(address: str) -> None:
    assert check_address(address) == address


@given(st.ip_addresses(v=4, network="10.0.0.0/8") | st.ip_addresses(v=4, network="100.64.0.0/10"))
def test_every_way_to_write_a_private_address(address: object) -> None:
    number = int(address)  # type: ignore[call-overload]
    for host in (
        f"{address}",
        f"{number}",
        f"{number:#x}",
        f"0{number:o}",
        f"[::ffff:{address}]",
        f"[64:ff9b::{address}]",
    ):
        with pytest.raises(RefusedLink):
            check_url(f"http://{host}/")


@pytest.mark.parametrize("host", HOSTS)
def test_hosts_that_are_refused_as_written(host: str) -> None:
    with pytest.raises(RefusedLink):
        check_url(f"http://{host}/")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("file:///etc/passwd", "scheme"),
        ("ftp://example.org/", "scheme"),
        ("gopher://example.org/", "scheme"),
        ("//example.org/", "scheme"),
        ("http://user:pw@example.org/", "credentials"),
        ("http://example.org@127.0.0.1/", "credentials"),
        ("http://example.org:22/", "port"),
        ("https://example.org:6379/", "port"),
        ("http://example.org:0/", "port"),
        ("http://example.org:99999/", "malformed"),
        ("http://example.org\\@127.0.0.1/", "malformed"),
        ("http://example.org/\r\nHost: x", "malformed"),
        ("http://example.org/" + "a" * 2_048, "malformed"),
        ("http://[::1", "malformed"),
    ],
)
def test_refused_urls(url: str, reason: str) -> None:
    with pytest.raises(RefusedLink) as refused:
        check_url(url)
    assert refused.value.reason == reason


@given(st.text(max_size=60))
def test_any_text_is_judged(text: str) -> None:
    for url in (text, f"http://{text}", f"https://example.org/{text}"):
        try:
            address = check_url(url)
        except RefusedLink:
            continue
        assert address.host.isascii()
        assert address.target.isascii()
        assert address.target.startswith("/") or address.target[0] not in "@:"


def test_accepted_urls() -> None:
    address = check_url("https://München.Example:80/straße?q=ü#part")
    assert (address.host, address.authority) == ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example:80")
    assert (address.port, address.target) == (80, "/stra%C3%9Fe?q=%C3%BC")
    assert check_url("http://[2606:2800:220:1:248:1893:25c8:1946]/").authority.startswith("[2606:")


# -- fetching ----------------------------------------------------------------------------------------------------------

PAGE = b"<html><head><title>A &amp; B</title></head></html>"


class Web:
    """A local server behind a resolver and a connector that we decide upon."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}
        self.names: dict[str, list[str]] = {}
        self.called: list[tuple[str, int, str | None]] = []
        self.requests: list[bytes] = []
        self.asked: list[str] = []
        self.fetcher = LinkFetcher(self.resolve, self.connect)
        self.port = 0

    async def resolve(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        return self.names.get(host, [PUBLIC])

    async def connect(
        self, address: str, port: int, tls_name: str | None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self.called.append((address, port, tls_name))
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        self.requests.append(request)
        page = self.pages.get(request.split(b" ")[1].decode(), b"HTTP/1.1 404 Not Found\r\n\r\n")
        try:
            if page == b"slow":
                await reader.read()
            writer.write(page)
            await writer.drain()
        except OSError:
            pass
        writer.close()

    def page(self, path: str, body: bytes = PAGE, head: str = "Content-Type: text/html; charset=utf-8") -> None:
        self.pages[path] = f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode() + body

    def redirect(self, path: str, location: str) -> None:
        self.pages[path] = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nSet-Cookie: a=b\r\n\r\n".encode()

    async def refusal(self, link: str) -> str:
        with pytest.raises(RefusedLink) as refused:
            await self.fetcher.fetch(link)
        return refused.value.reason


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    web = Web()
    server = await asyncio.start_server(web.serve, "127.0.0.1", 0)
    web.port = server.sockets[0].getsockname()[1]
    yield web
    server.close()


async def test_fetch(web: Web) -> None:
    web.page("/a?b=c")
    preview = await web.fetcher.fetch("http://example.org/a?b=c#d")
    assert preview == LinkPreview(url="http://example.org/a?b=c#d", title="A & B")
    assert web.called == [(PUBLIC, 80, None)], "the address that was judged is the one that is called"
    request = web.requests[0].decode()
    assert request.startswith("GET /a?b=c HTTP/1.1\r\n")
    assert "\r\nhost: example.org\r\n" in request.lower()
    for private in ("cookie", "authorization", "referer"):
        assert private not in request.lower()


async def test_tls_is_for_the_name_not_the_address(web: Web) -> None:
    web.page("/")
    await web.fetcher.fetch("https://example.org/")
    assert web.called == [(PUBLIC, 443, "example.org")]


@pytest.mark.parametrize("address", PRIVATE)
async def test_names_that_lead_inside(web: Web, address: str) -> None:
    web.page("/")
    web.names["evil.example"] = [address]
    web.names["mixed.example"] = [PUBLIC, address]
    assert await web.refusal("http://evil.example/") == "address"
    assert await web.refusal("http://mixed.example/") == "address"
    assert web.called == []
    web.redirect("/r", "http://evil.example/")
    assert await web.refusal("http://example.org/r") == "address"
    assert len(web.called) == 1, "nobody was called behind the redirect"


@pytest.mark.parametrize("host", [host for host in HOSTS if host])
async def test_redirects_to_hosts_inside(web: Web, host: str) -> None:
    web.redirect("/r", f"http://{host}/".encode().decode("latin-1"))
    await web.refusal("http://example.org/r")
    await web.refusal(f"http://{host}/")
    assert [called[0] for called in web.called] == [PUBLIC]
    assert web.asked == ["example.org"]


async def test_redirects(web: Web) -> None:
    for number in range(5):
        web.redirect(f"/{number}", f"{number + 1}" if number % 2 else f"https://example.net/{number + 1}")
    web.page("/5")
    preview = await web.fetcher.fetch("http://example.org/2")
    assert preview is not None
    assert preview.url == "http://example.org/2"
    assert await web.refusal("http://example.org/1") == "redirects"
    for location, reason in (
        ("file:///etc/passwd", "scheme"),
        ("http://example.org:22/", "port"),
        ("http://[::1", "malformed"),
    ):
        web.redirect("/x", location)
        assert await web.refusal("http://example.org/x") == reason


async def test_rebinding_gains_nothing(web: Web) -> None:
    """A name that answers differently the second time: it is not asked a second time."""
    answers = [[PUBLIC], ["127.0.0.1"]]

    async def resolve(host: str, port: int) -> list[str]:
        return answers.pop(0)

    web.page("/")
    await LinkFetcher(resolve, web.connect).fetch("http://example.org/")
    assert [called[0] for called in web.called] == [PUBLIC]
    assert answers == [["127.0.0.1"]]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 500 Oops\r\nContent-Type: text/html\r\n\r\n", "status"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}", "content_type"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html2\r\n\r\n", "content_type"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "content_type"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n\r\nx", "content_encoding"),
        (b"HTTP/1.1 302 Found\r\n\r\n", "status"),
        (b"SSH-2.0-OpenSSH\r\n", "unreachable"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 99\r\n\r\nx", "unreachable"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000, "unreachable"),
        (b"", "unreachable"),
    ],
)
async def test_what_is_no_web_page(web: Web, answer: bytes, reason: str) -> None:
    web.pages["/"] = answer
    assert await web.refusal("http://example.org/") == reason


async def test_only_the_beginning_is_read(web: Web) -> None:
    web.page("/", b"<title>Long</title>" + b"x" * 4_000_000 + b'<meta property="og:title" content="Too late">')
    preview = await web.fetcher.fetch("http://example.org/")
    assert preview is not None
    assert preview.title == "Long"


async def test_slow_servers_are_left(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fetch.TIMEOUT_S == 3.0
    monkeypatch.setattr(fetch, "TIMEOUT_S", 0.05)
    web.pages["/"] = b"slow"
    assert await web.refusal("http://example.org/") == "timeout"


async def test_own_resolver_and_connector_refuse_a_real_local_server(web: Web) -> None:
    """Nothing replaced: the machine's resolver knows localhost, and the judge refuses what it says."""
    resolver = Resolver()
    found = await resolver.resolve("localhost", 80)
    assert found
    for address in found:
        with pytest.raises(RefusedLink):
            check_address(address)
    resolver.close()
    fetcher = LinkFetcher()
    for host in ("localhost", "127.0.0.1", "2130706433", "[::1]"):
        with pytest.raises(RefusedLink):
            await fetcher.fetch(f"http://{host}:{web.port}/")
    fetcher.close()
    assert web.requests == []


async def test_connects_by_address_only(web: Web) -> None:
    reader, writer = await fetch.connect_to("127.0.0.1", web.port, None)
    assert writer.get_extra_info("socket").family == socket.AF_INET
    writer.close()
    await reader.read()


# -- pages -------------------------------------------------------------------------------------------------------------


def preview_of(page: str | bytes, content_type: str = "text/html") -> LinkPreview | None:
    body = page if isinstance(page, bytes) else page.encode()
    return read_page(body, content_type, link="https://a.example/", final_url="https://b.example/dir/")


def test_open_graph() -> None:
    preview = preview_of(
        "<title>Plain</title><meta property='og:title' content='T &lt;b&gt;\n x'>"
        '<META NAME="description" CONTENT="D"><meta property="og:image" content="../p.png">'
    )
    assert preview == LinkPreview(
        url="https://a.example/", title="T <b> x", description="D", image_url="https://b.example/p.png"
    )


@pytest.mark.parametrize(
    "image",
    ["http://b.example/p.png", "javascript:alert(1)", "data:image/png;base64,AA", "https://127.0.0.1/p.png",
     "https://192.168.1.1/reboot", "https://router.local/x", "https://b.example:8443/x", "//localhost/x", "https://[::1"],
)  # fmt: skip
def test_images_that_browsers_must_not_be_sent_to(image: str) -> None:
    preview = preview_of(f'<title>T</title><meta property="og:image" content="{image}">')
    assert preview is not None
    assert preview.image_url is None


def test_texts_are_bounded_lines_of_plain_text() -> None:
    preview = preview_of(f"<title>{'t' * 500}\u202e</title><meta name=description content='{'d' * 900}'>")
    assert preview is not None
    assert preview.description is not None
    assert (len(preview.title), len(preview.description)) == (200, 400)
    assert preview.title.endswith("…")
    assert preview_of("<p>no title") is None
    assert preview_of("<title> \n </title>") is None


@pytest.mark.parametrize(
    ("page", "content_type"),
    [
        ("<title>Ünï</title>".encode("latin-1"), "text/html; charset=ISO-8859-1"),
        ('<meta charset="iso-8859-1"><title>Ünï</title>'.encode("latin-1"), "text/html"),
        ("<title>Ünï</title>".encode(), "text/html; charset=nonsense"),
        ("<title>Ünï</title>".encode(), "text/html"),
    ],
)
def test_charsets(page: bytes, content_type: str) -> None:
    preview = preview_of(page, content_type)
    assert preview is not None
    assert preview.title == "Ünï"


@given(st.binary(max_size=300))
def test_any_bytes_are_read(body: bytes) -> None:
    preview_of(
        b"<title>x</title><meta " + body + b"><meta content='" + body + b"' name=description>", "text/html; charset=hex"
    )


# -- beside the rooms --------------------------------------------------------------------------------------------------


async def serve(
    fetch_page: Callable[[str], Awaitable[LinkPreview | None]], *links: str
) -> tuple[list[LinkPreview], Counter[str]]:
    counters: Counter[str] = Counter()
    previews = Previews(fetch_page, counters)
    found: list[LinkPreview] = []
    for link in links:
        previews.want(link, found.append)
        await asyncio.sleep(0.01)
    await previews.close()
    return found, counters


async def test_each_link_is_fetched_once_in_a_while() -> None:
    asked: list[str] = []

    async def fetch_page(link: str) -> LinkPreview | None:
        asked.append(link)
        if "bad" in link:
            raise RefusedLink("address")
        return LinkPreview(url=link, title="T")

    found, counters = await serve(fetch_page, "a", "a", "bad", "bad", "b")
    assert [preview.url for preview in found] == ["a", "a", "b"]
    assert asked == ["a", "bad", "b"]
    assert counters == {"link_previews": 2, "link_refused_address": 1}


async def test_many_links_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fetch_page(link: str) -> LinkPreview | None:
        await asyncio.sleep(60)
        return None

    monkeypatch.setattr("signaling.links.previews.MAX_WAITING", 3)
    found, counters = await serve(fetch_page, *"abcde")
    assert found == []
    assert counters == {"link_previews_dropped": 2}
