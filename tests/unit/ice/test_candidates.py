"""Candidate lines out and in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.ice.candidates import Candidate, make_candidates, parse_candidate


def test_order_and_text() -> None:
    found = make_candidates(["127.0.0.1", "192.0.2.1", "2001:db8::1", "192.0.2.1"], 5000, 5001)
    assert [(c.protocol, c.address) for c in sorted(found, key=lambda c: -c.priority)] == [
        ("udp", "192.0.2.1"),
        ("udp", "2001:db8::1"),
        ("udp", "127.0.0.1"),
        ("tcp", "192.0.2.1"),
        ("tcp", "2001:db8::1"),
        ("tcp", "127.0.0.1"),
    ]
    assert len({c.priority for c in found}) == len({c.foundation for c in found}) == 6
    assert all(0 < c.priority < 1 << 31 for c in found)
    assert str(found[0]).startswith("candidate:")
    assert str(found[0]).endswith(" 1 udp 2130706431 192.0.2.1 5000 typ host")
    assert str(found[-1]).endswith(" 127.0.0.1 5001 typ host tcptype passive")


def test_no_tcp() -> None:
    assert {c.protocol for c in make_candidates(["192.0.2.1"], 5000, None)} == {"udp"}


@pytest.mark.parametrize("candidate", make_candidates(["127.0.0.1", "2001:db8::1", "sfu.example"], 5000, 5001), ids=str)
def test_round_trip(candidate: Candidate) -> None:
    assert parse_candidate(str(candidate)) == candidate


CHROMIUM = (
    "a=candidate:2999745851 1 UDP 2122194687 4b5a0b1e-51d1-4b8e-a1d1-2a0e6b1a2c3d.local 52124 typ host "
    "generation 0 ufrag Abcd network-id 1 network-cost 10"
)


def test_browser_lines() -> None:
    candidate = parse_candidate(CHROMIUM)
    assert candidate is not None
    assert (candidate.protocol, candidate.port, candidate.type) == ("udp", 52124, "host")
    active = parse_candidate("candidate:1 1 tcp 1518280447 192.0.2.9 9 typ host tcptype active generation 0")
    assert active is not None
    assert active.tcp_type == "active"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "candidate:",
        "candidate:1 1 udp 1 192.0.2.1 5000",
        "candidate:1 1 udp 1 192.0.2.1 5000 typ odd",
        "candidate:1 1 sctp 1 192.0.2.1 5000 typ host",
        "candidate:1 0 udp 1 192.0.2.1 5000 typ host",
        "candidate:1 1 udp 4294967296 192.0.2.1 5000 typ host",
        "candidate:1 1 udp 1 192.0.2.1 65536 typ host",
        "candidate:1 1 udp -1 192.0.2.1 5000 typ host",
        "candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype sideways",
        "candidate:1 1 udp 1 192.0.2.1 5000 typ host " + "x" * 600,
        "candidate:1 1 udp 1 ₂ 5000 typ host",
    ],
)
def test_not_well_formed(line: str) -> None:
    assert parse_candidate(line) is None


@given(st.text(max_size=80))
def test_any_text(text: str) -> None:
    parse_candidate(text)
    parse_candidate("candidate:1 1 udp 1 192.0.2.1 5000 typ host " + text)
