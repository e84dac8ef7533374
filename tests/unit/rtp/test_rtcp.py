"""RTCP: every kind as bytes drawn by hand from its RFC, round trips, and any other bytes."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.errors import MalformedPacket
from sfu.rtp.rtcp import (
    Bye,
    Dlrr,
    ExtendedReport,
    Fir,
    Nack,
    Pli,
    ReceiverReport,
    Remb,
    ReportBlock,
    Rtcp,
    Sdes,
    SenderReport,
    TransportFeedback,
    UnknownRtcp,
    is_rtcp,
    parse_compound,
)

BLOCK = ReportBlock(0xDDDDDDDD, 64, -2, 0x00011234, 99, 0x456789AB, 65536)
BLOCK_HEX = "dddddddd 40fffffe 00011234 00000063 456789ab 00010000"

VECTORS: list[tuple[str, Rtcp, str]] = [
    (
        "sender report, RFC 3550 section 6.4.1",
        SenderReport(0x11111111, 0xE000000180000000, 900, 5, 1000, (BLOCK,)),
        "81 c8 000c 11111111 e0000001 80000000 00000384 00000005 000003e8" + BLOCK_HEX,
    ),
    ("receiver report, section 6.4.2", ReceiverReport(1, (BLOCK,)), "81 c9 0007 00000001" + BLOCK_HEX),
    ("empty receiver report", ReceiverReport(1), "80 c9 0001 00000001"),
    # 4 + 2 + 5 bytes, one zero ends the items and fills the word.
    ("source description, section 6.5", Sdes(((7, "a@b.c"),)), "81 ca 0003 00000007 01 05 6140622e63 00"),
    ("full words need a word of zeros", Sdes(((7, "ab"),)), "81 ca 0003 00000007 01 02 6162 00000000"),
    ("two chunks", Sdes(((1, "a"), (2, "b"))), "82 ca 0004 00000001 010161 00 00000002 010162 00"),
    ("goodbye, section 6.6", Bye((1, 2)), "82 cb 0002 00000001 00000002"),
    ("goodbye with a reason", Bye((1,), "off"), "81 cb 0002 00000001 03 6f6666"),
    ("NACK, RFC 4585 section 6.2.1", Nack(1, 2, (100, 101, 103, 116)), "81 cd 0003 00000001 00000002 0064 8005"),
    ("NACK of two pairs", Nack(1, 2, (100, 117)), "81 cd 0004 00000001 00000002 0064 0000 0075 0000"),
    ("NACK over the wrap", Nack(1, 2, (65535, 0, 15)), "81 cd 0003 00000001 00000002 ffff 8001"),
    ("PLI, RFC 4585 section 6.3.1", Pli(1, 2), "81 ce 0002 00000001 00000002"),
    ("FIR, RFC 5104 section 4.3.1", Fir(1, ((2, 9),)), "84 ce 0004 00000001 00000000 00000002 09 000000"),
    # draft-alvestrand-rmcat-remb-03 section 2.2: 6 bits of exponent, 18 of mantissa: 250000 << 2.
    ("REMB", Remb(1, 1_000_000, (2, 3)), "8f ce 0006 00000001 00000000 52454d42 02 0bd090 00000002 00000003"),
    ("small REMB", Remb(1, 5, ()), "8f ce 0004 00000001 00000000 52454d42 00 000005"),
    ("reference time, RFC 3611 section 4.4", ExtendedReport(1, 0x0123456789ABCDEF),
     "80 cf 0004 00000001 04 00 0002 01234567 89abcdef"),
    ("delays, RFC 3611 section 4.5", ExtendedReport(1, None, (Dlrr(2, 3, 4),)),
     "80 cf 0005 00000001 05 00 0003 00000002 00000003 00000004"),
    ("another kind", UnknownRtcp(204, 3, b"\0\0\0\1NAME"), "83 cc 0002 00000001 4e414d45"),
    ("another feedback", UnknownRtcp(205, 3, bytes(8)), "83 cd 0002 00000000 00000000"),
    ("another application's feedback", UnknownRtcp(206, 15, bytes(12)), "8f ce 0003" + "00" * 12),
    (
        "transport-wide feedback",
        TransportFeedback(1, 2, 10, 1, 3, [257, None]),
        # One-bit vector "10", one delta of one tick, one byte of zero padding.
        "8f cd 0005 00000001 00000002 000a 0002 000001 03 a000 01 00",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("packet", "hexadecimal"), [pytest.param(p, h, id=name) for name, p, h in VECTORS])
def test_vectors(packet: Rtcp, hexadecimal: str) -> None:
    data = bytes.fromhex(hexadecimal)
    assert packet.pack() == data
    assert parse_compound(data) == [packet]


def test_compound_of_all() -> None:
    assert parse_compound(b"".join(packet.pack() for _, packet, _ in VECTORS)) == [packet for _, packet, _ in VECTORS]


@pytest.mark.parametrize(
    ("hexadecimal", "packets"),
    [
        pytest.param("a1 ce 0003 00000001 00000002 00000004", [Pli(1, 2)], id="padding"),
        pytest.param("a0 c9 0002 00000001 00000004", [ReceiverReport(1)], id="padding of one word"),
        pytest.param(
            "af cd 0005 00000001 00000002 000a 0002 000001 03 a000 01 01",
            [VECTORS[-1][1]],
            id="libwebrtc's padding of one byte",
        ),
        pytest.param("80 c9 0003 00000001 aaaaaaaa bbbbbbbb", [ReceiverReport(1)], id="profile-specific extension"),
        pytest.param("81 ca 0003 00000007 02 03 616263 00 0000", [Sdes(((7, ""),))], id="an item that is no CNAME"),
        pytest.param("81 ca 0003 00000007 02 01 61 01 01 62 00 00", [Sdes(((7, "b"),))], id="CNAME second"),
        pytest.param("80 cf 0003 00000001 07 00 0001 00000000", [ExtendedReport(1)], id="another XR block"),
        pytest.param("81 ca 0002 00000007 01 01 ff 00", [Sdes(((7, "\ufffd"),))], id="CNAME that is no UTF-8"),
    ],
)  # fmt: skip
def test_read_only(hexadecimal: str, packets: list[Rtcp]) -> None:
    assert parse_compound(bytes.fromhex(hexadecimal)) == packets


@pytest.mark.parametrize(
    ("hexadecimal", "reason"),
    [
        ("", "rtcp_short"),
        ("80c900", "rtcp_short"),
        ("00c90001 00000001", "rtcp_version"),
        ("80c90002 00000001", "rtcp_length"),
        ("80c90001 00000001 80c9", "rtcp_length"),
        ("a0c90001 00000000", "rtcp_padding"),
        ("a0c90001 00000005", "rtcp_padding"),
        ("a0c90000", "rtcp_padding"),
        ("80c80001 00000001", "rtcp_sr"),
        ("81c80006 00000001 00000001 00000001 00000001 00000001 00000001", "rtcp_sr"),
        ("80c90000", "rtcp_rr"),
        ("81c90001 00000001", "rtcp_rr"),
        ("81ca0000", "rtcp_sdes"),
        ("81ca0001 00000001", "rtcp_sdes"),
        ("81ca0002 00000001 0103 6162", "rtcp_sdes"),
        ("81ca0002 00000001 0102 6162", "rtcp_sdes"),
        ("81cb0000", "rtcp_bye"),
        ("81cb0002 00000001 04616263", "rtcp_bye"),
        ("81cd0002 00000001 00000002", "rtcp_nack"),
        ("81ce0001 00000001", "rtcp_pli"),
        ("84ce0002 00000001 00000002", "rtcp_fir"),
        ("84ce0003 00000001 00000002 00000003", "rtcp_fir"),
        ("8fce0003 00000001 00000000 52454d42", "rtcp_remb"),
        ("8fce0004 00000001 00000000 52454d42 01000001", "rtcp_remb"),
        ("8fce0004 00000001 00000000 52454d42 00ffffff", "rtcp_remb"),
        ("80cf0000", "rtcp_xr"),
        ("80cf0002 00000001 04000001", "rtcp_xr"),
        ("80cf0003 00000001 04000001 00000000", "rtcp_xr"),
        ("80cf0003 00000001 05000001 00000000", "rtcp_xr"),
        ("a1cf0003 00000001 07000000 04000002", "rtcp_xr"),
        ("8fcd0003 00000001 00000002 00010001", "rtcp_twcc"),
    ],
)  # fmt: skip
def test_malformed(hexadecimal: str, reason: str) -> None:
    with pytest.raises(MalformedPacket) as caught:
        parse_compound(bytes.fromhex(hexadecimal))
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x80\xc8\0\0", True),
        (b"\x81\xce\0\0", True),
        (b"\x80\xc0\0\0", True),
        (b"\x80\xdf\0\0", True),
        (b"\x80\xbf\0\0", False),  # RTP: payload type 63 with the marker
        (b"\x80\xe0\0\0", False),  # RTP: payload type 96 with the marker
        (b"\x80\x60\0\0", False),
        (b"\x00\xc8\0\0", False),
        (b"\x80\xc8\0", False),
    ],
)
def test_is_rtcp(data: bytes, expected: bool) -> None:
    assert is_rtcp(data) is expected


words = st.integers(0, 0xFFFFFFFF)
blocks = st.lists(
    st.builds(ReportBlock, words, st.integers(0, 255), st.integers(-0x800000, 0x7FFFFF), words, words, words, words),
    max_size=31,
).map(tuple)
cnames = st.text(st.characters(codec="utf-8"), max_size=60)
packets = st.one_of(
    st.builds(SenderReport, words, st.integers(0, (1 << 64) - 1), words, words, words, blocks),
    st.builds(ReceiverReport, words, blocks),
    st.builds(Sdes, st.lists(st.tuples(words, cnames), max_size=31).map(tuple)),
    st.builds(Bye, st.lists(words, max_size=31).map(tuple), cnames),
    st.builds(Pli, words, words),
    st.builds(Fir, words, st.lists(st.tuples(words, st.integers(0, 255)), min_size=1, max_size=5).map(tuple)),
    st.builds(Remb, words, st.integers(0, (1 << 18) - 1), st.lists(words, max_size=5).map(tuple)),
    st.builds(
        ExtendedReport,
        words,
        st.none() | st.integers(0, (1 << 64) - 1),
        st.lists(st.builds(Dlrr, words, words, words), max_size=3).map(tuple),
    ),
)


@given(st.lists(packets, min_size=1, max_size=4))
def test_what_is_packed_is_read(compound: list[Rtcp]) -> None:
    assert parse_compound(b"".join(packet.pack() for packet in compound)) == compound


@given(st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=60))
def test_nack_loses_and_invents_nothing(lost: list[int]) -> None:
    (nack,) = parse_compound(Nack(1, 2, tuple(lost)).pack())
    assert isinstance(nack, Nack)
    assert set(nack.lost) == set(lost)


@given(st.integers(0, 0xFFFF), st.lists(st.integers(1, 20), max_size=40))
def test_nack_keeps_the_order_across_the_wrap(first: int, steps: list[int]) -> None:
    lost = [first]
    for step in steps:
        lost.append((lost[-1] + step) & 0xFFFF)
    (nack,) = parse_compound(Nack(1, 2, tuple(lost)).pack())
    assert isinstance(nack, Nack)
    assert list(nack.lost) == lost


@given(st.integers(0, (1 << 63) - 1))
def test_remb_is_cut_to_18_bits(bitrate_bps: int) -> None:
    (remb,) = parse_compound(Remb(1, bitrate_bps, (2,)).pack())
    assert isinstance(remb, Remb)
    assert 0 <= bitrate_bps - remb.bitrate_bps <= bitrate_bps >> 17


@given(st.binary(max_size=41))
def test_unknown_packets_pass(body: bytes) -> None:
    assert parse_compound(UnknownRtcp(210, 5, body).pack()) == [UnknownRtcp(210, 5, body)]


def test_report_blocks_are_limited_to_what_fits() -> None:
    block = ReportBlock(1, 0, -0x9000000, 0, 0, 0, 0)
    (report,) = parse_compound(ReceiverReport(1, (block,)).pack())
    assert isinstance(report, ReceiverReport)
    assert report.blocks[0].packets_lost == -0x800000


@pytest.mark.parametrize(
    "packet",
    [
        ReceiverReport(1, (BLOCK,) * 32),
        Sdes(((1, "x" * 256),)),
        Bye((), "x" * 256),
        Remb(1, 1 << 63, ()),
        Remb(1, -1, ()),
        Remb(1, 1, (0,) * 256),
        UnknownRtcp(204, 32, b""),
        UnknownRtcp(204, 0, bytes(0x40000)),
    ],
)
def test_pack_refuses_what_does_not_fit(packet: Rtcp) -> None:
    with pytest.raises(ValueError):
        packet.pack()


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    with suppress(MalformedPacket):
        parse_compound(data)


@given(
    st.sampled_from([200, 201, 202, 203, 204, 205, 206, 207]),
    st.integers(0, 31),
    st.booleans(),
    st.binary(max_size=80),
)
def test_any_body(packet_type: int, count: int, padded: bool, body: bytes) -> None:
    body = body[: len(body) & ~3]
    first = 0x80 | (0x20 if padded else 0) | count
    with suppress(MalformedPacket):
        parse_compound(bytes((first, packet_type)) + (len(body) // 4).to_bytes(2, "big") + body)


@given(st.sampled_from([packet.pack() for _, packet, _ in VECTORS]), st.data())
def test_mutations(valid: bytes, draw: st.DataObject) -> None:
    changed = bytearray(valid[: draw.draw(st.integers(0, len(valid)))])
    for _ in range(draw.draw(st.integers(0, 3))):
        if changed:
            changed[draw.draw(st.integers(0, len(changed) - 1))] = draw.draw(st.integers(0, 255))
    with suppress(MalformedPacket):
        parse_compound(bytes(changed))
