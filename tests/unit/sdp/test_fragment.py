"""Trickle ICE fragments of WHIP and WHEP clients."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.errors import NegotiationError
from sfu.sdp.fragment import MAX_FRAGMENT_CHARS, parse_fragment, write_fragment
from tests.unit.sdp.descriptions import LOCAL, fails_at_most_by_negotiation

TRICKLE = """a=group:BUNDLE 0 1\r
m=audio 9 UDP/TLS/RTP/SAVPF 111\r
a=mid:0\r
a=ice-ufrag:EsAw\r
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r
a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1\r
a=candidate:3471623853 1 tcp 1518283007 192.0.2.1 9 typ host tcptype active\r
a=end-of-candidates\r
"""


def test_a_fragment() -> None:
    ufrag, pwd, candidates, end = parse_fragment(TRICKLE)
    assert (ufrag, pwd, end) == ("EsAw", "P2uYro0UCOQ4zxjKXaWCBui1", True)
    assert [candidate.split(" ")[2] for candidate in candidates] == ["udp", "tcp"]
    assert candidates[0].startswith("candidate:1387637174 1 udp")


@pytest.mark.parametrize("bundle", [[("0", "audio"), ("1", "video")], [("d", "application")], [("", "video")], []])
def test_what_is_written_can_be_read(bundle: list[tuple[str, str]]) -> None:
    text = write_fragment(LOCAL.ufrag, LOCAL.pwd, LOCAL.candidates, bundle)
    assert parse_fragment(text) == (LOCAL.ufrag, LOCAL.pwd, list(LOCAL.candidates), True)
    assert text.startswith("a=ice-lite\r\n")


def test_candidates_alone_and_nothing_at_all() -> None:
    assert parse_fragment("a=candidate:1 1 udp 1 192.0.2.1 9 typ host\n") == (
        None,
        None,
        ["candidate:1 1 udp 1 192.0.2.1 9 typ host"],
        False,
    )
    assert parse_fragment("") == (None, None, [], False)


@pytest.mark.parametrize(
    "text",
    [
        "a=ice-ufrag:abcd",
        "a=ice-pwd:" + "x" * 22,
        "a=ice-ufrag:a\r\na=ice-pwd:" + "x" * 22,
        "a=candidate:é",
        "a=candidate:" + "x" * 2000,
        "x" * (MAX_FRAGMENT_CHARS + 1),
    ],
)
def test_refuses(text: str) -> None:
    with pytest.raises(NegotiationError) as caught:
        parse_fragment(text)
    assert caught.value.code == "invalid_sdp"


@given(st.text(max_size=200) | st.text("aicend-ufrpwo:=\r\n ", max_size=200))
def test_no_text_raises_anything_else(text: str) -> None:
    with fails_at_most_by_negotiation():
        parse_fragment(text)
