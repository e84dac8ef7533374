"""One transport's connection at the shared ports: its ICE agent, its validated paths, the selected one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import structlog

from sfu.errors import MalformedPacket
from sfu.ice.agent import Credentials, IceLiteAgent, LinkState, PathKey
from sfu.ice.stun import StunMessage
from sfu.io.nobody import NOBODY
from sfu.io.path import Path

if TYPE_CHECKING:
    from sfu.io.ports import MediaPorts

log = structlog.get_logger(__name__)


class LinkHandler(Protocol):
    """Who takes what comes over a link. Called within the receive loop: must not block, nor raise."""

    def on_dtls(self, data: bytes) -> None:
        """A DTLS datagram of a validated path."""

    def on_rtp(self, data: bytes, now: float) -> None:
        """An SRTP packet of a validated path, still protected."""

    def on_rtcp(self, data: bytes, now: float) -> None:
        """An SRTCP packet of a validated path, still protected."""

    def on_link_state(self, state: LinkState) -> None:
        """The state has changed; not called for CLOSED, which is our own doing."""


class IceLink:
    """The face of ICE towards a Transport.

    Datagrams are sent on the selected path; before any check was authenticated they are dropped and counted.
    Datagrams of every validated path are accepted, so that a change of path loses none.
    """

    def __init__(self, ports: MediaPorts, handler: LinkHandler) -> None:
        self.agent = IceLiteAgent()
        self.state = LinkState.NEW
        self.selected: Path | None = None
        self._ports = ports
        self._paths: dict[PathKey, Path] = {}
        self._tell(handler)
        ports.register(self.agent.local.ufrag, self)

    def _tell(self, handler: LinkHandler) -> None:
        self._handler = handler
        self._on_dtls = handler.on_dtls
        self._on_rtp = handler.on_rtp
        self._on_rtcp = handler.on_rtcp

    @property
    def local_ufrag(self) -> str:
        return self.agent.local.ufrag

    @property
    def local_pwd(self) -> str:
        return self.agent.local.pwd

    def set_remote(self, ufrag: str, pwd: str) -> None:
        """The peer's credentials, from its offer or answer; may come after its first checks."""
        self.agent.set_remote(Credentials(ufrag, pwd), time.monotonic())
        self.poll(time.monotonic())

    def restart(self) -> Credentials:
        """New local credentials for an ICE restart; the former ones serve until the peer uses the new ones."""
        before = self.agent.ufrags
        credentials = self.agent.restart()
        self._ports.register(credentials.ufrag, self)
        self._forget_ufrags(before)
        return credentials

    def _forget_ufrags(self, before: list[str]) -> None:
        for ufrag in before:
            if ufrag not in self.agent.ufrags:
                self._ports.forget_ufrag(ufrag, self)

    # -- sending -----------------------------------------------------------
    def send(self, data: bytes) -> None:
        """Send one datagram on the selected path."""
        if self.selected is not None:
            self.selected.send(data)
        else:
            self._ports.count("no_path")

    def send_many(self, packets: Sequence[bytes]) -> None:
        """Send several datagrams in order on the selected path."""
        if self.selected is not None:
            self.selected.send_many(packets)
        else:
            self._ports.count("no_path", len(packets))

    # -- receiving ---------------------------------------------------------
    def receive(self, data: bytes, now: float) -> None:
        """A datagram of a validated path that is not STUN (RFC 7983: the first byte tells)."""
        self.agent.last_activity = now
        first = data[0]
        if 127 < first < 192:
            # RTP and RTCP share the port (RFC 5761 section 4): RTCP's types are 192 to 223.
            if len(data) > 1 and 63 < data[1] & 0x7F < 96:
                self._on_rtcp(data, now)
            else:
                self._on_rtp(data, now)
        elif 19 < first < 64:
            self._on_dtls(data)
        else:
            self._ports.count("unknown_protocol")

    def receive_stun(self, message: StunMessage, data: bytes, path: Path, now: float) -> None:
        """A STUN message for this link's credentials, on any path, known or new."""
        if self.state is LinkState.CLOSED:
            return
        before = self.agent.ufrags
        try:
            result = self.agent.handle(message, data, path.key, path.remote, now)
        except MalformedPacket as error:
            self._ports.count(error.reason)
            return
        if result.reason is not None:
            self._ports.count(result.reason)
        if result.evicted is not None:
            self._drop(result.evicted)
        if result.validated and path.link is not self:
            self._adopt(path)
        if result.restarted:
            self._forget_ufrags(before)
        if result.selected_changed:
            self._select()
        if result.response is not None:
            path.send(result.response)
        if result.validated and self.state is not LinkState.CONNECTED:
            self.poll(now)

    def _adopt(self, path: Path) -> None:
        """A path proved itself for this link; whoever had its address before loses it."""
        if path.link is not None:
            path.link.path_lost(path)
        path.link = self
        self._paths[path.key] = path
        self._ports.keep(path)

    def _select(self) -> None:
        key = self.agent.selected
        self.selected = self._paths.get(key) if key is not None else None

    def _drop(self, key: PathKey) -> None:
        path = self._paths.pop(key, None)
        if path is not None:
            path.forget()

    def path_lost(self, path: Path) -> None:
        """The path's connection is closed, or another link has taken its address."""
        self._paths.pop(path.key, None)
        path.link = None
        if self.agent.remove_path(path.key):
            self._select()

    # -- life --------------------------------------------------------------
    def poll(self, now: float) -> None:
        """Bring the state up to date; the ports call it once a second."""
        if self.state is LinkState.CLOSED:
            return
        state = self.agent.state(now)
        if state is not self.state:
            self.state = state
            self._handler.on_link_state(state)

    def fail(self) -> None:
        """A bug showed while this link's data was handled: the link ends, the process goes on."""
        if self.state is not LinkState.CLOSED:
            handler = self._handler
            self.close()
            try:
                handler.on_link_state(LinkState.FAILED)
            except Exception:
                log.exception("link_handler_failed")

    def close(self) -> None:
        """Free the credentials and the paths; may be called again."""
        if self.state is LinkState.CLOSED:
            return
        self.state = LinkState.CLOSED
        self.selected = None
        self._ports.forget(self)
        paths, self._paths = self._paths, {}
        for path in paths.values():
            path.forget()
        self._tell(NOBODY)
