"""SRTP: our AES-GCM against libsrtp's, both ways, and what is refused."""

from __future__ import annotations

import os
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pylibsrtp import Policy, Session

from sfu.errors import MalformedPacket
from sfu.io.srtp import MAX_SSRCS, PROFILES, SrtpKeys, SrtpReceiver, SrtpSender, derive

GCM = ["SRTP_AEAD_AES_128_GCM", "SRTP_AEAD_AES_256_GCM"]
SSRC = 0xDEADBEEF


def make_keys(profile: str) -> tuple[SrtpKeys, SrtpKeys]:
    """Keys of the two ends."""
    sizes = PROFILES[profile]
    random = Random(7)
    ours, theirs = [(random.randbytes(sizes.key_bytes), random.randbytes(sizes.salt_bytes)) for _ in range(2)]
    return SrtpKeys(profile, *ours, *theirs), SrtpKeys(profile, *theirs, *ours)


def header(seq: int, *, extension: bytes = b"", ssrc: int = SSRC) -> bytes:
    first = 0x90 if extension else 0x80
    return bytes((first, 96)) + (seq & 0xFFFF).to_bytes(2, "big") + bytes(4) + ssrc.to_bytes(4, "big") + extension


EXTENSION = b"\xbe\xde\x00\x01\x10\x31\x32\x33"


def test_key_derivation_vectors() -> None:
    """RFC 3711 appendix B.3."""
    key = bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE4139")
    salt = bytes.fromhex("0EC675AD498AFEEBB6960B3AABE6")
    assert derive(key, salt, 0, 16).hex().upper() == "C61E7A93744F39EE10734AFE3FF7A087"
    assert derive(key, salt, 2, 14).hex().upper() == "30CBBC08863D8C85D49DB34A9AE1"


@pytest.mark.parametrize("profile", PROFILES)
def test_both_ways(profile: str) -> None:
    ours, theirs = make_keys(profile)
    sender, receiver = SrtpSender(ours), SrtpReceiver(theirs)
    for seq, size, extension in [(1, 0, b""), (2, 1, b""), (3, 1100, EXTENSION), (9, 333, EXTENSION), (5, 10, b"")]:
        payload = os.urandom(size)
        sealed = sender.protect_rtp(header(seq, extension=extension), payload, SSRC, seq)
        assert receiver.unprotect_rtp(sealed) == header(seq, extension=extension) + payload
    report = b"\x81\xc9\x00\x01" + SSRC.to_bytes(4, "big")
    assert receiver.unprotect_rtcp(sender.protect_rtcp(report)) == report


@pytest.mark.parametrize("profile", GCM)
@pytest.mark.parametrize("extension", [b"", EXTENSION])
def test_gcm_is_byte_for_byte_what_libsrtp_makes(profile: str, extension: bytes) -> None:
    keys, _ = make_keys(profile)
    policy = Policy(keys.local_key + keys.local_salt, Policy.SSRC_ANY_OUTBOUND, 0, PROFILES[profile].number)
    theirs, ours = Session(policy), SrtpSender(keys)
    for ext_seq in range(60_000, 72_000, 500):  # over the wrap of the sequence number
        head = header(ext_seq, extension=extension)
        payload = os.urandom(ext_seq % 97)
        assert ours.protect_rtp(head, payload, SSRC, ext_seq) == theirs.protect(head + payload)


@pytest.mark.parametrize("profile", PROFILES)
def test_roll_over(profile: str) -> None:
    """The receiver follows ROC 0 → 1 → 2; with AES-CM libsrtp counts on both ends."""
    ours, theirs = make_keys(profile)
    sender, receiver = SrtpSender(ours), SrtpReceiver(theirs)
    for ext_seq in range(20_000, 200_000, 7_001):
        sealed = sender.protect_rtp(header(ext_seq), b"payload", SSRC, ext_seq)
        assert receiver.unprotect_rtp(sealed).endswith(b"payload")


def test_seal_by_hand_is_the_documented_formula() -> None:
    ours, theirs = make_keys(GCM[0])
    sender = SrtpSender(ours)
    assert sender.seal is not None
    head, ext_seq = header(77), 77
    nonce = (sender.salt ^ (SSRC << 48 | ext_seq)).to_bytes(12, "big")
    assert SrtpReceiver(theirs).unprotect_rtp(head + sender.seal(nonce, b"abc", head)) == head + b"abc"


@pytest.mark.parametrize("profile", PROFILES)
def test_the_same_packet_may_be_sealed_again(profile: str) -> None:
    """A resend without RTX."""
    sender = SrtpSender(make_keys(profile)[0])
    first = sender.protect_rtp(header(5), b"abc", SSRC, 5)
    for seq in range(6, 3000):
        sender.protect_rtp(header(seq), b"abc", SSRC, seq)
    assert sender.protect_rtp(header(5), b"abc", SSRC, 5) == first


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda p: p[:-1] + bytes([p[-1] ^ 1]), "srtp_auth"),
        (lambda p: p[:13] + bytes([p[13] ^ 1]) + p[14:], "srtp_auth"),
        (lambda p: p[:11], "srtp_too_short"),
        (lambda p: p + bytes(1500), "srtp_too_long"),
        (lambda p: b"", "srtp_too_short"),
    ],
)
def test_refused(profile: str, change: object, reason: str) -> None:
    ours, theirs = make_keys(profile)
    sealed = SrtpSender(ours).protect_rtp(header(1), b"payload", SSRC, 1)
    with pytest.raises(MalformedPacket) as caught:
        SrtpReceiver(theirs).unprotect_rtp(change(sealed))  # type: ignore[operator]
    assert caught.value.reason == reason


@pytest.mark.parametrize("profile", PROFILES)
def test_replay(profile: str) -> None:
    ours, theirs = make_keys(profile)
    sender, receiver = SrtpSender(ours), SrtpReceiver(theirs)
    sealed = [sender.protect_rtp(header(seq), b"payload", SSRC, seq) for seq in range(2000)]
    for packet in (sealed[0], sealed[1999]):
        receiver.unprotect_rtp(packet)
    for packet, reason in ((sealed[1999], "srtp_replay"), (sealed[5], "srtp_replay_old")):
        with pytest.raises(MalformedPacket) as caught:
            receiver.unprotect_rtp(packet)
        assert caught.value.reason == reason


def test_too_long_to_send() -> None:
    sender = SrtpSender(make_keys("SRTP_AES128_CM_SHA1_80")[0])
    with pytest.raises(MalformedPacket, match="srtp_too_long"):
        sender.protect_rtp(header(1), bytes(1400), SSRC, 1)
    with pytest.raises(MalformedPacket, match="srtp_too_long"):
        sender.protect_rtcp(b"\x80\xc9" + bytes(1400))


def test_a_peer_with_ever_new_ssrcs_costs_bounded_memory() -> None:
    ours, theirs = make_keys(GCM[0])
    sender, receiver = SrtpSender(ours), SrtpReceiver(theirs)
    for ssrc in range(1, 3 * MAX_SSRCS):
        receiver.unprotect_rtp(sender.protect_rtp(header(1, ssrc=ssrc), b"x", ssrc, 1))
    assert len(receiver._ssrcs) == MAX_SSRCS
    newest = 3 * MAX_SSRCS - 1
    with pytest.raises(MalformedPacket, match="srtp_replay"):
        receiver.unprotect_rtp(sender.protect_rtp(header(1, ssrc=newest), b"x", newest, 1))


def test_keys_are_not_shown() -> None:
    keys, _ = make_keys(GCM[0])
    assert repr(keys) == "SrtpKeys(profile='SRTP_AEAD_AES_128_GCM')"


RECEIVERS = [SrtpReceiver(make_keys(profile)[1]) for profile in PROFILES]


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda tail: header(1) + tail))
def test_any_bytes_are_refused(data: bytes) -> None:
    for receiver in RECEIVERS:
        for unprotect in (receiver.unprotect_rtp, receiver.unprotect_rtcp):
            with pytest.raises(MalformedPacket):
                unprotect(data)
