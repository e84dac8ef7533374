"""What the tests of negotiation share: descriptions made by browsers, our side of the connection, checks of text."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sfu.codecs.parameters import CodecParameters
from sfu.errors import NegotiationError
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


@contextmanager
def fails_at_most_by_negotiation() -> Iterator[None]:
    """A peer's broken text may be refused, by the code meant for that, and do nothing worse."""
    try:
        yield
    except NegotiationError as error:
        if error.code not in ("invalid_sdp", "not_supported"):
            raise


def version(text: str) -> int:
    return parse_sdp(text).session_version


def break_text(text: str, rng: random.Random) -> str:
    """Lines lost, doubled or moved, characters changed, words cut."""
    lines = text.split("\r\n")
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(lines))
        line = lines[at]
        match rng.randrange(5):
            case 0:
                del lines[at]
            case 1:
                lines.insert(rng.randrange(len(lines)), line)
            case 2 if line:
                cut = rng.randrange(len(line))
                lines[at] = line[:cut] + rng.choice("\x00\r ;:=/,~-9é𝟗" + chr(0xD800)) + line[cut + 1 :]
            case 3 if line:
                lines[at] = line[: rng.randrange(len(line))]
            case 4 if ":" in line:
                lines[at] = line[: line.index(":") + 1] + rng.choice(["", "0", "-1", "1" * 30, "a" * 2000, "* *"])
        lines = lines or [""]
    return "\r\n".join(lines)
