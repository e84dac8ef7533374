"""What the tests of negotiation share: descriptions made by browsers, our side of the connection, checks of text."""

from __future__ import annotations

from pathlib import Path

from sfu.codecs.parameters import CodecParameters
from sfu.sdp.parse import parse_sdp
from sfu.sdp.types import LocalTransport, MediaSection, SessionDescription

FIXTURES = Path(__file__).parent / "fixtures"
BROWSERS = ("chromium", "firefox")
LOCAL = LocalTransport(
    ufrag="plen",
    pwd="p" * 24,
    fingerprints=[("sha-256", ":".join(["AB"] * 32))],
    candidates=[
        "candidate:1 1 udp 2130706431 192.0.2.1 10478 typ host",
        "candidate:2 1 tcp 1694498815 192.0.2.1 10478 typ host tcptype passive",
    ],
)
OPUS = CodecParameters("audio/opus", 48000, 2, {"minptime": "10", "useinbandfec": "1"})
VP8 = CodecParameters("video/VP8", 90000, 1, {})
VP9 = CodecParameters("video/VP9", 90000, 1, {"profile-id": "0"})
AV1 = CodecParameters("video/AV1", 90000, 1, {"level-idx": "5", "profile": "0", "tier": "0"})


def h264(profile_level_id: str = "42e01f", mode: str = "1") -> CodecParameters:
    parameters = {
        "level-asymmetry-allowed": "1",
        "packetization-mode": mode,
        "profile-level-id": profile_level_id,
    }
    return CodecParameters("video/H264", 90000, 1, parameters)


def fixture_text(name: str) -> str:
    """A browser's description as it wrote it, CRLF and all."""
    return (FIXTURES / f"{name}.sdp").read_bytes().decode()


def fixture(name: str) -> SessionDescription:
    return parse_sdp(fixture_text(name))


def sections(text: str) -> list[MediaSection]:
    return parse_sdp(text).sections


def version(text: str) -> int:
    return parse_sdp(text).session_version
