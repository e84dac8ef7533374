"""Layers are left out of an Encoding: no gap shows, no number is used twice, and each can be found again."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.layers.layer_filter import ALL_LAYERS, MAX_RANGES, LayerFilter
from sfu.rtp.packet import RtpPacket, build_rtp, parse_rtp
from sfu.rtp.payload_info import PayloadInfo

PATTERN = (0, 2, 1, 2)


def packet(
    ext_seq: int,
    *,
    picture: int = 0,
    temporal: int = 0,
    spatial: int = 0,
    key: bool = False,
    start: bool = True,
    end: bool = True,
    up: bool = False,
) -> RtpPacket:
    made = parse_rtp(
        build_rtp(payload_type=96, sequence_number=ext_seq, timestamp=picture * 3_000, ssrc=1, payload=b"x")
    )
    made.ext_seq = ext_seq
    info = PayloadInfo(key, start, end)
    info.temporal, info.spatial, info.picture_id, info.picture_id_bits = temporal, spatial, picture, 15
    info.switch_up = key or up
    made.info = info
    return made


def stream(pictures: int, per_picture: int = 2) -> list[RtpPacket]:
    """Three temporal layers; in the second one switching up is possible."""
    return [
        packet(
            picture * per_picture + part,
            picture=picture,
            temporal=PATTERN[picture % 4],
            key=picture == 0 and part == 0,
            start=part == 0,
            end=part == per_picture - 1,
            up=PATTERN[picture % 4] == 1,
        )
        for picture in range(pictures)
        for part in range(per_picture)
    ]


def new_filter(*, renumbers: bool = True) -> LayerFilter:
    return LayerFilter(0, 500, 7, -1, renumbers_pictures=renumbers)


@pytest.mark.parametrize("temporal", [0, 1, 2])
def test_numbers_and_pictures_go_on_by_one(temporal: int) -> None:
    layers = new_filter()
    layers.aim(ALL_LAYERS, temporal)
    sent = []
    for p in stream(40):
        out = layers.place(p)
        if out is not None:
            assert p.info is not None and p.info.picture_id is not None
            sent.append((out, p.info.picture_id + layers.picture_delta))
    assert [out for out, _ in sent] == list(range(500, 500 + len(sent)))
    pictures = sorted({picture for _, picture in sent})
    assert pictures == list(range(7, 7 + len(pictures)))
    assert len(sent) == {0: 20, 1: 40, 2: 80}[temporal]


def test_pictures_that_refer_by_distance_keep_their_numbers() -> None:
    layers = new_filter(renumbers=False)
    layers.aim(ALL_LAYERS, 0)
    deltas = {layers.picture_delta for p in stream(40) if layers.place(p) is not None}
    assert deltas == {7}


def test_it_goes_down_with_the_next_picture_and_up_where_a_decoder_can_follow() -> None:
    layers = new_filter()
    passed = []
    for p in stream(12, per_picture=3):
        if p.ext_seq == 4:  # within picture 1, of the highest layer: it is finished
            layers.aim(ALL_LAYERS, 0)
        if p.ext_seq == 15:  # within picture 5, of the highest layer: the way up is picture 6
            layers.aim(ALL_LAYERS, 2)
        if layers.place(p) is not None:
            assert p.info is not None
            passed.append(p.info.picture_id)
    assert sorted(set(passed)) == [0, 1, 4, 6, 8, 10]
    assert passed.count(1) == 3


def test_the_highest_layer_returns_where_it_can() -> None:
    layers = new_filter()
    layers.aim(ALL_LAYERS, 0)
    for p in stream(8):
        layers.place(p)
    layers.aim(ALL_LAYERS, ALL_LAYERS)
    assert layers.wants_more
    assert layers.place(packet(16, picture=8, temporal=2)) is None
    assert layers.place(packet(17, picture=9, key=True)) is not None
    assert not layers.wants_more
    assert layers.place(packet(18, picture=10, temporal=2)) is not None


def test_upper_spatial_layers_are_left_out_and_the_marker_moves() -> None:
    layers = new_filter(renumbers=False)
    layers.aim(0, ALL_LAYERS)
    lower = packet(0, picture=0, spatial=0, key=True)
    assert layers.place(lower) == 500 and layers.ends_picture(lower)
    assert layers.place(packet(1, picture=0, spatial=1)) is None
    layers.aim(1, ALL_LAYERS)
    assert layers.place(packet(2, picture=1, spatial=0)) == 501
    assert layers.place(packet(3, picture=1, spatial=1)) is None
    assert layers.place(packet(4, picture=2, spatial=0)) == 502
    upper = packet(5, picture=2, spatial=1, up=True)
    assert layers.place(upper) == 503 and layers.ends_picture(upper)
    assert not layers.ends_picture(packet(6, picture=3, spatial=0))


@given(st.integers(0, 10_000), st.integers(0, 2), st.floats(0, 0.4), st.integers(0, 12))
def test_late_and_lost_packets(seed: int, temporal: int, loss: float, reach: int) -> None:
    """Whatever comes late or never: one number for one packet, found again, and gaps only for what was lost."""
    random = Random(seed)
    layers = new_filter()
    layers.aim(ALL_LAYERS, temporal)
    packets = stream(60)
    arriving = sorted(
        (p for p in packets if random.random() >= loss), key=lambda p: p.ext_seq + random.random() * reach
    )
    sent: dict[int, int] = {}
    for p in arriving:
        out = layers.place(p)
        if out is not None:
            assert out not in sent, "one number, two packets"
            sent[out] = p.ext_seq
    for out, source in sent.items():
        assert layers.source_of(out) is not None
        assert layers.source_of(out)[0] == source  # type: ignore[index]
    in_order = [sent[out] for out in sorted(sent)]
    assert in_order == sorted(in_order)
    lost = 120 - len(arriving)
    assert layers.highest_out - 499 - len(sent) <= lost


def test_old_ranges_are_forgotten_and_their_packets_refused() -> None:
    layers = new_filter()
    layers.aim(ALL_LAYERS, 0)
    for p in stream(8 * MAX_RANGES, per_picture=1):
        layers.place(p)
    assert layers.source_of(500) is None
    assert layers.place(packet(0)) is None
    assert layers.source_of(layers.highest_out) == (8 * MAX_RANGES - 4, 7 - 6 * MAX_RANGES + 3)
