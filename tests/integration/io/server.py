"""The server's half in these tests: what a Transport does with link, DTLS and SRTP, without any media logic."""

from __future__ import annotations

from collections.abc import Sequence

from sfu.errors import MalformedPacket
from sfu.ice.agent import LinkState
from sfu.io.dtls import Certificate, DtlsEndpoint
from sfu.io.link import IceLink
from sfu.io.ports import MediaPorts
from sfu.io.srtp import SrtpKeys, SrtpReceiver, SrtpSender


class Endpoint:
    """One connection: keeps what it receives, in the clear."""

    def __init__(self, ports: MediaPorts, certificate: Certificate) -> None:
        self.rtp: list[bytes] = []
        self.rtcp: list[bytes] = []
        self.data: list[bytes] = []
        self.refused: list[str] = []
        self.closed: list[str] = []
        self.states: list[LinkState] = []
        self.sender: SrtpSender | None = None
        self.receiver: SrtpReceiver | None = None
        self.link = IceLink(ports, self)
        self.dtls = DtlsEndpoint(certificate, self.link.send, self)

    # -- from the link -----------------------------------------------------
    def on_dtls(self, data: bytes) -> None:
        self.dtls.receive(data)

    def on_rtp(self, data: bytes, now: float) -> None:
        if self.receiver is not None:
            try:
                self.rtp.append(self.receiver.unprotect_rtp(data))
            except MalformedPacket as error:
                self.refused.append(error.reason)

    def on_rtcp(self, data: bytes, now: float) -> None:
        if self.receiver is not None:
            try:
                self.rtcp.append(self.receiver.unprotect_rtcp(data))
            except MalformedPacket as error:
                self.refused.append(error.reason)

    def on_link_state(self, state: LinkState) -> None:
        self.states.append(state)

    # -- from DTLS ---------------------------------------------------------
    def on_dtls_connected(self, keys: SrtpKeys) -> None:
        self.receiver, self.sender = SrtpReceiver(keys), SrtpSender(keys)

    def on_dtls_data(self, data: bytes) -> None:
        self.data.append(data)

    def on_dtls_closed(self, reason: str) -> None:
        self.closed.append(reason)

    # -- for tests ---------------------------------------------------------
    def send_rtp(self, headers: Sequence[bytes], payload: bytes) -> None:
        """Seal and send several packets at once, with ROC 0."""
        sender = self.sender
        assert sender is not None
        self.link.send_many(
            [
                sender.protect_rtp(h, payload, int.from_bytes(h[8:12], "big"), int.from_bytes(h[2:4], "big"))
                for h in headers
            ]
        )

    def close(self) -> None:
        self.dtls.close()
        self.link.close()
