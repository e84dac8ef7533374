"""Fetches a page for its preview: few bytes, little time, no cookies, and only from public addresses."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urljoin

import h11

from signaling.links.addresses import RefusedLink, WebAddress, check_address, check_url
from signaling.links.page import read_page
from signaling.messages.chat import LinkPreview

TIMEOUT_S = 3.0
MAX_BODY_BYTES = 524_288
MAX_REDIRECTS = 3
MAX_ADDRESSES = 16
USER_AGENT = "PlenumLinkPreview/1.0"
_READ_BYTES = 65_536
_REDIRECTS = frozenset({301, 302, 303, 307, 308})

Resolve = Callable[[str, int], Awaitable[list[str]]]
Connect = Callable[[str, int, str | None], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


@dataclass(frozen=True, slots=True)
class _Answer:
    """``location``: where a redirect points."""

    content_type: str
    body: bytes
    location: str | None = None


class LinkFetcher:
    """Turns links into previews. ``resolve`` and ``connect`` are the only ways to the network, for tests to replace."""

    def __init__(self, resolve: Resolve | None = None, connect: Connect | None = None) -> None:
        self._resolver: Resolver | None = None
        if resolve is None:
            self._resolver = Resolver()
            resolve = self._resolver.resolve
        self._resolve = resolve
        self._connect = connect or connect_to

    async def fetch(self, link: str) -> LinkPreview | None:
        """The preview of ``link``; None if its page has nothing to show.

        Raises RefusedLink for what must or need not be followed, and for what does not answer as a web page does.
        """
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await self._follow(link)
        except TimeoutError:
            raise RefusedLink("timeout") from None
        except (OSError, EOFError, h11.RemoteProtocolError, h11.LocalProtocolError):
            # ssl.SSLError is an OSError; local errors come from redirect targets that fit into no request.
            raise RefusedLink("unreachable") from None

    async def _follow(self, link: str) -> LinkPreview | None:
        url = link
        for _ in range(MAX_REDIRECTS + 1):
            address = check_url(url)
            answer = await self._get(address)
            if answer.location is None:
                return read_page(answer.body, answer.content_type, link=link, final_url=url)
            try:
                url = urljoin(url, answer.location)
            except ValueError:
                raise RefusedLink("malformed") from None
        raise RefusedLink("redirects")

    async def _get(self, address: WebAddress) -> _Answer:
        checked = [check_address(found) for found in await self._resolve(address.host, address.port)]
        if not checked or len(checked) > MAX_ADDRESSES:
            raise RefusedLink("address")
        # The address, never the name: nobody looks the name up a second time.
        tls_name = address.host if address.scheme == "https" else None
        reader, writer = await self._connect(checked[0], address.port, tls_name)
        try:
            return await _exchange(reader, writer, address)
        finally:
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                writer.transport.abort()

    def close(self) -> None:
        """Let go of the resolver's threads."""
        if self._resolver is not None:
            self._resolver.close()


class Resolver:
    """The system's resolver in threads of its own: a slow one must not hold up other work."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="link resolver")

    async def resolve(self, host: str, port: int) -> list[str]:
        """All addresses of ``host``; raises OSError."""

        def look_up() -> list[str]:
            return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]

        return list(dict.fromkeys(await asyncio.get_running_loop().run_in_executor(self._threads, look_up)))

    def close(self) -> None:
        """Wait for nobody."""
        self._threads.shutdown(wait=False, cancel_futures=True)


async def connect_to(
    address: str, port: int, tls_name: str | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to an address that was checked; by TLS, if a name is given that the certificate must be for."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    context = ssl.create_default_context() if tls_name is not None else None
    return await asyncio.open_connection(address, port, family=family, ssl=context, server_hostname=tls_name)


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: WebAddress) -> _Answer:
    connection = h11.Connection(h11.CLIENT)
    headers = [
        ("Host", address.authority),
        ("User-Agent", USER_AGENT),
        ("Accept", "text/html"),
        ("Accept-Encoding", "identity"),
        ("Connection", "close"),
    ]
    request = h11.Request(method="GET", target=address.target, headers=headers)
    writer.write(connection.send(request) + connection.send(h11.EndOfMessage()))
    await writer.drain()
    body = bytearray()
    content_type = ""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(_READ_BYTES))
        elif isinstance(event, h11.Response):
            found = dict(_named(event))
            if event.status_code in _REDIRECTS and "location" in found:
                return _Answer("", b"", found["location"])
            content_type = _check_head(event.status_code, found)
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) >= MAX_BODY_BYTES:
                break  # the head of the page is in what came
        elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
            break
    return _Answer(content_type, bytes(body[:MAX_BODY_BYTES]))


def _named(response: h11.Response) -> Iterator[tuple[str, str]]:
    for name, value in response.headers:
        yield name.decode("latin-1"), value.decode("latin-1")


def _check_head(status: int, headers: dict[str, str]) -> str:
    """The content type; raises RefusedLink unless a web page follows."""
    if status != 200:
        raise RefusedLink("status")
    content_type = headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != "text/html":
        raise RefusedLink("content_type")
    if headers.get("content-encoding", "identity").strip().lower() not in ("identity", ""):
        raise RefusedLink("content_encoding")
    return content_type
