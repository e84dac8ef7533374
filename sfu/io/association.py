"""aiortc's SCTP, made to run over our DTLS and held within limits. Importing this is slow: import it late.

aiortc trusts its peer with memory and time: it takes any number of streams and fragments, and a selective
acknowledgement may make it walk millions of numbers. Here each packet is looked over before it is handed in,
and an association that holds too much is given up.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Coroutine
from typing import Any

from aiortc.rtcdatachannel import RTCDataChannel, RTCDataChannelParameters
from aiortc.rtcsctptransport import RTCSctpCapabilities, RTCSctpTransport

from sfu.errors import MalformedPacket
from sfu.io.dtls import DtlsEndpoint
from sfu.io.nobody import ignore

MAX_CHANNELS = 64
MAX_FRAGMENTS = 4096  # received pieces that wait for the rest of their messages, in one stream
MAX_MISORDERED = 4096
MAX_STREAMS = 1024
MAX_SACK_RANGE = 16_384
# A peer may send what it thinks our window is; this far beyond it ignores the window.
_WINDOW_SLACK_BYTES = 256 * 1024
_COMMON_HEADER_BYTES = 12
_CHUNK_HEADER = struct.Struct("!BBH")
_DATA, _INIT, _SACK = 0, 1, 3
# Chunks that hold parameters, and where these begin, from the chunk's first byte.
_PARAMETERS_AT = {1: 20, 2: 20, 4: 4, 5: 4, 6: 4, 9: 4, 130: 4}


class DtlsShim:
    """What RTCSctpTransport wants of a DTLS transport, over a DtlsEndpoint."""

    def __init__(self, dtls: DtlsEndpoint) -> None:
        self._dtls = dtls
        self._role = "server" if dtls.is_server else "client"
        self.state = "connected"

    async def _send_data(self, data: bytes) -> None:
        self._dtls.send_application(data)

    def _register_data_receiver(self, receiver: object) -> None:
        """Data is handed to the association directly."""

    def _unregister_data_receiver(self, receiver: object) -> None:
        """See above."""


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that never waits, here and now.

    All of the association's coroutines are such, since sending over our DTLS returns at once: no task is needed.
    """
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise AssertionError("SCTP waited for something")


class Association(RTCSctpTransport):
    """One SCTP association; entered by ``begin``, ``receive``, ``abort``."""

    def __init__(self, dtls: DtlsEndpoint, port: int, count: Callable[[str], None]) -> None:
        super().__init__(DtlsShim(dtls), port)  # type: ignore[arg-type]
        self._count = count

    def begin(self, remote_port: int, max_message_size: int) -> None:
        """Send INIT; both ends do (RFC 8841 section 9.3)."""
        run(self.start(RTCSctpCapabilities(maxMessageSize=max_message_size), remote_port))

    def receive(self, data: bytes) -> None:
        """Take one packet; what is wrong with it is counted, nothing is raised."""
        if self.state == "closed":
            return
        try:
            check_packet(data)
            run(self._handle_data(data))
        except MalformedPacket as error:
            self._count(error.reason)
        except Exception:
            # aiortc states by assertions and decoding what a peer must not send.
            self._count("sctp_malformed")
        if self._holds_too_much():
            self._count("sctp_overflow")
            self.abort()

    def abort(self) -> None:
        """End the association: ABORT is sent, all timers are cancelled."""
        if self.state != "closed":
            run(self.stop())

    def let_go(self) -> None:
        """Tell nobody any more."""
        self.remove_all_listeners()
        self._count = ignore

    def _holds_too_much(self) -> bool:
        if self._advertised_rwnd < -_WINDOW_SLACK_BYTES or len(self._sack_misordered) > MAX_MISORDERED:
            return True
        streams = self._inbound_streams
        if len(streams) > MAX_STREAMS or len(self._data_channels) > MAX_CHANNELS:
            return True
        return any(len(stream.reassembly) > MAX_FRAGMENTS for stream in streams.values())

    # aiortc starts these by asyncio.ensure_future from timers and from send(): what they raise would be nobody's.
    async def _data_channel_flush(self) -> None:
        try:
            await super()._data_channel_flush()
        except Exception:
            self._count("sctp_failed")

    async def _transmit(self) -> None:
        try:
            await super()._transmit()
        except Exception:
            self._count("sctp_failed")

    async def _transmit_reconfig(self) -> None:
        try:
            await super()._transmit_reconfig()
        except Exception:
            self._count("sctp_failed")

    # -- for DataChannels --------------------------------------------------
    def open_channel(self, label: str, protocol: str, ordered: bool, max_retransmits: int | None) -> RTCDataChannel:
        """Open a channel of our own (RFC 8832); it can be written to once it is acknowledged."""
        parameters = RTCDataChannelParameters(
            label=label, protocol=protocol, ordered=ordered, maxRetransmits=max_retransmits
        )
        return RTCDataChannel(self, parameters)


def check_packet(data: bytes) -> None:
    """Refuse packets that would cost aiortc more than they should; raises MalformedPacket."""
    total = len(data)
    position = _COMMON_HEADER_BYTES
    chunks = 0
    while position + _CHUNK_HEADER.size <= total:
        kind, _, size = _CHUNK_HEADER.unpack_from(data, position)
        if size < _CHUNK_HEADER.size or position + size > total:
            raise MalformedPacket("sctp_chunk")
        if kind == _SACK:
            _check_sack(data, position, size)
        elif kind == _DATA and size <= 16:
            raise MalformedPacket("sctp_empty_data")  # RFC 9260 section 6.2: no user data is a violation
        elif kind == _INIT and (chunks or position + ((size + 3) & ~3) < total):
            raise MalformedPacket("sctp_chunk")  # RFC 9260 section 4.3.2: INIT comes alone
        if kind in _PARAMETERS_AT:
            _check_parameters(data, position + _PARAMETERS_AT[kind], position + size)
        chunks += 1
        position += (size + 3) & ~3


def _check_parameters(data: bytes, position: int, end: int) -> None:
    """A parameter counts its own header: aiortc would stand still for ever at one of length 0."""
    while position + 4 <= end:
        size = struct.unpack_from("!H", data, position + 2)[0]
        if size < 4:
            raise MalformedPacket("sctp_parameter")
        position += (size + 3) & ~3


def _check_sack(data: bytes, position: int, size: int) -> None:
    """Gap blocks must be in order, apart from each other and no further than anything we have under way."""
    if size < 16:
        raise MalformedPacket("sctp_sack")
    gaps, duplicates = struct.unpack_from("!HH", data, position + 12)
    if size < 16 + 4 * (gaps + duplicates):
        raise MalformedPacket("sctp_sack")
    last = 0
    for index in range(gaps):
        start, end = struct.unpack_from("!HH", data, position + 16 + 4 * index)
        if not last < start <= end <= MAX_SACK_RANGE:
            raise MalformedPacket("sctp_sack")
        last = end
