"""Picture indices: shifted within their width, and nothing else touched."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.codecs.info import describe
from sfu.codecs.patch import patch_indices
from sfu.errors import MalformedPacket


@pytest.mark.parametrize(
    ("codec_name", "before", "picture_id_delta", "tl0_delta", "after"),
    [
        pytest.param("VP8", "90 80 05 11", 3, 0, "90 80 08 11", id="VP8, 7 bits"),
        pytest.param("VP8", "90 80 7e 11", 3, 0, "90 80 01 11", id="VP8, 7 bits wrap"),
        pytest.param("VP8", "90 80 05 11", -6, 0, "90 80 7f 11", id="VP8, 7 bits back"),
        pytest.param("VP8", "90 80 05 11", 0x7FFF, 0, "90 80 04 11", id="VP8, a delta of 15 bits on 7"),
        pytest.param("VP8", "90 80 80ff 11", 1, 0, "90 80 8100 11", id="VP8, 15 bits"),
        pytest.param("VP8", "90 80 ffff 11", 1, 0, "90 80 8000 11", id="VP8, 15 bits wrap"),
        pytest.param("VP8", "90 80 8000 11", -1, 0, "90 80 ffff 11", id="VP8, 15 bits back"),
        pytest.param("VP8", "90 40 ff 11", 9, 2, "90 40 01 11", id="VP8, TL0PICIDX alone"),
        pytest.param("VP8", "90 f0 8102 09 61 11", 1, 1, "90 f0 8103 0a 61 11", id="VP8, all fields"),
        pytest.param("VP8", "90 30 61 11", 1, 1, "90 30 61 11", id="VP8, neither"),
        pytest.param("VP8", "10 11", 1, 1, "10 11", id="VP8, no extension"),
        pytest.param("VP9", "c8 05 82", 3, 0, "c8 08 82", id="VP9, 7 bits"),
        pytest.param("VP9", "c8 ffff 82", 1, 9, "c8 8000 82", id="VP9, 15 bits wrap"),
        pytest.param("VP9", "e8 8102 35 2a 82", 1, 1, "e8 8103 35 2b 82", id="VP9, non-flexible"),
        pytest.param("VP9", "f8 8102 35 02 82", 1, 1, "f8 8103 35 02 82", id="VP9, flexible has no TL0PICIDX"),
        pytest.param("VP9", "28 35 ff 82", 1, 1, "28 35 00 82", id="VP9, TL0PICIDX alone"),
        pytest.param("VP9", "48 82", 1, 1, "48 82", id="VP9, neither"),
        pytest.param("H264", "65 88", 1, 1, "65 88", id="another codec"),
    ],
)
def test_patch(codec_name: str, before: str, picture_id_delta: int, tl0_delta: int, after: str) -> None:
    assert patch_indices(codec_name, bytes.fromhex(before), picture_id_delta, tl0_delta) == bytes.fromhex(after)


def test_without_deltas_nothing_is_copied() -> None:
    payload = bytes.fromhex("90 80 05 11")
    assert patch_indices("VP8", payload, 0, 0) is payload


@pytest.mark.parametrize(
    ("codec_name", "payload"),
    [("VP8", ""), ("VP8", "90"), ("VP8", "9080"), ("VP8", "908081"), ("VP8", "90c005"),
     ("VP9", ""), ("VP9", "80"), ("VP9", "8081"), ("VP9", "2000"), ("VP9", "a00500")],
)  # fmt: skip
def test_truncated(codec_name: str, payload: str) -> None:
    with pytest.raises(MalformedPacket, match=f"{codec_name.lower()}_truncated"):
        patch_indices(codec_name, bytes.fromhex(payload), 1, 1)


deltas = st.integers(-0x8000, 0x8000)


@given(st.sampled_from(("VP8", "VP9")), st.binary(min_size=1, max_size=20), deltas, deltas)
def test_what_is_described_after_is_shifted(
    codec_name: str, payload: bytes, picture_id_delta: int, tl0_delta: int
) -> None:
    with suppress(MalformedPacket):
        before = describe(codec_name, payload, 0, len(payload), False)
        changed = patch_indices(codec_name, payload, picture_id_delta, tl0_delta)
        after = describe(codec_name, changed, 0, len(changed), False)
        assert len(changed) == len(payload)
        if before.picture_id is not None:
            assert after.picture_id == (before.picture_id + picture_id_delta) % (1 << before.picture_id_bits)
            assert after.picture_id_bits == before.picture_id_bits
        if before.tl0_pic_idx is not None:
            assert after.tl0_pic_idx == (before.tl0_pic_idx + tl0_delta) % 256
        for name in ("key_frame", "frame_start", "frame_end", "spatial", "temporal", "switch_up", "key_idx"):
            assert getattr(after, name) == getattr(before, name)
        assert patch_indices(codec_name, changed, -picture_id_delta, -tl0_delta) == payload
