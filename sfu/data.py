"""The data channels of one Transport, relayed through the Router to those of the other participants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfu.errors import MalformedPacket
from sfu.io.sctp import DataChannel, DataChannels
from sfu.relay import RELAY_PROTOCOL, parse_frame
from sfu.sdp.types import DataSection

if TYPE_CHECKING:
    from sfu.transport import Transport

MAX_CHANNELS = 8
MAX_LABEL_CHARACTERS = 32


class DataRelay:
    """Takes the client's channels with the relay's protocol; others are counted and left alone."""

    def __init__(self, transport: Transport, section: DataSection) -> None:
        self._transport = transport
        self._counters = transport.router.engine.counters
        self._channels: dict[str, DataChannel] = {}
        self._host = DataChannels(transport.connection.dtls, self, self._counters)
        self._host.start(section.sctp_port, section.max_message_size)

    def receive(self, data: bytes) -> None:
        """One SCTP packet."""
        self._host.receive(data)

    def on_channel(self, channel: DataChannel) -> None:
        """The client opened a channel."""
        usable = channel.protocol == RELAY_PROTOCOL and len(channel.label) <= MAX_LABEL_CHARACTERS
        if not usable or len(self._channels) >= MAX_CHANNELS:
            self._counters["data_channel_refused"] += 1
            return
        self._channels[channel.label] = channel

    def on_message(self, channel: DataChannel, data: str | bytes) -> None:
        """A frame from the client."""
        if self._channels.get(channel.label) is not channel:
            return
        try:
            frame = parse_frame(data.encode() if isinstance(data, str) else data)
        except MalformedPacket as error:
            self._counters[error.reason] += 1
            return
        self._transport.router.relay(self._transport, channel.label, frame)

    def send(self, label: str, frame: bytes) -> None:
        """Send a frame to the client if it has a channel of that label."""
        channel = self._channels.get(label)
        if channel is not None:
            self._host.send(channel, frame)

    def close(self) -> None:
        """End the association."""
        self._host.close()
        self._channels.clear()
