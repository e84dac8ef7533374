"""Retransmissions: the original comes out as it went in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.errors import MalformedPacket
from sfu.rtp.extensions import build_extensions
from sfu.rtp.packet import build_rtp, parse_rtp
from sfu.rtp.rtx import unwrap_rtx


@given(
    original=st.integers(0, 0xFFFF),
    payload=st.binary(max_size=40),
    marker=st.booleans(),
    padding=st.integers(0, 255),
    csrcs=st.lists(st.integers(0, 0xFFFFFFFF), max_size=3),
    value=st.binary(min_size=1, max_size=16),
)
def test_unwrap(original: int, payload: bytes, marker: bool, padding: int, csrcs: list[int], value: bytes) -> None:
    common = {"timestamp": 900, "marker": marker, "csrcs": csrcs, "extensions": build_extensions([(3, value)])}
    resent = build_rtp(
        payload_type=97,
        sequence_number=7,
        ssrc=2,
        payload=original.to_bytes(2, "big") + payload,
        padding=padding,
        **common,  # type: ignore[arg-type]
    )
    first = build_rtp(payload_type=96, sequence_number=original, ssrc=1, payload=payload, **common)  # type: ignore[arg-type]
    assert unwrap_rtx(parse_rtp(resent), 1, 96) == first


@pytest.mark.parametrize(("payload", "padding"), [(b"", 0), (b"a", 0), (b"a", 200), (b"", 255)])
def test_without_original_sequence_number(payload: bytes, padding: int) -> None:
    probe = build_rtp(payload_type=97, sequence_number=7, timestamp=0, ssrc=2, payload=payload, padding=padding)
    with pytest.raises(MalformedPacket, match="rtx_short"):
        unwrap_rtx(parse_rtp(probe), 1, 96)
