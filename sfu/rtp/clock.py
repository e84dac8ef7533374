"""Clocks on the wire: NTP timestamps (RFC 3550 section 4) and the absolute send time of a packet."""

from __future__ import annotations

NTP_EPOCH_OFFSET_S = 2_208_988_800
"""Seconds from 1900-01-01, where NTP counts from, to 1970-01-01."""


def ntp_from_unix(seconds: float) -> int:
    """Unix time in seconds as a 64-bit NTP timestamp: 32 bits of seconds, 32 of their fraction."""
    whole = int(seconds // 1)
    fraction = int((seconds - whole) * (1 << 32))
    return (((whole + NTP_EPOCH_OFFSET_S) << 32) + fraction) & 0xFFFFFFFFFFFFFFFF


def ntp_middle(ntp: int) -> int:
    """The middle 32 bits of an NTP timestamp, in units of 1/65536 s, as LSR and DLSR use them."""
    return (ntp >> 16) & 0xFFFFFFFF


def abs_send_time(now: float) -> int:
    """``now`` in seconds as 6.18 fixed point in 24 bits: it wraps every 64 s.

    http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
    """
    return int(now * 262_144) & 0xFFFFFF
