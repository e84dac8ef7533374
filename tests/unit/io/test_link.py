"""Links and ports without the network: datagrams are put in by hand, answers are caught."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.ice import stun
from sfu.ice.agent import LinkState
from sfu.io.link import IceLink
from sfu.io.path import Path, UdpPath, UdpSocket
from sfu.io.ports import MediaPorts


class Handler:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.dtls: list[bytes] = []
        self.rtp: list[bytes] = []
        self.rtcp: list[bytes] = []
        self.states: list[LinkState] = []
        self.broken = False

    def on_dtls(self, data: bytes) -> None:
        self.dtls.append(data)

    def on_rtp(self, data: bytes, now: float) -> None:
        if self.broken:
            raise RuntimeError("a bug")
        self.rtp.append(data)

    def on_rtcp(self, data: bytes, now: float) -> None:
        self.rtcp.append(data)

    def on_link_state(self, state: LinkState) -> None:
        self.states.append(state)


class FakeSocket:
    def __init__(self, host: str) -> None:
        self.host = host
        self.sent: list[tuple[bytes, object]] = []

    def getsockname(self) -> tuple[str, int]:
        return (self.host, 5000)

    def getsockopt(self, level: int, option: int) -> int:
        return 0

    def setsockopt(self, level: int, option: int, value: int) -> None:
        raise OSError("no such option")

    def sendto(self, data: bytes, address: object) -> None:
        self.sent.append((data, address))

    def sendmsg(self, buffers: Sequence[bytes], ancillary: object, flags: int, address: object) -> None:
        self.sent += [(data, address) for data in buffers]


class World:
    """Ports with one socket."""

    def __init__(self, host: str = "192.0.2.1") -> None:
        self.ports = MediaPorts()
        self.wire = FakeSocket(host)
        self.socket = UdpSocket(self.wire, self.ports.counters)  # type: ignore[arg-type]

    def link(self) -> tuple[IceLink, Handler]:
        handler = Handler()
        return IceLink(self.ports, handler), handler

    def receive(self, data: bytes, port: int = 7000, now: float = 0.0, host: str = "198.51.100.7") -> None:
        self.ports.datagram_received(self.socket, data, (host, port), now)

    def check(self, link: IceLink, port: int = 7000, now: float = 0.0, *, nominate: bool = True) -> None:
        self.receive(check_for(link.local_ufrag, link.local_pwd, nominate=nominate), port, now)

    def sent(self) -> list[tuple[bytes, object]]:
        sent, self.wire.sent = self.wire.sent, []
        return sent


def check_for(ufrag: str, pwd: str, *, nominate: bool = True) -> bytes:
    body = stun.attribute(stun.USERNAME, f"{ufrag}:peer".encode()) + stun.attribute(stun.PRIORITY, bytes(4))
    if nominate:
        body += stun.attribute(stun.USE_CANDIDATE, b"")
    return stun.build_message(stun.BINDING_REQUEST, b"transaction!", body, pwd.encode())


@pytest.fixture
def world() -> Iterator[World]:
    with patch("sfu.io.link.time.monotonic", return_value=0.0):
        yield World()


RTP = b"\x80\x60" + bytes(30)
RTCP = b"\x80\xc9" + bytes(30)
DTLS = b"\x16\xfe\xff" + bytes(30)


def test_only_validated_paths_may_send(world: World) -> None:
    link, handler = world.link()
    for data in (RTP, RTCP, DTLS):
        world.receive(data)
    assert world.ports.counters["unknown_source"] == 3
    world.check(link)
    for data in (RTP, RTCP, DTLS, b"\x50turn", b"\xff"):
        world.receive(data)
    assert (handler.rtp, handler.rtcp, handler.dtls) == ([RTP], [RTCP], [DTLS])
    assert world.ports.counters["unknown_protocol"] == 2
    assert handler.states == [LinkState.CONNECTED]


def test_a_path_with_a_wrong_password_stays_unknown(world: World) -> None:
    link, handler = world.link()
    world.receive(check_for(link.local_ufrag, "wrong"))
    assert stun.read_error_code(stun.parse_stun(world.sent()[0][0])) == 401
    world.receive(RTP)
    assert not handler.rtp
    assert not world.socket.paths


def test_nothing_is_sent_without_a_path(world: World) -> None:
    link, _ = world.link()
    link.send(b"a")
    link.send_many([b"b", b"c"])
    assert world.ports.counters["no_path"] == 3
    assert not world.wire.sent


def test_unknown_username_gets_no_answer(world: World) -> None:
    world.receive(check_for("nobody", "x"))
    assert world.ports.counters["stun_unknown_username"] == 1
    assert not world.wire.sent


def test_moving_to_another_address(world: World) -> None:
    link, handler = world.link()
    world.check(link, 7000)
    world.check(link, 7001, nominate=False)
    world.sent()
    link.send(b"a")
    world.receive(RTP, 7001)  # validated, not nominated: taken all the same
    world.check(link, 7001, nominate=True)
    answer, _ = world.sent()[-1]
    assert stun.parse_stun(answer).kind == stun.BINDING_RESPONSE
    link.send_many([b"b", b"c"])
    assert world.sent() == [(b"b", ("198.51.100.7", 7001)), (b"c", ("198.51.100.7", 7001))]
    assert handler.rtp == [RTP]
    assert link.selected is not None
    assert link.selected.remote == ("198.51.100.7", 7001)


def test_an_address_can_pass_to_another_link(world: World) -> None:
    """A page was loaded again and its socket got the same port."""
    first, old = world.link()
    second, new = world.link()
    world.check(first)
    world.check(second)
    world.receive(RTP)
    assert (old.rtp, new.rtp) == ([], [RTP])
    assert first.selected is None
    assert second.selected is not None


def test_restart(world: World) -> None:
    link, _ = world.link()
    world.check(link, 7000)
    old = (link.local_ufrag, link.local_pwd)
    new = link.restart()
    assert (link.local_ufrag, link.local_pwd) == new
    assert set(world.ports.links) == {old[0], new.ufrag}
    world.receive(check_for(*old), 7000)
    world.check(link, 7001)
    assert set(world.ports.links) == {new.ufrag}
    assert link.selected is not None
    assert link.selected.remote[1] == 7001
    world.sent()
    world.receive(check_for(*old), 7000)
    assert stun.read_error_code(stun.parse_stun(world.sent()[0][0])) == 401


def test_paths_are_bounded(world: World) -> None:
    link, _ = world.link()
    for port in range(7000, 7100):
        world.check(link, port, now=float(port), nominate=False)
    assert len(world.socket.paths) == len(link.agent.paths) == len(link._paths) == 16


def test_states_are_told_once(world: World) -> None:
    link, handler = world.link()
    link.set_remote("peer", "p" * 24)
    world.check(link, now=1.0)
    for now in (2.0, 9.0, 10.0, 40.0, 41.0):
        link.poll(now)
    world.check(link, now=42.0)
    assert handler.states == ["checking", "connected", "disconnected", "failed", "connected"]


def test_close_frees_everything(world: World) -> None:
    link, handler = world.link()
    world.check(link)
    link.restart()
    link.close()
    link.close()
    assert not world.ports.links
    assert not world.socket.paths
    world.check(link)
    world.receive(RTP)
    link.send(b"a")
    link.poll(100.0)
    assert not handler.rtp
    assert handler.states == [LinkState.CONNECTED]


def test_a_bug_ends_one_link_only(world: World) -> None:
    broken, handler = world.link()
    healthy, other = world.link()
    world.check(broken, 7000)
    world.check(healthy, 7001)
    handler.broken = True
    world.receive(RTP, 7000)
    world.receive(RTP, 7001)
    assert handler.states == [LinkState.CONNECTED, LinkState.FAILED]
    assert other.rtp == [RTP]
    assert world.ports.counters["bug"] == 1
    assert set(world.ports.links) == {healthy.local_ufrag}


def test_indications_keep_a_path_alive(world: World) -> None:
    """Some clients send no more than these once connected (RFC 8445 section 11)."""
    link, _ = world.link()
    world.check(link)
    world.receive(stun.build_message(stun.BINDING_INDICATION, b"transaction!", b"", None), now=20.0)
    link.poll(26.0)
    assert link.state is LinkState.CONNECTED


FUZZED = World()
FUZZED_LINK, FUZZED_HANDLER = FUZZED.link()
VALID = check_for(FUZZED_LINK.local_ufrag, FUZZED_LINK.local_pwd)


@given(
    st.binary(max_size=100)
    | st.tuples(st.integers(0, 255), st.binary(max_size=60)).map(lambda t: bytes([t[0]]) + t[1])
    | st.tuples(st.integers(0, len(VALID) - 1), st.integers(0, 255)).map(
        lambda t: VALID[: t[0]] + bytes([t[1]]) + VALID[t[0] + 1 :]
    ),
    st.sampled_from([7000, 7001]),
)
def test_any_datagram_from_anywhere(data: bytes, port: int) -> None:
    if not FUZZED.socket.paths:
        FUZZED.check(FUZZED_LINK, 7000)
    FUZZED.receive(data, port)
    assert FUZZED.ports.counters["bug"] == 0
    assert len(FUZZED.socket.paths) <= 2


def test_known_path_is_found_without_parsing(world: World) -> None:
    link, _ = world.link()
    world.check(link)
    path: Path = world.socket.paths[("198.51.100.7", 7000)]
    assert isinstance(path, UdpPath)
    assert path.link is link
