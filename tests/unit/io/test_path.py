"""Grouping of datagrams into segmented sends, and what happens when the system refuses."""

from __future__ import annotations

import errno
import socket
import struct
import sys
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.io.path import MAX_GROUP_BYTES, MAX_SEGMENTS, SOL_UDP, UDP_SEGMENT, UdpPath, UdpSocket, segmentation_offload


class FakeSocket:
    """Records what is sent; segments a group as the kernel would."""

    def __init__(self) -> None:
        self.calls: list[list[bytes]] = []
        self.refuse_groups = 0
        self.refuse_all = 0

    def getsockname(self) -> tuple[str, int]:
        return ("127.0.0.1", 5000)

    def getsockopt(self, level: int, option: int) -> int:
        return 0

    def setsockopt(self, level: int, option: int, value: int) -> None:
        raise OSError("no such option")

    def sendto(self, data: bytes, address: Any) -> None:
        if self.refuse_all:
            raise OSError(self.refuse_all, "refused")
        self.calls.append([data])

    def sendmsg(self, buffers: Any, ancillary: Any, flags: int, address: Any) -> None:
        ((level, kind, value),) = ancillary
        assert (level, kind) == (SOL_UDP, UDP_SEGMENT)
        (size,) = struct.unpack("=H", value)
        for error in (self.refuse_groups, self.refuse_all):
            if error:
                raise OSError(error, "refused")
        joined = b"".join(buffers)
        assert len(joined) <= MAX_GROUP_BYTES
        segments = [joined[at : at + size] for at in range(0, len(joined), size)]
        assert len(segments) <= MAX_SEGMENTS
        self.calls.append(segments)

    @property
    def sent(self) -> list[bytes]:
        return [data for call in self.calls for data in call]


def make_path(*, gso: bool = True) -> tuple[FakeSocket, UdpSocket, UdpPath]:
    fake = FakeSocket()
    sock = UdpSocket(fake, Counter())  # type: ignore[arg-type]
    sock.gso = gso
    return fake, sock, UdpPath(sock, ("192.0.2.1", 6000))


@pytest.mark.parametrize(
    ("sizes", "calls"),
    [
        ([], []),
        ([10], [1]),
        ([10, 10, 10], [3]),
        ([10, 10, 4], [3]),
        ([10, 4, 10], [2, 1]),
        ([4, 10, 10], [1, 2]),
        ([10, 4, 4], [2, 1]),
        ([10] * 65, [64, 1]),
        ([1200] * 60, [54, 6]),
        ([1, 2, 3], [1, 1, 1]),
    ],
)
def test_groups(sizes: list[int], calls: list[int]) -> None:
    fake, _, path = make_path()
    packets = [bytes([index % 256]) * size for index, size in enumerate(sizes)]
    path.send_many(packets)
    assert [len(call) for call in fake.calls] == calls
    assert fake.sent == packets


@given(st.lists(st.binary(min_size=1, max_size=5), max_size=200), st.booleans())
def test_every_datagram_arrives_once_in_order(packets: list[bytes], gso: bool) -> None:
    fake, _, path = make_path(gso=gso)
    path.send_many(packets)
    assert fake.sent == packets


@pytest.mark.skipif(not hasattr(errno, "ENOPROTOOPT"), reason="not this system's")
@pytest.mark.parametrize("error", [errno.EINVAL, errno.EIO, errno.ENOPROTOOPT, errno.EOPNOTSUPP])
def test_refused_offload_is_given_up_for_good(error: int) -> None:
    fake, sock, path = make_path()
    fake.refuse_groups = error
    packets = [bytes(10)] * 5
    path.send_many(packets)
    assert (fake.sent, sock.gso) == (packets, False)
    assert sock.counters == {"udp_gso_disabled": 1}


def test_too_large_for_this_path_only() -> None:
    fake, sock, path = make_path()
    fake.refuse_groups = errno.EMSGSIZE
    path.send_many([bytes(10)] * 5)
    assert len(fake.sent) == 5
    assert sock.gso


@pytest.mark.parametrize(
    ("error", "name"),
    [(errno.EAGAIN, "udp_send_would_block"), (errno.ENETUNREACH, "udp_send_error"), (errno.EPERM, "udp_send_error")],
)
@pytest.mark.parametrize("gso", [True, False])
def test_nothing_is_raised(error: int, name: str, gso: bool) -> None:
    fake, sock, path = make_path(gso=gso)
    fake.refuse_all = error
    path.send(b"a")
    path.send_many([b"a", b"b", b"c"])
    assert sock.counters[name] == 4
    assert not fake.sent


def test_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as real:
        monkeypatch.setattr(sys, "platform", "darwin")
        assert not segmentation_offload(real)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream:
        monkeypatch.setattr(sys, "platform", "linux")
        assert not segmentation_offload(stream)
