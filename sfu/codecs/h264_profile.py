"""H.264 profiles behind a ``profile-level-id`` (RFC 6184 section 8.1, table 5)."""

from __future__ import annotations

from enum import StrEnum

DEFAULT_PROFILE_LEVEL_ID = "42e01f"
"""RFC 6184 infers plain Baseline where the parameter is absent; WebRTC endpoints that leave it out mean this."""


class H264Profile(StrEnum):
    """The profiles that endpoints negotiate."""

    CONSTRAINED_BASELINE = "constrained-baseline"
    BASELINE = "baseline"
    MAIN = "main"
    EXTENDED = "extended"
    CONSTRAINED_HIGH = "constrained-high"
    HIGH = "high"
    HIGH_444_PREDICTIVE = "high-444-predictive"


# profile_idc, mask over profile-iop (constraint_set0 is the highest bit), value under the mask → profile.
# constraint_set0..3 promise that the stream also obeys Baseline, Main, Extended and so on: what obeys both Baseline
# and Main is Constrained Baseline, whatever profile_idc it is announced under. The first row that fits counts.
_PROFILES = (
    (0x42, 0b01001111, 0b01000000, H264Profile.CONSTRAINED_BASELINE),
    (0x4D, 0b10001111, 0b10000000, H264Profile.CONSTRAINED_BASELINE),
    (0x58, 0b11001111, 0b11000000, H264Profile.CONSTRAINED_BASELINE),
    (0x42, 0b01001111, 0b00000000, H264Profile.BASELINE),
    (0x58, 0b11001111, 0b10000000, H264Profile.BASELINE),
    (0x4D, 0b10101111, 0b00000000, H264Profile.MAIN),
    (0x58, 0b11001111, 0b00000000, H264Profile.EXTENDED),
    (0x64, 0b11111111, 0b00000000, H264Profile.HIGH),
    (0x64, 0b11111111, 0b00001100, H264Profile.CONSTRAINED_HIGH),
    (0xF4, 0b11111111, 0b00000000, H264Profile.HIGH_444_PREDICTIVE),
)


def h264_profile(profile_level_id: str | None) -> H264Profile | None:
    """The profile of six hexadecimal digits (profile_idc, profile-iop, level_idc); None if it is no profile we know."""
    text = (profile_level_id or DEFAULT_PROFILE_LEVEL_ID).strip()
    try:
        idc, iop, _ = bytes.fromhex(text)
    except ValueError:
        return None
    for wanted_idc, mask, value, profile in _PROFILES:
        if idc == wanted_idc and iop & mask == value:
            return profile
    return None
