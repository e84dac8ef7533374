"""The media ports: one UDP and one TCP port for all transports of the process."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import time
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice

import structlog

from sfu.errors import MalformedPacket, PortUnavailable
from sfu.ice import stun
from sfu.ice.candidates import Candidate, make_candidates
from sfu.io.addresses import announced_addresses, bind_plan
from sfu.io.link import IceLink
from sfu.io.nobody import ignore
from sfu.io.path import Counters, Path, SocketAddress, UdpPath, UdpSocket
from sfu.io.tcp import TcpListener

log = structlog.get_logger(__name__)

_SAMPLE_EVERY = 16  # batches of which one is looked at for how long it took
_BATCH = 64  # datagrams read in a row before others get their turn
_DATAGRAM_BYTES = 2048
_BUFFER_BYTES = 4 << 20
_POLL_INTERVAL_S = 1.0
_POLL_PARTS = 20  # of a thousand links at once a packet would have to wait for
_EPHEMERAL_TRIES = 20
_TAKEN = (errno.EADDRINUSE, errno.EACCES)


class MediaPorts:
    """Binds the sockets, tells datagrams apart, hands them to the links.

    ``counters`` holds what was dropped or went wrong, by a stable name. ``on_batch_end`` is called after each
    batch of datagrams, so that what was forwarded meanwhile can be sent in groups, and says whether there was any.
    ``on_delay`` gets samples of the seconds from the kernel's receipt of a datagram to the end of its batch.
    """

    def __init__(self, counters: Counters | None = None) -> None:
        self.counters: Counters = Counter() if counters is None else counters
        self.links: dict[str, IceLink] = {}  # by local user name fragment
        self.on_batch_end: Callable[[], bool] = _nothing
        self.on_delay: Callable[[float], None] = ignore
        self._batches = 0
        self.udp_port = 0
        self.tcp_port: int | None = None
        self.candidates: list[Candidate] = []
        self.sockets: list[UdpSocket] = []
        self._listener: TcpListener | None = None
        self._poll_handle: asyncio.TimerHandle | None = None
        self._polls = 0
        self._loop: asyncio.AbstractEventLoop | None = None

    # -- start and end -----------------------------------------------------
    async def start(
        self, hosts: Sequence[str], udp_port: int, tcp_port: int | None = None, announced: Sequence[str] = ()
    ) -> None:
        """Bind ``hosts``; 0 takes any free port, ``tcp_port`` None means no ICE-TCP.

        Raises PortUnavailable when a port is taken or no host can be bound. A host of a family that this
        machine does not have (IPv6 switched off) is left out as long as another one can be bound.
        """
        self._loop = asyncio.get_running_loop()
        self.sockets = [UdpSocket(sock, self.counters) for sock in _bind_all(hosts, udp_port)]
        self.udp_port = self.sockets[0].port
        for sock in self.sockets:
            self._loop.add_reader(sock.sock.fileno(), self._drain, sock)
        if tcp_port is not None:
            self._listener = TcpListener(self)
            try:
                self.tcp_port = await self._listener.start(hosts, tcp_port)
            except PortUnavailable:
                await self.close()
                raise
        addresses = announced_addresses(announced, [sock.host for sock in self.sockets])
        self.candidates = make_candidates(addresses, self.udp_port, self.tcp_port)
        self._schedule_poll()

    async def close(self) -> None:
        """Close all links, sockets and connections; may be called again."""
        if self._poll_handle is not None:
            self._poll_handle.cancel()
            self._poll_handle = None
        for link in set(self.links.values()):
            link.close()
        for sock in self.sockets:
            if self._loop is not None:
                self._loop.remove_reader(sock.sock.fileno())
            sock.sock.close()
        self.sockets = []
        if self._listener is not None:
            await self._listener.close()
            self._listener = None
        self.tcp_port = None

    def local_candidates(self) -> list[Candidate]:
        """The candidates to announce, most preferred first."""
        return self.candidates

    def count(self, name: str, amount: int = 1) -> None:
        """Count something that happened to a datagram."""
        self.counters[name] += amount

    # -- links -------------------------------------------------------------
    def register(self, ufrag: str, link: IceLink) -> None:
        """From now on checks for this user name fragment go to ``link``."""
        self.links[ufrag] = link

    def forget_ufrag(self, ufrag: str, link: IceLink) -> None:
        """The fragment is no longer valid."""
        if self.links.get(ufrag) is link:
            del self.links[ufrag]

    def forget(self, link: IceLink) -> None:
        """The link is closed."""
        for ufrag in link.agent.ufrags:
            self.forget_ufrag(ufrag, link)

    def keep(self, path: Path) -> None:
        """A path is validated: from now on its datagrams are recognised by their address."""
        if isinstance(path, UdpPath):
            path.register()

    def _poll(self) -> None:
        now = time.monotonic()
        self._polls += 1
        # During an ICE restart a link is listed under several fragments; asking it twice does no harm, and one that
        # changes its place because others go is asked at the next round.
        for link in list(islice(self.links.values(), self._polls % _POLL_PARTS, None, _POLL_PARTS)):
            try:
                link.poll(now)
            except Exception as error:
                self.on_bug(link, error)
        self._schedule_poll()

    def _schedule_poll(self) -> None:
        assert self._loop is not None
        self._poll_handle = self._loop.call_later(_POLL_INTERVAL_S / _POLL_PARTS, self._poll)

    # -- receiving ---------------------------------------------------------
    def _drain(self, sock: UdpSocket) -> None:
        """Read what the kernel holds for one socket, at most one batch."""
        receive: Callable[[int], tuple[bytes, SocketAddress]] = sock.sock.recvfrom
        known = sock.paths.get
        now = time.monotonic()
        self._batches += 1
        if sock.stamped and not self._batches % _SAMPLE_EVERY:
            receive = sock.receive_stamped
        for _ in range(_BATCH):
            try:
                data, address = receive(_DATAGRAM_BYTES)
            except BlockingIOError:
                break
            except OSError:
                # An ICMP error about an earlier datagram of ours; the socket itself is well.
                self.count("udp_receive_error")
                continue
            path = known(address)
            if path is not None and data and data[0] > 3:
                link = path.link
                if link is not None:
                    try:
                        link.receive(data, now)
                    except Exception as error:
                        self.on_bug(link, error)
            else:
                self.datagram_received(sock, data, address, now)
        if self.batch_end() and sock.sampled_at is not None:
            self.on_delay(max(0.0, time.time() - sock.sampled_at))
        sock.sampled_at = None

    def batch_end(self) -> bool:
        """Let what was forwarded go out; whether there was any."""
        try:
            return self.on_batch_end()
        except Exception:
            self.count("bug")
            log.exception("batch_end_failed")
            return False

    def datagram_received(self, sock: UdpSocket, data: bytes, address: SocketAddress, now: float) -> None:
        """Any datagram, of a known or an unknown address; never raises."""
        path: Path | None = sock.paths.get(address)
        if path is None:
            if not data or data[0] > 3:
                self.count("unknown_source")
                return
            path = UdpPath(sock, address)
        self.path_received(path, data, now)

    def path_received(self, path: Path, data: bytes, now: float) -> bool:
        """A datagram of a path; True if the path belongs to a link afterwards. Never raises."""
        link = path.link
        try:
            if data and data[0] < 4:
                link = self._stun_link(path, data, now)
            elif link is not None and data:
                link.receive(data, now)
            else:
                self.count("unknown_source" if data else "empty_datagram")
        except MalformedPacket as error:
            self.count(error.reason)
        except Exception as error:
            self.on_bug(link, error)
        return path.link is not None

    def _stun_link(self, path: Path, data: bytes, now: float) -> IceLink | None:
        """Give a STUN message to the link whose credentials it names; only checks are worth anything."""
        message = stun.parse_stun(data)
        link = path.link
        if message.kind == stun.BINDING_REQUEST:
            username = message.username
            named = self.links.get(username.partition(":")[0]) if username is not None else link
            # A stale or wrong name on a known path is answered by its link, with 401.
            link = named if named is not None else link
        elif link is not None:
            link.agent.last_activity = now
        if link is None:
            self.count("stun_unknown_username")
        else:
            link.receive_stun(message, data, path, now)
        return link

    def on_bug(self, link: IceLink | None, error: Exception) -> None:
        """An exception that is ours: logged with its traceback, ends that link only."""
        self.count("bug")
        log.error("link_failed", ufrag=link.local_ufrag if link else None, exc_info=error)
        if link is not None:
            link.fail()


def _nothing() -> bool:
    """Stands for ``on_batch_end`` until the engine sets it."""
    return False


def _bind_all(hosts: Sequence[str], port: int) -> list[socket.socket]:
    """UDP sockets for all hosts with one port number; a free number is sought when ``port`` is 0."""
    for attempt in range(_EPHEMERAL_TRIES):
        try:
            return _bind_once(hosts, port)
        except PortUnavailable:
            # With port 0 the number that the first host got may be taken at the next one.
            if port != 0 or attempt == _EPHEMERAL_TRIES - 1:
                raise
    raise AssertionError("unreachable")


def _bind_once(hosts: Sequence[str], port: int) -> list[socket.socket]:
    bound: list[socket.socket] = []
    refused: list[str] = []
    for step in bind_plan(hosts):
        try:
            sock = _bind_udp(step.family, step.host, port, shared=step.shared)
        except OSError as error:
            if step.shared:
                continue  # the socket of all addresses receives for it, too
            if error.errno in _TAKEN:
                _close_all(bound)
                raise PortUnavailable(f"UDP port {port} of {step.host} cannot be bound: {error.strerror}") from error
            refused.append(f"{step.host}: {error.strerror}")
            continue
        port = sock.getsockname()[1]
        bound.append(sock)
    if not bound:
        raise PortUnavailable(f"UDP port {port} cannot be bound: {'; '.join(refused) or 'no host given'}")
    return bound


def _close_all(sockets: Sequence[socket.socket]) -> None:
    for sock in sockets:
        sock.close()


def _bind_udp(family: socket.AddressFamily, host: str, port: int, *, shared: bool) -> socket.socket:
    """One bound socket. ``shared``: a specific address beside the socket of all addresses on the same port."""
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        # Set after binding, so that a second server on the port is noticed, while our own sockets of
        # specific addresses may follow.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    except OSError:
        sock.close()
        raise
    return sock
