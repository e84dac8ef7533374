"""RFC 4571 framing: any cut of the stream gives the same datagrams, and limits hold."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.io import tcp
from sfu.io.path import Path
from sfu.io.tcp import MAX_BUFFERED_BYTES, MAX_FRAME_BYTES, FrameProtocol, TcpListener


class FakePorts:
    """Takes datagrams; says that the path is validated after the first one named ``good``."""

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self.received: list[bytes] = []
        self.batches = 0

    def count(self, name: str, amount: int = 1) -> None:
        self.counters[name] += amount

    def path_received(self, path: Path, data: bytes, now: float) -> bool:
        self.received.append(data)
        return data == b"good"

    def batch_end(self) -> None:
        self.batches += 1


class FakeTransport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.buffered = 0
        self.aborted = False

    def get_extra_info(self, name: str, default: object = None) -> object:
        return FakeTcpSocket() if name == "socket" else ("192.0.2.1", 9)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def get_write_buffer_size(self) -> int:
        return self.buffered

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True


class FakeTcpSocket:
    def setsockopt(self, *_: int) -> None:
        raise OSError("not a real one")


def connect(listener: TcpListener | None = None) -> tuple[FakePorts, FrameProtocol, FakeTransport]:
    ports = FakePorts()
    protocol = FrameProtocol(listener or TcpListener(ports))  # type: ignore[arg-type]
    transport = FakeTransport()
    protocol.connection_made(transport)
    return ports, protocol, transport


def frame(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


@given(st.lists(st.binary(max_size=50), max_size=8), st.lists(st.integers(1, 60), max_size=30))
async def test_any_cut(datagrams: list[bytes], cuts: list[int]) -> None:
    ports, protocol, _ = connect()
    stream = b"".join(frame(data) for data in datagrams)
    for cut in cuts:
        protocol.data_received(stream[:cut])
        stream = stream[cut:]
    protocol.data_received(stream)
    assert ports.received == [data for data in datagrams if data]
    protocol.connection_lost(None)


async def test_longest_frame() -> None:
    ports, protocol, transport = connect()
    protocol.data_received(frame(bytes(MAX_FRAME_BYTES)))
    assert len(ports.received) == 1
    assert not transport.aborted
    protocol.data_received(frame(bytes(MAX_FRAME_BYTES + 1)))
    assert transport.aborted
    assert ports.counters == {"tcp_frame_too_long": 1}
    protocol.connection_lost(None)


async def test_who_never_validates_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "VALIDATION_TIMEOUT_S", 0.02)
    ports, idle, idle_transport = connect()
    _, good, good_transport = connect()
    good.data_received(frame(b"good"))
    await asyncio.sleep(0.05)
    assert (idle_transport.aborted, good_transport.aborted) == (True, False)
    assert ports.counters == {"tcp_never_validated": 1}
    for protocol in (idle, good):
        protocol.connection_lost(None)


async def test_number_of_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "MAX_CONNECTIONS", 2)
    ports = FakePorts()
    listener = TcpListener(ports)  # type: ignore[arg-type]
    made = [connect(listener) for _ in range(3)]
    assert [transport.aborted for _, _, transport in made] == [False, False, True]
    for _, protocol, _ in made:
        protocol.connection_lost(None)
    assert not listener.connections


async def test_sending_is_framed_and_bounded() -> None:
    ports, protocol, transport = connect()
    path = protocol._path
    assert path is not None
    path.send(b"abc")
    path.send_many([b"d", b"ef"])
    assert transport.written == frame(b"abc") + frame(b"d") + frame(b"ef")
    transport.buffered = MAX_BUFFERED_BYTES + 1
    path.send_many([b"x", b"y"])
    path.forget()
    path.send(b"z")
    assert transport.aborted
    assert ports.counters == {"tcp_buffer_full": 2, "tcp_closed": 1}
    protocol.connection_lost(None)
