"""Data channels end to end, with aiortc's own peer connection on the other side."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from sfu.ice.candidates import is_loopback
from sfu.io.addresses import interface_addresses
from sfu.io.dtls import Certificate
from sfu.io.ports import MediaPorts
from sfu.io.sctp import DataChannel, DataChannels
from sfu.io.srtp import SrtpKeys
from tests.integration.io.server import Endpoint

# aioice gathers no loopback address.
ADDRESSES = [address for address in interface_addresses() if not is_loopback(address) and ":" not in address]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(15):
        while not condition():  # noqa: ASYNC110 - plain values of both peers
            await asyncio.sleep(0.005)


class Echo(Endpoint):
    """An endpoint that sends every message back."""

    def __init__(self, ports: MediaPorts, certificate: Certificate) -> None:
        super().__init__(ports, certificate)
        self.channels = DataChannels(self.dtls, self)
        self.opened: list[DataChannel] = []

    def on_dtls_connected(self, keys: SrtpKeys) -> None:
        super().on_dtls_connected(keys)
        self.channels.start(5000, 65536)

    def on_dtls_data(self, data: bytes) -> None:
        self.channels.receive(data)

    def on_channel(self, channel: DataChannel) -> None:
        self.opened.append(channel)

    def on_message(self, channel: DataChannel, data: str | bytes) -> None:
        self.channels.send(channel, data)

    def answer(self, offer: str, ports: MediaPorts, certificate: Certificate) -> str:
        """The shortest answer that a data channel needs."""
        lines = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=ice-lite", "a=group:BUNDLE 0"]
        lines += ["m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0", "a=mid:0"]
        lines += [f"a=ice-ufrag:{self.link.local_ufrag}", f"a=ice-pwd:{self.link.local_pwd}", "a=setup:passive"]
        lines += [f"a=fingerprint:{name} {value}" for name, value in certificate.fingerprints]
        lines += [f"a={candidate}" for candidate in ports.candidates] + ["a=end-of-candidates", "a=sctp-port:5000"]
        fingerprints = re.findall(r"a=fingerprint:(\S+) (\S+)", offer)
        self.dtls.start(True, fingerprints)
        return "\r\n".join(lines) + "\r\n"


@pytest.mark.skipif(not ADDRESSES, reason="no address but loopback")
async def test_with_aiortc() -> None:
    certificate, ports = Certificate(), MediaPorts()
    await ports.start(["0.0.0.0"], 0)
    echo = Echo(ports, certificate)
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    received: list[str | bytes] = []
    reliable = peer.createDataChannel("reliable", protocol="plenum-relay")
    lossy = peer.createDataChannel("lossy", protocol="plenum-relay", ordered=False, maxRetransmits=0)
    for channel in (reliable, lossy):
        channel.on("message", received.append)
    await peer.setLocalDescription(await peer.createOffer())
    answer = echo.answer(peer.localDescription.sdp, ports, certificate)
    await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    await until(lambda: len(echo.opened) == 2 and reliable.readyState == lossy.readyState == "open")
    assert {(c.label, c.protocol, c.ordered, c.lossy) for c in echo.opened} == {
        ("reliable", "plenum-relay", True, False),
        ("lossy", "plenum-relay", False, True),
    }
    messages: list[str | bytes] = ["text", b"bytes", bytes(64_000)]
    for message in messages:
        reliable.send(message)
    await until(lambda: len(received) == 3)
    assert received == messages
    lossy.send(b"lossy")
    await until(lambda: received[3:] == [b"lossy"])
    assert not +echo.channels.counters
    echo.channels.close()
    await peer.close()
    echo.close()
    await ports.close()
    assert ports.counters["bug"] == 0
