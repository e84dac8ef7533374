"""Codecs as they are negotiated: which understand each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.codecs.h264_profile import H264Profile, h264_profile
from sfu.codecs.parameters import CodecParameters, compatible


@pytest.mark.parametrize(
    ("profile_level_id", "profile"),
    [
        # RFC 6184 section 8.1, table 5.
        ("42e01f", H264Profile.CONSTRAINED_BASELINE),
        ("42c01f", H264Profile.CONSTRAINED_BASELINE),
        ("42400a", H264Profile.CONSTRAINED_BASELINE),
        ("4d8020", H264Profile.CONSTRAINED_BASELINE),
        ("58f01f", H264Profile.CONSTRAINED_BASELINE),
        ("42001f", H264Profile.BASELINE),
        ("42a01f", H264Profile.BASELINE),
        ("58A01F", H264Profile.BASELINE),
        ("4d001f", H264Profile.MAIN),
        ("4D401F", H264Profile.MAIN),
        ("58001f", H264Profile.EXTENDED),
        ("640032", H264Profile.HIGH),
        ("640c1f", H264Profile.CONSTRAINED_HIGH),
        ("f4001f", H264Profile.HIGH_444_PREDICTIVE),
        (None, H264Profile.CONSTRAINED_BASELINE),
        ("", H264Profile.CONSTRAINED_BASELINE),
        ("64081f", None),
        ("42e0", None),
        ("42e01f00", None),
        ("zzzzzz", None),
        ("001f42", None),
    ],
)
def test_h264_profile(profile_level_id: str | None, profile: H264Profile | None) -> None:
    assert h264_profile(profile_level_id) == profile


def h264(profile_level_id: str | None, mode: str | None = "1") -> CodecParameters:
    fmtp = {"profile-level-id": profile_level_id, "packetization-mode": mode}
    return CodecParameters("video/H264", 90000, 1, {name: value for name, value in fmtp.items() if value})


def video(name: str, **fmtp: str) -> CodecParameters:
    return CodecParameters(f"video/{name}", 90000, 1, {key.replace("_", "-"): value for key, value in fmtp.items()})


OPUS = CodecParameters("audio/opus", 48000, 2)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        pytest.param(OPUS, CodecParameters("audio/opus", 48000, 2, {"useinbandfec": "1"}), True, id="wishes"),
        pytest.param(OPUS, CodecParameters("audio/OPUS", 48000, 2), True, id="case"),
        pytest.param(OPUS, CodecParameters("audio/opus", 48000, 1), False, id="channels"),
        pytest.param(OPUS, CodecParameters("audio/opus", 16000, 2), False, id="clock rate"),
        pytest.param(
            CodecParameters("audio/red", 48000, 2, {"111/111": ""}),
            CodecParameters("audio/red", 48000, 2, {"96/96": ""}),
            True,
            id="red",
        ),
        pytest.param(video("VP8"), video("VP9"), False, id="two codecs"),
        pytest.param(video("VP8", max_fr="30"), video("VP8"), True, id="VP8"),
        pytest.param(video("VP9"), video("VP9", profile_id="0"), True, id="VP9, default profile"),
        pytest.param(video("VP9", profile_id="2"), video("VP9", profile_id="0"), False, id="VP9, profiles"),
        pytest.param(video("AV1", level_idx="5"), video("AV1", profile="0", level_idx="8"), True, id="AV1, levels"),
        pytest.param(video("AV1", profile="1"), video("AV1"), False, id="AV1, profiles"),
        pytest.param(h264("42e01f"), h264("42e034"), True, id="H264, levels"),
        pytest.param(h264("42e01f"), h264("4d8020"), True, id="H264, constrained baseline by another name"),
        pytest.param(h264("42e01f"), h264("42001f"), False, id="H264, constrained baseline and baseline"),
        pytest.param(h264("42e01f"), h264("42e01f", "0"), False, id="H264, packetization modes"),
        pytest.param(h264("42e01f", None), h264("42e01f", "0"), True, id="H264, default packetization mode"),
        pytest.param(h264(None), h264("42e01f"), True, id="H264, default profile"),
        pytest.param(h264("64001f"), h264("4d001f"), False, id="H264, high and main"),
        pytest.param(h264("ffffff"), h264("ffffff"), False, id="H264, a profile nobody knows"),
    ],
)
def test_compatible(a: CodecParameters, b: CodecParameters, expected: bool) -> None:
    assert compatible(a, b) is expected
    assert compatible(b, a) is expected


def test_kind_and_name() -> None:
    assert (OPUS.kind, OPUS.name) == ("audio", "opus")
    assert (video("VP8").kind, video("VP8").name) == ("video", "VP8")
    assert OPUS.fmtp == {}


def test_equal_parameters_hash_the_same() -> None:
    assert h264("42e01f") == h264("42e01f")
    assert hash(h264("42e01f")) == hash(h264("42e01f"))
    assert h264("42e01f") != h264("42001f")


@given(st.text(max_size=8))
def test_any_profile_level_id(text: str) -> None:
    assert h264_profile(text) in (None, *H264Profile)
