"""Time as RTP and RTCP write it."""

from __future__ import annotations

NTP_UNIX_OFFSET_S = 2_208_988_800
"""Seconds from 1900 to 1970."""


def ntp_from_unix(seconds: float) -> int:
    """A 64-bit NTP timestamp (RFC 5905 section 6): 32 bits of seconds since 1900, 32 of fraction; era 0 wraps in 2036."""
    whole = int(seconds)
    fraction = int((seconds - whole) * 4294967296)
    return ((whole + NTP_UNIX_OFFSET_S) & 0xFFFFFFFF) << 32 | fraction


def unix_from_ntp(ntp: int) -> float:
    """Unix seconds of a 64-bit NTP timestamp of era 0."""
    return (ntp >> 32) - NTP_UNIX_OFFSET_S + (ntp & 0xFFFFFFFF) / 4294967296


def ntp_middle(ntp: int) -> int:
    """The middle 32 bits, as LSR holds them (RFC 3550 section 6.4.1): seconds in 16.16."""
    return ntp >> 16 & 0xFFFFFFFF


def abs_send_time(now: float) -> int:
    """24 bits of seconds in 6.18 fixed point, wrapping every 64 s."""
    return int(now * 262144) & 0xFFFFFF
