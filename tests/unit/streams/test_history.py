"""PacketHistory against a plain dict."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.rtp.packet import RtpPacket
from sfu.streams.history import PacketHistory


def packet(ext_seq: int) -> RtpPacket:
    made = RtpPacket(b"", False, 96, ext_seq & 0xFFFF, 0, 1, 0, 0)
    made.ext_seq = ext_seq
    return made


@pytest.mark.parametrize(("asked", "size"), [(1, 1), (2, 2), (3, 4), (500, 512), (512, 512)])
def test_size_is_rounded_up(asked: int, size: int) -> None:
    assert PacketHistory(asked).size == size


def test_a_size_must_be_positive() -> None:
    with pytest.raises(ValueError):
        PacketHistory(0)


def test_keeps_exactly_the_newest() -> None:
    history = PacketHistory(8)
    for seq in range(65530, 65550):
        history.put(packet(seq))
    for seq in range(65530, 65542):
        assert history.get(seq) is None
    for seq in range(65542, 65550):
        found = history.get(seq)
        assert found is not None
        assert found.ext_seq == seq


def test_a_late_packet_does_not_drive_out_a_newer_one() -> None:
    history = PacketHistory(8)
    history.put(packet(20))
    history.put(packet(12))
    assert history.get(12) is None
    assert history.get(20) is not None


def test_clear() -> None:
    history = PacketHistory(8)
    history.put(packet(20))
    history.clear()
    assert history.get(20) is None


@given(st.lists(st.integers(0, 200), max_size=60))
def test_finds_the_right_packet_or_none(seqs: list[int]) -> None:
    history = PacketHistory(16)
    put: set[int] = set()
    for seq in seqs:
        history.put(packet(seq))
        put.add(seq)
    for seq in range(-20, 220):
        found = history.get(seq)
        kept = seq in put and not any(other > seq and (other - seq) % 16 == 0 for other in put)
        assert (found is not None) == kept
        assert found is None or found.ext_seq == seq
