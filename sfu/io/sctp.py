"""Data channels over a DTLS connection (RFC 8831, RFC 8832); aiortc does SCTP, which is imported when first needed."""

from __future__ import annotations

import asyncio
import importlib
from collections import Counter
from typing import TYPE_CHECKING, Protocol

import structlog

from sfu.io.dtls import DtlsEndpoint
from sfu.io.nobody import NOBODY

if TYPE_CHECKING:
    from aiortc.rtcdatachannel import RTCDataChannel

    from sfu.io.association import Association

log = structlog.get_logger(__name__)

LOCAL_PORT = 5000
MAX_LOSSY_BUFFER_BYTES = 256 * 1024
MAX_RELIABLE_BUFFER_BYTES = 4 << 20


class DataChannel:
    """One channel: its name, its kind, and what waits in it."""

    def __init__(self, channel: RTCDataChannel) -> None:
        self._channel = channel
        self.label: str = channel.label
        self.protocol: str = channel.protocol
        self.ordered: bool = channel.ordered
        # Messages may be lost by the channel's own terms: then dropping one early breaks no promise.
        self.lossy: bool = channel.maxRetransmits is not None or channel.maxPacketLifeTime is not None

    @property
    def id(self) -> int | None:
        """The stream number; None before a channel of ours is announced."""
        return self._channel.id

    @property
    def is_open(self) -> bool:
        """Whether it can be written to."""
        return self._channel.readyState == "open"

    @property
    def buffered_bytes(self) -> int:
        """What is handed over and not yet sent."""
        return self._channel.bufferedAmount


class DataChannelHandler(Protocol):
    """Who is told about channels and messages; called from within ``DataChannels.receive``."""

    def on_channel(self, channel: DataChannel) -> None:
        """The peer has opened a channel."""

    def on_message(self, channel: DataChannel, data: str | bytes) -> None:
        """A whole message."""


async def preload() -> None:
    """Import aiortc in a thread (most of a second), so that the first data channel delays no media."""
    await asyncio.get_running_loop().run_in_executor(None, importlib.import_module, "sfu.io.association")


class DataChannels:
    """All data channels of one transport. Nothing that the peer sends raises; it is counted in ``counters``."""

    def __init__(self, dtls: DtlsEndpoint, handler: DataChannelHandler, counters: Counter[str] | None = None) -> None:
        self.counters: Counter[str] = Counter() if counters is None else counters
        self._dtls = dtls
        self._handler = handler
        self._association: Association | None = None
        self._channels: dict[RTCDataChannel, DataChannel] = {}

    def start(self, remote_port: int, max_message_size: int, local_port: int = LOCAL_PORT) -> None:
        """Begin the association; DTLS must be connected. ``max_message_size`` is the peer's, 0: no limit."""
        if self._association is not None:
            return
        from sfu.io.association import Association

        association = Association(self._dtls, local_port, self._count)
        association.on("datachannel", self._on_channel)
        self._association = association
        association.begin(remote_port, max_message_size)

    def receive(self, data: bytes) -> None:
        """Take one SCTP packet."""
        if self._association is not None:
            self._association.receive(data)

    def open(
        self, label: str, protocol: str = "", *, ordered: bool = True, max_retransmits: int | None = None
    ) -> DataChannel:
        """Open a channel; it ``is_open`` when the peer has acknowledged it. ``start`` must have been called."""
        assert self._association is not None, "not started"
        return self._track(self._association.open_channel(label, protocol, ordered, max_retransmits))

    def send(self, channel: DataChannel, data: str | bytes) -> bool:
        """Send a message; False when it was not taken.

        A lossy channel whose peer reads too slowly drops messages, a reliable one is closed: both are counted.
        """
        if not channel.is_open:
            self._count("data_channel_not_open")
            return False
        limit = MAX_LOSSY_BUFFER_BYTES if channel.lossy else MAX_RELIABLE_BUFFER_BYTES
        if channel.buffered_bytes + len(data) > limit:
            if channel.lossy:
                self._count("data_channel_dropped")
            else:
                self._count("data_channel_overflow")
                self.close_channel(channel)
            return False
        try:
            channel._channel.send(data)
        except ValueError:
            self._count("data_channel_message_too_long")
            return False
        return True

    def close_channel(self, channel: DataChannel) -> None:
        """Close one channel; what waits in a reliable one is sent first, if the peer reads on."""
        channel._channel.close()

    def close(self) -> None:
        """End the association with all its channels; may be called again."""
        association, self._association = self._association, None
        if association is not None:
            association.abort()
            association.let_go()
        for raw in self._channels:
            raw.remove_all_listeners()
        self._channels.clear()
        self._handler = NOBODY

    def _on_channel(self, raw: RTCDataChannel) -> None:
        channel = self._track(raw)
        try:
            self._handler.on_channel(channel)
        except Exception as error:
            self._bug(error)

    def _track(self, raw: RTCDataChannel) -> DataChannel:
        channel = self._channels[raw] = DataChannel(raw)
        raw.on("message", lambda data: self._on_message(channel, data))
        raw.on("close", lambda: self._channels.pop(raw, None))
        return channel

    def _on_message(self, channel: DataChannel, data: str | bytes) -> None:
        try:
            self._handler.on_message(channel, data)
        except Exception as error:
            self._bug(error)

    def _bug(self, error: Exception) -> None:
        """An exception that is ours must not be taken for the peer's malformed packet."""
        self._count("bug")
        log.error("data_channel_handler_failed", exc_info=error)

    def _count(self, name: str) -> None:
        self.counters[name] += 1
