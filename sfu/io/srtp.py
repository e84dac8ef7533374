"""SRTP and SRTCP: opening what comes by libsrtp, sealing what goes out (RFC 3711, RFC 7714).

Forwarding seals one packet for each subscriber, so this is where the processor time goes. For AES-GCM, which
browsers prefer, packets are sealed by the cryptography package directly: half the cost of a call into libsrtp.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import pylibsrtp
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pylibsrtp import Policy, Session

from sfu.errors import MalformedPacket

REPLAY_WINDOW_PACKETS = 1024
RESEND_WINDOW_PACKETS = 16_384  # how far back AES-CM may seal the same packet again: the longest history kept
MAX_SSRCS = 256
_MIN_RTP_BYTES = 12
_MIN_RTCP_BYTES = 8
_LABEL_RTP_KEY = 0x00
_LABEL_RTP_SALT = 0x02

Seal = Callable[[bytes, bytes, bytes], bytes]


class Profile(NamedTuple):
    """A DTLS-SRTP protection profile (RFC 5764 section 4.1.2, RFC 7714 section 14.2)."""

    number: int  # as libsrtp names it
    key_bytes: int
    salt_bytes: int
    aead: bool


PROFILES = {
    "SRTP_AEAD_AES_128_GCM": Profile(Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12, True),
    "SRTP_AEAD_AES_256_GCM": Profile(Policy.SRTP_PROFILE_AEAD_AES_256_GCM, 32, 12, True),
    "SRTP_AES128_CM_SHA1_80": Profile(Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14, False),
}

_REASONS = {
    "authentication failure": "srtp_auth",
    "replay check failed (bad index)": "srtp_replay",
    "replay check failed (index too old)": "srtp_replay_old",
    "error parsing data": "srtp_parse",
    "unspecified failure": "srtp_failed",
    "unsupported parameter": "srtp_parse",
}


@dataclass(frozen=True)
class SrtpKeys:
    """Master keys and salts of both directions; ``profile`` is a key of PROFILES. Never shown in a log."""

    profile: str
    local_key: bytes = field(repr=False)
    local_salt: bytes = field(repr=False)
    remote_key: bytes = field(repr=False)
    remote_salt: bytes = field(repr=False)


def _session(profile: Profile, key: bytes, salt: bytes, window: int, *, inbound: bool) -> Session:
    kind = Policy.SSRC_ANY_INBOUND if inbound else Policy.SSRC_ANY_OUTBOUND
    policy = Policy(key=key + salt, ssrc_type=kind, srtp_profile=profile.number)
    policy.window_size = window
    policy.allow_repeat_tx = not inbound
    return Session(policy)


def _malformed(error: Exception) -> MalformedPacket:
    """A pylibsrtp failure as ours: its errors are texts, too long a packet is a ValueError."""
    if isinstance(error, ValueError):
        return MalformedPacket("srtp_too_long")
    return MalformedPacket(_REASONS.get(str(error), "srtp_failed"))


class SrtpReceiver:
    """Opens what the peer sends. Roll-over counters and replay windows are libsrtp's."""

    def __init__(self, keys: SrtpKeys) -> None:
        profile = PROFILES[keys.profile]
        self._session = _session(profile, keys.remote_key, keys.remote_salt, REPLAY_WINDOW_PACKETS, inbound=True)
        self._unprotect = self._session.unprotect
        self._unprotect_rtcp = self._session.unprotect_rtcp
        self._ssrcs: dict[bytes, None] = {}

    def unprotect_rtp(self, data: bytes) -> bytes:
        """The plain packet; raises MalformedPacket: ``srtp_auth``, ``srtp_replay``, ``srtp_replay_old``,
        ``srtp_parse``, ``srtp_too_long``, ``srtp_too_short``, ``srtp_failed``."""
        if len(data) < _MIN_RTP_BYTES:
            raise MalformedPacket("srtp_too_short")
        try:
            plain = self._unprotect(data)
        except (pylibsrtp.Error, ValueError) as error:
            raise _malformed(error) from None
        ssrc = data[8:12]
        if ssrc not in self._ssrcs:
            self._note_ssrc(ssrc)
        return plain

    def unprotect_rtcp(self, data: bytes) -> bytes:
        """The plain compound packet; raises MalformedPacket as ``unprotect_rtp`` does."""
        if len(data) < _MIN_RTCP_BYTES:
            raise MalformedPacket("srtp_too_short")
        try:
            plain = self._unprotect_rtcp(data)
        except (pylibsrtp.Error, ValueError) as error:
            raise _malformed(error) from None
        ssrc = data[4:8]
        if ssrc not in self._ssrcs:
            self._note_ssrc(ssrc)
        return plain

    def _note_ssrc(self, ssrc: bytes) -> None:
        """libsrtp keeps a state for each SSRC for ever: the oldest is given up when a peer uses too many."""
        self._ssrcs[ssrc] = None
        if len(self._ssrcs) > MAX_SSRCS:
            oldest = next(iter(self._ssrcs))
            del self._ssrcs[oldest]
            try:
                self._session.remove_stream(int.from_bytes(oldest, "big"))
            except pylibsrtp.Error:
                return


class SrtpSender:
    """Seals what we send.

    ``ext_seq`` is the 48-bit packet index, ROC << 16 | SEQ (RFC 3711 section 3.3.1). An index of an SSRC must
    never be sealed twice with differing content: with AES-GCM that would give away both packets and the key of
    the authentication (RFC 7714 section 8.1). Sealing the same content again (a resend without RTX) is safe.

    For AES-GCM the hot path may seal by itself:
    ``header + seal((salt ^ (ssrc << 48 | ext_seq)).to_bytes(12, "big"), payload, header)``.
    With AES-CM ``seal`` is None, and an SSRC must begin with ROC 0 and a sequence number below 2**15, because
    libsrtp counts the roll-overs itself.
    """

    def __init__(self, keys: SrtpKeys) -> None:
        profile = PROFILES[keys.profile]
        self.seal: Seal | None = None
        self.salt = 0
        if profile.aead:
            key = derive(keys.local_key, keys.local_salt, _LABEL_RTP_KEY, profile.key_bytes)
            self.seal = AESGCM(key).encrypt
            self.salt = int.from_bytes(derive(keys.local_key, keys.local_salt, _LABEL_RTP_SALT, 12), "big")
        # With AES-GCM libsrtp seals RTCP only, which has a window of its own: the smallest will do.
        window = 64 if profile.aead else RESEND_WINDOW_PACKETS
        self._session = _session(profile, keys.local_key, keys.local_salt, window, inbound=False)

    def protect_rtp(self, header: bytes, payload: bytes, ssrc: int, ext_seq: int) -> bytes:
        """Seal one packet; ``header`` includes CSRCs and extensions. Raises MalformedPacket (AES-CM only)."""
        if self.seal is not None:
            return header + self.seal((self.salt ^ (ssrc << 48 | ext_seq)).to_bytes(12, "big"), payload, header)
        try:
            return self._session.protect(header + payload)
        except (pylibsrtp.Error, ValueError) as error:
            raise _malformed(error) from None

    def protect_rtcp(self, data: bytes) -> bytes:
        """Seal one compound packet, up to 1350 bytes; raises MalformedPacket('srtp_too_long')."""
        try:
            return self._session.protect_rtcp(data)
        except (pylibsrtp.Error, ValueError) as error:
            raise _malformed(error) from None


def derive(master_key: bytes, master_salt: bytes, label: int, size: int) -> bytes:
    """A session key or salt (RFC 3711 section 4.3.1, with the 96-bit salt of RFC 7714 section 11)."""
    # key_id is label || index / kdr with a derivation rate of 0; the salt is 112 bits, aligned to its left.
    salt = int.from_bytes(master_salt.ljust(14, b"\0"), "big") ^ label << 48
    counter = (salt << 16).to_bytes(16, "big")
    encryptor = Cipher(algorithms.AES(master_key), modes.CTR(counter)).encryptor()
    return encryptor.update(bytes(size)) + encryptor.finalize()
