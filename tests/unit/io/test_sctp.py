"""Data channels between two endpoints joined in memory, and packets that would harm the SCTP below."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable

import pytest
from google_crc32c import value as crc32c
from hypothesis import given
from hypothesis import strategies as st

from sfu.errors import MalformedPacket
from sfu.io.association import MAX_CHANNELS, check_packet
from sfu.io.dtls import DtlsEndpoint
from sfu.io.sctp import MAX_LOSSY_BUFFER_BYTES, MAX_RELIABLE_BUFFER_BYTES, DataChannel, DataChannels, preload


class Wire:
    """Stands for a connected DtlsEndpoint: packets go to the other side in the next turn of the loop."""

    def __init__(self, *, is_server: bool) -> None:
        self.is_server = is_server
        self.target: Peer | None = None
        self.cut = False
        self.sent: list[bytes] = []

    def send_application(self, data: bytes) -> None:
        self.sent.append(data)
        if self.target is not None and not self.cut:
            asyncio.get_running_loop().call_soon(self.target.channels.receive, data)


class Peer:
    def __init__(self, *, is_server: bool) -> None:
        self.wire = Wire(is_server=is_server)
        self.opened: list[DataChannel] = []
        self.messages: list[tuple[str, str | bytes]] = []
        self.broken = False
        dtls: DtlsEndpoint = self.wire  # type: ignore[assignment]
        self.channels = DataChannels(dtls, self)

    def on_channel(self, channel: DataChannel) -> None:
        if self.broken:
            raise RuntimeError("a bug")
        self.opened.append(channel)

    def on_message(self, channel: DataChannel, data: str | bytes) -> None:
        if self.broken:
            raise RuntimeError("a bug")
        self.messages.append((channel.label, data))


Pair = tuple[Peer, Peer]


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    server, client = Peer(is_server=True), Peer(is_server=False)
    server.wire.target, client.wire.target = client, server
    server.channels.start(5000, 65536)
    client.channels.start(5000, 65536)
    yield server, client
    for peer in (server, client):
        peer.channels.close()
        peer.channels.close()
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) <= 2  # this one and pytest's
    assert server.channels.counters["bug"] == (1 if server.broken else 0)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the conditions are plain values of both peers
            await asyncio.sleep(0.001)


async def open_channel(server: Peer, client: Peer, label: str = "reliable", *, lossy: bool = False) -> DataChannel:
    channel = client.channels.open(label, "plenum-relay", ordered=not lossy, max_retransmits=0 if lossy else None)
    known = len(server.opened)
    await until(lambda: channel.is_open and len(server.opened) > known)
    return channel


@pytest.mark.parametrize("lossy", [False, True])
async def test_channel_and_messages(pair: Pair, lossy: bool) -> None:
    server, client = pair
    ours = await open_channel(server, client, lossy=lossy)
    theirs = server.opened[0]
    assert (theirs.label, theirs.protocol, theirs.ordered, theirs.lossy) == (
        "reliable",
        "plenum-relay",
        not lossy,
        lossy,
    )
    messages: list[str | bytes] = ["text", "", b"", b"bytes", bytes(60_000)]
    for message in messages:
        assert client.channels.send(ours, message)
        assert server.channels.send(theirs, message)
    await until(lambda: len(server.messages) == len(client.messages) == len(messages))
    assert sorted(map(repr, server.messages)) == sorted(map(repr, [("reliable", m) for m in messages]))
    assert not +server.channels.counters


async def test_closing_a_channel(pair: Pair) -> None:
    server, client = pair
    channel = await open_channel(server, client)
    client.channels.close_channel(channel)
    await until(lambda: not server.opened[0].is_open and not client.channels._channels)
    assert not server.channels.send(server.opened[0], b"late")
    assert server.channels.counters == {"data_channel_not_open": 1}


async def test_slow_receivers_cost_bounded_memory(pair: Pair) -> None:
    server, client = pair
    await open_channel(server, client, "reliable")
    await open_channel(server, client, "lossy", lossy=True)
    reliable, lossy = server.opened
    server.wire.cut = True
    message = bytes(60_000)
    while server.channels.send(lossy, message):
        assert lossy.buffered_bytes <= MAX_LOSSY_BUFFER_BYTES
    assert lossy.is_open
    while server.channels.send(reliable, message):
        assert reliable.buffered_bytes <= MAX_RELIABLE_BUFFER_BYTES
    assert not reliable.is_open
    assert server.channels.counters == {"data_channel_dropped": 1, "data_channel_overflow": 1}


async def test_too_long_for_the_peer(pair: Pair) -> None:
    server, client = pair
    channel = await open_channel(server, client)
    assert not client.channels.send(channel, bytes(65_537))
    assert client.channels.counters == {"data_channel_message_too_long": 1}


async def test_too_many_channels_end_the_association(pair: Pair) -> None:
    server, client = pair
    for index in range(MAX_CHANNELS + 1):
        client.channels.open(str(index))
    await until(lambda: server.channels.counters["sctp_overflow"])
    await until(lambda: not any(channel.is_open for channel in server.opened))


async def test_a_bug_in_a_handler_is_no_malformed_packet(pair: Pair) -> None:
    server, client = pair
    server.broken = True
    client.channels.open("reliable")
    await until(lambda: server.channels.counters["bug"])
    assert not server.channels.counters["sctp_malformed"]


async def test_before_start_and_after_close() -> None:
    await preload()
    peer = Peer(is_server=True)
    peer.channels.receive(b"early")
    peer.channels.start(5000, 0)
    peer.channels.start(5000, 0)
    peer.channels.close()
    peer.channels.receive(b"late")
    assert len(peer.wire.sent) == 2  # INIT, ABORT


def packet(*chunks: tuple[int, bytes], tag: int = 0) -> bytes:
    """An SCTP packet with a right checksum."""
    body = b"".join(
        struct.pack("!BBH", kind, 3, 4 + len(value)) + value + bytes(-len(value) % 4) for kind, value in chunks
    )
    head = struct.pack("!HHI", 5000, 5000, tag)
    return head + struct.pack("<I", crc32c(head + bytes(4) + body)) + body


def sack(*gaps: tuple[int, int]) -> tuple[int, bytes]:
    return 3, struct.pack("!IIHH", 1, 1000, len(gaps), 0) + b"".join(struct.pack("!HH", *gap) for gap in gaps)


DATA_HEADER = struct.pack("!IHHI", 1, 0, 0, 51)
INIT = struct.pack("!IIHHI", 1, 1000, 1, 1, 1)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (packet((0, DATA_HEADER + b"x")), None),
        (packet((0, DATA_HEADER)), "sctp_empty_data"),
        (packet(sack()), None),
        (packet(sack((1, 3), (5, 9))), None),
        (packet(sack((1, 65535))), "sctp_sack"),
        (packet(sack((5, 9), (1, 3))), "sctp_sack"),
        (packet(sack((3, 2))), "sctp_sack"),
        (packet((3, struct.pack("!IIHH", 1, 1, 9, 0))), "sctp_sack"),
        (packet((3, b"")), "sctp_sack"),
        (packet((1, INIT)), None),
        (packet((1, INIT), (0, DATA_HEADER + b"x")), "sctp_chunk"),
        (packet((1, INIT + b"\x00\x07\x00\x00")), "sctp_parameter"),
        (packet((130, b"\x00\x0d\x00\x00")), "sctp_parameter"),
        (packet((0, DATA_HEADER + b"x"))[:-8], "sctp_chunk"),
        (packet() + b"\x00\x00\x00\x00", "sctp_chunk"),
    ],
)
def test_check_packet(data: bytes, reason: str | None) -> None:
    if reason is None:
        check_packet(data)
        return
    with pytest.raises(MalformedPacket) as caught:
        check_packet(data)
    assert caught.value.reason == reason


KINDS = st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 130, 192, 255])
CHUNKS = st.lists(st.tuples(KINDS, st.binary(max_size=40)), max_size=4)


@given(st.lists(CHUNKS, max_size=6), st.booleans())
async def test_any_packets_are_survived(batches: list[list[tuple[int, bytes]]], tagged: bool) -> None:
    """With and without the right verification tag, and with a right checksum: all of it reaches the parsers."""
    peer = Peer(is_server=True)
    peer.channels.start(5000, 65536)
    association = peer.channels._association
    assert association is not None
    for chunks in batches:
        peer.channels.receive(packet(*chunks, tag=association._local_verification_tag if tagged else 0))
    peer.channels.close()
    await asyncio.sleep(0)
    assert not peer.channels.counters["bug"]


@given(st.binary(max_size=100))
async def test_any_bytes_are_survived(data: bytes) -> None:
    peer = Peer(is_server=False)
    peer.channels.start(5000, 65536)
    peer.channels.receive(data)
    peer.channels.close()
    await asyncio.sleep(0)
