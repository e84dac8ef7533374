"""NTP timestamps and absolute send times."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.rtp.clock import abs_send_time, ntp_from_unix, ntp_middle


@pytest.mark.parametrize(
    ("unix", "ntp"),
    [
        (0.0, 2_208_988_800 << 32),
        (0.5, 2_208_988_800 << 32 | 0x80000000),
        (1_000_000_000.25, 3_208_988_800 << 32 | 0x40000000),
        (2_085_978_496.0, 0),  # 2036: the era ends, and the count begins anew
    ],
)
def test_ntp_from_unix(unix: float, ntp: int) -> None:
    assert ntp_from_unix(unix) == ntp


@given(st.floats(0, 4e9))
def test_ntp_fits_64_bits_and_is_right_to_a_microsecond(unix: float) -> None:
    ntp = ntp_from_unix(unix)
    assert 0 <= ntp < 1 << 64
    assert ((ntp / (1 << 32) - 2_208_988_800 - unix + 1) % (1 << 32)) == pytest.approx(1, abs=2e-6)


def test_ntp_middle() -> None:
    # The example of RFC 3550 section 6.4.1: 0xb44d:b705 of [0x0000b44db705:20000000].
    assert ntp_middle(0xB44D_B705_2000_0000) == 0xB705_2000


@pytest.mark.parametrize(
    ("now", "value"),
    [(0.0, 0), (1.0, 1 << 18), (0.5, 1 << 17), (63.0, 63 << 18), (64.0, 0), (65.25, (1 << 18) + (1 << 16))],
)
def test_abs_send_time(now: float, value: int) -> None:
    assert abs_send_time(now) == value
