"""One secured connection to a client: ICE link, DTLS, SRTP both ways, and the packets that wait for the batch's end."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from sfu.errors import MalformedPacket
from sfu.ice.agent import LinkState
from sfu.io.dtls import Certificate, DtlsEndpoint
from sfu.io.link import IceLink
from sfu.io.nobody import NOBODY
from sfu.io.ports import MediaPorts
from sfu.io.srtp import SrtpKeys, SrtpReceiver, SrtpSender
from sfu.layers.forward import Outlet
from sfu.pacing import PacedSender
from sfu.sdp.types import LocalTransport, RemoteTransport
from sfu.totals import Totals


class TransportState(enum.StrEnum):
    """Where a Transport's connection is."""

    NEW = "new"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    FAILED = "failed"
    CLOSED = "closed"


TRANSITIONS: dict[TransportState, frozenset[TransportState]] = {
    TransportState.NEW: frozenset({TransportState.CONNECTING, TransportState.FAILED, TransportState.CLOSED}),
    TransportState.CONNECTING: frozenset({TransportState.CONNECTED, TransportState.FAILED, TransportState.CLOSED}),
    TransportState.CONNECTED: frozenset({TransportState.DISCONNECTED, TransportState.FAILED, TransportState.CLOSED}),
    TransportState.DISCONNECTED: frozenset({TransportState.CONNECTED, TransportState.FAILED, TransportState.CLOSED}),
    TransportState.FAILED: frozenset({TransportState.CONNECTED, TransportState.CLOSED}),
    TransportState.CLOSED: frozenset(),
}


class ConnectionHandler(Protocol):
    """What a Connection tells its Transport."""

    def on_rtp(self, data: bytes, now: float) -> None:
        """One decrypted RTP packet."""
        ...

    def on_rtcp(self, data: bytes, now: float) -> None:
        """One decrypted RTCP compound."""
        ...

    def on_data(self, data: bytes) -> None:
        """One SCTP packet."""
        ...

    def on_secured(self) -> None:
        """DTLS is done: media may be sent."""
        ...

    def on_state(self, state: TransportState) -> None:
        """The state changed."""
        ...


class Connection(Outlet):
    """Link, DTLS and SRTP of one Transport."""

    def __init__(
        self,
        ports: MediaPorts,
        certificate: Certificate,
        handler: ConnectionHandler,
        counters: Counter[str],
        dirty: list[Outlet],
        totals: Totals,
    ) -> None:
        super().__init__(dirty)
        self.state = TransportState.NEW
        self.failure: str | None = None
        self.sender: SrtpSender | None = None
        self.link = IceLink(ports, self)
        self.dtls = DtlsEndpoint(certificate, self.link.send, self)
        self._ports = ports
        self._certificate = certificate
        self._handler = handler
        self._counters = counters
        self._totals = totals
        self._receiver: SrtpReceiver | None = None
        self._fingerprints: tuple[tuple[str, str], ...] = ()
        self.watcher: PacedSender | None = None

    # -- negotiation -----------------------------------------------------------------------------------------------

    def local(self) -> LocalTransport:
        """Our side as it is written into a session description."""
        return LocalTransport(
            ufrag=self.link.local_ufrag,
            pwd=self.link.local_pwd,
            fingerprints=self._certificate.fingerprints,
            candidates=[str(c) for c in self._ports.candidates],
        )

    def start(self, remote: RemoteTransport) -> None:
        """Take the peer's side; the first call starts DTLS, later ones may bring new ICE credentials."""
        self.link.set_remote(remote.ufrag, remote.pwd)
        if self.state is not TransportState.NEW:
            return
        self._fingerprints = remote.fingerprints
        self._set_state(TransportState.CONNECTING)
        self.dtls.start(is_server=remote.setup == "active", fingerprints=list(remote.fingerprints))

    def changes_identity(self, fingerprints: Sequence[tuple[str, str]]) -> bool:
        """Whether a later description names another certificate than the one this connection was made with."""
        return bool(self._fingerprints) and set(fingerprints) != set(self._fingerprints)

    # -- from the link ---------------------------------------------------------------------------------------------

    def on_dtls(self, data: bytes) -> None:
        """A DTLS datagram."""
        self.dtls.receive(data)

    def on_rtp(self, data: bytes, now: float) -> None:
        """A protected RTP packet."""
        receiver = self._receiver
        if receiver is None:
            self._counters["rtp_before_keys"] += 1
            return
        try:
            plain = receiver.unprotect_rtp(data)
        except MalformedPacket as error:
            self._counters[error.reason] += 1
            return
        totals = self._totals
        totals.packets_received += 1
        totals.bytes_received += len(data)
        self._handler.on_rtp(plain, now)

    def on_rtcp(self, data: bytes, now: float) -> None:
        """A protected RTCP packet."""
        receiver = self._receiver
        if receiver is None:
            self._counters["rtcp_before_keys"] += 1
            return
        try:
            plain = receiver.unprotect_rtcp(data)
        except MalformedPacket as error:
            self._counters[error.reason] += 1
            return
        self._handler.on_rtcp(plain, now)

    def on_link_state(self, state: LinkState) -> None:
        """The link's consent came or went."""
        if self.sender is None:
            if state is LinkState.FAILED:
                self._fail("ice_timeout")
            return
        if state is LinkState.CONNECTED:
            self._set_state(TransportState.CONNECTED)
        elif state is LinkState.DISCONNECTED and self.state is TransportState.CONNECTED:
            self._set_state(TransportState.DISCONNECTED)
        elif state is LinkState.FAILED:
            self._fail("consent_expired")

    # -- from DTLS -------------------------------------------------------------------------------------------------

    def on_dtls_connected(self, keys: SrtpKeys) -> None:
        """The handshake is done and the peer's certificate is the one its description named."""
        self._receiver = SrtpReceiver(keys)
        self.sender = SrtpSender(keys)
        self._set_state(TransportState.CONNECTED)
        self._handler.on_secured()

    def on_dtls_data(self, data: bytes) -> None:
        """Application data: SCTP."""
        self._handler.on_data(data)

    def on_dtls_closed(self, reason: str) -> None:
        """The peer said goodbye, or the handshake failed."""
        if reason == "close_notify":
            self.failure = self.failure or reason
        else:
            self._fail(reason)
        self.close()  # keys cannot be agreed on twice: whoever wants to go on negotiates a new Transport

    # -- sending ---------------------------------------------------------------------------------------------------

    def send_rtcp(self, data: bytes) -> None:
        """Protect and send an RTCP compound; nothing is sent before the connection is secured."""
        if self.sender is None:
            return
        try:
            self.link.send(self.sender.protect_rtcp(data))
        except MalformedPacket as error:
            self._counters[error.reason] += 1

    def flush(self, now: float) -> None:
        """Hand over the packets that were queued during a batch."""
        packets, self.packets = self.packets, []
        if packets:
            self._send(packets)
        watcher = self.watcher
        if watcher is not None:
            watcher.on_flushed(packets, now)

    def send_paced(self, packets: Sequence[bytes]) -> None:
        """Send packets that were held back."""
        self._send(packets)

    def _send(self, packets: Sequence[bytes]) -> None:
        self.link.send_many(packets)
        totals = self._totals
        totals.packets_sent += len(packets)
        totals.bytes_sent += sum(map(len, packets))

    def close(self) -> None:
        """Say goodbye and let go of the port; may be called again."""
        if self.state is TransportState.CLOSED:
            return
        self.dtls.close()
        self.link.close()
        self.packets = []
        self.held = []
        self.watcher = None
        self._set_state(TransportState.CLOSED)
        self._handler = NOBODY

    def _fail(self, reason: str) -> None:
        self.failure = reason
        self._counters[f"transport_{reason}"] += 1
        if self.state is not TransportState.CLOSED:
            self._set_state(TransportState.FAILED)

    def _set_state(self, state: TransportState) -> None:
        if state is self.state:
            return
        if state not in TRANSITIONS[self.state]:
            self._counters["transport_transition_refused"] += 1
            return
        self.state = state
        self._handler.on_state(state)
