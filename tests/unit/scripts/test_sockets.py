"""Listening sockets: families, free ports, and what is said when a port or a host cannot be had."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from scripts import sockets
from scripts.failures import CommandError, ExitCode


@contextmanager
def bound(host: str, port: int) -> Iterator[list[socket.socket]]:
    found = sockets.bind(host, port)
    try:
        yield found
    finally:
        for sock in found:
            sock.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "*", "0.0.0.0"])
def test_a_free_port_is_one_number_for_all_families(host: str) -> None:
    with bound(host, 0) as found:
        assert len({sock.getsockname()[1] for sock in found}) == 1
        assert found[0].getsockname()[1] > 0
        assert found[0].family == socket.AF_INET


def test_any_is_both_families_where_there_are_two() -> None:
    with bound(sockets.ANY, 0) as found:
        names = [sock.getsockname()[0] for sock in found]
        assert names in (["0.0.0.0", "::"], ["0.0.0.0"])


def test_taken_port_is_told() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        with pytest.raises(CommandError, match=f"{port} is in use") as caught:
            sockets.bind("127.0.0.1", port)
        assert caught.value.code is ExitCode.UNAVAILABLE
        assert "--port" in caught.value.hint


@pytest.mark.parametrize(
    ("host", "words"),
    [("192.0.2.1", "not an address of this machine"), ("no-such-host.invalid", "no address or name")],
)
def test_bad_host_is_told(host: str, words: str) -> None:
    with pytest.raises(CommandError, match=words) as caught:
        sockets.bind(host, 0)
    assert caught.value.code is ExitCode.CONFIG


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("localhost", True), ("*", False), ("0.0.0.0", False)],
)
def test_is_loopback(host: str, loopback: bool) -> None:
    assert sockets.is_loopback(host) is loopback
