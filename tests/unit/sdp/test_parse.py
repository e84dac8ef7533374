"""Reading and writing descriptions: tables of what is refused, properties over what is written, and broken text."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.errors import NegotiationError
from sfu.sdp.capabilities import FIXED_CODECS
from sfu.sdp.parse import MAX_SECTIONS, MAX_TEXT_CHARS, KnownSections, parse_sdp
from sfu.sdp.types import MediaSection, Rid, SessionDescription, Simulcast, SsrcGroup
from sfu.sdp.write import formats_of, write_sdp
from tests.unit.sdp.descriptions import FIXTURES, break_text, fails_at_most_by_negotiation, fixture, fixture_text

HEAD = "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
AUDIO = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"


def section(*attributes: str, media: str = AUDIO) -> MediaSection:
    return parse_sdp(HEAD + media + "".join(f"a={line}\r\n" for line in attributes)).sections[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1"),
        ("v=1\r\n", "line 1"),
        ("v=0\r\n", "no o= line"),
        ("v=0\r\no=- x 1 IN IP4 0\r\n", "line 2: not a number"),
        ("v=0\r\no=- 1\r\n", "six fields"),
        (HEAD + "hello\r\n", "line 5: no <type>=<value>"),
        (HEAD + "a=x\ry\r\n", "control characters"),
        (HEAD + "a=\x00\r\n", "control characters"),
        (HEAD + "m=audio 9 RTP/AVP\r\n", "line 5: m= has"),
        (HEAD + "m=audio 65536 RTP/AVP 0\r\n", "above 65535"),
        (HEAD + "m=audio -1 RTP/AVP 0\r\n", "not a number"),
        (HEAD + "m=audio ٣ RTP/AVP 0\r\n", "not a number"),
        (HEAD + "m=audio 9 UDP/TLS/RTP/SAVPF 200\r\n", "above 127"),
        (HEAD + "m=audio 9 UDP/TLS/RTP/SAVPF x\r\n", "not a number"),
        (HEAD + AUDIO + "a=mid:two words\r\n", "line 6: not a token"),
        (HEAD + AUDIO + "a=mid:" + "1" * 65 + "\r\n", "not a token"),
        (HEAD + AUDIO + "a=rtpmap:111 opus/0/2\r\n", "zero"),
        (HEAD + AUDIO + "a=rtpmap:111 opus\r\n", "not a number"),
        (HEAD + AUDIO + "a=extmap:1\r\n", "extmap"),
        (HEAD + AUDIO + "a=ssrc:4294967296 cname:x\r\n", "above"),
        (HEAD + AUDIO + "a=ice-ufrag:abc\r\n", "user name fragment"),
        (HEAD + AUDIO + "a=ice-pwd:short\r\n", "password"),
        (HEAD + AUDIO + "a=fingerprint:sha-256 AB:CD\r\n", "fingerprint"),
        (HEAD + AUDIO + "a=setup:perhaps\r\n", "setup"),
        (HEAD + AUDIO + "a=rid:a both\r\n", "rid"),
        (HEAD + AUDIO + "a=rid:\r\n", "rid"),
        (HEAD + AUDIO + "a=rid:é send\r\n", "not a RID"),
        (HEAD + AUDIO + "a=simulcast:send\r\n", "zip"),
        (HEAD + AUDIO + "a=simulcast:send a send b\r\n", "each once"),
        (HEAD + AUDIO + "a=sctp-port:0\r\n", "zero"),
        (HEAD + "a=group:BUNDLE 0\r\n" + AUDIO, "mid that no section has"),
        (HEAD + (AUDIO + "a=mid:0\r\n") * 2, "same mid"),
        (HEAD + AUDIO * (MAX_SECTIONS + 1), "more than 256"),
        (HEAD + "a" * MAX_TEXT_CHARS, "longer"),
    ],
)
def test_refuses(text: str, says: str) -> None:
    with pytest.raises(NegotiationError) as caught:
        parse_sdp(text)
    assert caught.value.code == "invalid_sdp"
    assert says in caught.value.message


def test_lines_may_end_in_lf_and_unknown_ones_are_skipped() -> None:
    text = (HEAD + "b=AS:1\r\na=hello:world\r\na=\r\n\r\n" + AUDIO + "i=x\r\na=ptime:20\r\n").replace("\r\n", "\n")
    assert parse_sdp(text) == parse_sdp(HEAD + AUDIO)


def test_the_session_level_holds_for_sections_that_say_nothing() -> None:
    fingerprint = "fingerprint:sha-256 " + ":".join(["0a"] * 32)
    common = f"a=ice-ufrag:abcd\r\na=ice-pwd:{'x' * 22}\r\na={fingerprint}\r\na=setup:active\r\na=sendonly\r\n"
    own = "a=ice-ufrag:efgh\r\na=recvonly\r\na=setup:passive\r\n"
    first, second = parse_sdp(HEAD + common + "a=extmap:3/sendonly urn:x\r\n" + AUDIO + AUDIO + own).sections
    assert (first.ice_ufrag, first.ice_pwd, first.setup, first.direction) == ("abcd", "x" * 22, "active", "sendonly")
    assert (second.ice_ufrag, second.ice_pwd, second.setup, second.direction) == (
        "efgh",
        "x" * 22,
        "passive",
        "recvonly",
    )
    assert first.fingerprints == second.fingerprints == (("sha-256", ":".join(["0A"] * 32)),)
    assert second.extensions == {3: "urn:x"}
    assert second.extension_directions == {3: "sendonly"}


def test_payload_types_are_put_together() -> None:
    video = section(
        "fmtp:97 apt=96",
        "rtcp-fb:* transport-cc",
        "rtpmap:97 rtx/90000",
        "rtcp-fb:96 nack  PLI",
        "rtpmap:96 vp8/90000",
        "rtpmap:98 H264/90000",
        "fmtp:98 Profile-Level-Id=42e01f; packetization-mode=1",
        "rtpmap:99 telephone-event/8000",
        "fmtp:99 0-15",
        media="m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99 100\r\n",
    )
    vp8, h264, events = video.codecs
    assert (vp8.payload_type, vp8.parameters.mime, vp8.rtx_payload_type) == (96, "video/VP8", 97)
    assert vp8.feedback == {"transport-cc", "nack pli"}
    assert h264.parameters.fmtp == {"profile-level-id": "42e01f", "packetization-mode": "1"}
    assert h264.rtx_payload_type is None
    assert events.parameters.fmtp == {"0-15": ""}


def test_bundle_only_is_not_a_refusal() -> None:
    assert section("bundle-only", media="m=audio 0 UDP/TLS/RTP/SAVPF 111\r\n").rejected is False
    assert section(media="m=audio 0 UDP/TLS/RTP/SAVPF 111\r\n").rejected is True


def test_simulcast_keeps_alternatives_without_marks_of_pause() -> None:
    assert section("simulcast:send a,~b;~c recv d").simulcast == Simulcast((("a", "b"), ("c",)), (("d",),))


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.sdp")), ids=lambda path: path.stem)
def test_what_a_browser_wrote_survives_being_written_again(path: Any) -> None:
    description = fixture(path.stem)
    assert parse_sdp(write_sdp(description)) == with_formats_of_codecs(description)


def with_formats_of_codecs(description: SessionDescription) -> SessionDescription:
    """Formats without a codec that we know (another codec's resends, static ones) are not written again."""
    for one in description.sections:
        one.formats = formats_of(one.codecs) or one.formats
    return description


names = st.text("abcdefgh0123456789", min_size=1, max_size=8)
numbers = st.integers(0, 2**32 - 1)
rids = st.lists(names, min_size=1, max_size=3, unique=True)


@st.composite
def media_sections(draw: st.DrawFn) -> MediaSection:
    kind = draw(st.sampled_from(["audio", "video"]))
    pool = [codec for codec in FIXED_CODECS if codec.parameters.kind == kind]
    codecs = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=4, unique_by=lambda codec: codec.payload_type))
    streams = draw(rids)
    return MediaSection(
        kind=kind,
        port=draw(st.sampled_from([0, 9, 50000])),
        codecs=codecs,
        formats=formats_of(codecs),
        direction=draw(st.sampled_from(["sendrecv", "sendonly", "recvonly", "inactive"])),
        extensions=draw(st.dictionaries(st.integers(1, 255), names, max_size=3)),
        ssrcs=draw(st.dictionaries(numbers, st.dictionaries(names, names, min_size=1, max_size=2), max_size=3)),
        ssrc_groups=[SsrcGroup("FID", (draw(numbers), draw(numbers)))],
        msid=draw(st.none() | st.tuples(names, names)),
        rids=[Rid(rid, "recv", draw(st.sampled_from(["", "pt=96;max-width=640"]))) for rid in streams],
        simulcast=draw(st.none() | st.just(Simulcast(recv=tuple((rid,) for rid in streams)))),
        ice_ufrag=draw(st.none() | st.just("abcd")),
        ice_pwd=draw(st.none() | st.just("x" * 22)),
        ice_options=draw(st.sampled_from([(), ("ice2", "trickle")])),
        fingerprints=draw(st.sampled_from([(), (("sha-256", ":".join(["0A"] * 32)),)])),
        setup=draw(st.sampled_from([None, "actpass", "active", "passive"])),
        candidates=draw(st.lists(names.map(lambda name: f"candidate:{name}"), max_size=2)),
        end_of_candidates=draw(st.booleans()),
        rtcp_mux=draw(st.booleans()),
        rtcp_rsize=draw(st.booleans()),
        bundle_only=draw(st.booleans()),
    )


@st.composite
def session_descriptions(draw: st.DrawFn) -> SessionDescription:
    sections = draw(st.lists(media_sections(), max_size=4))
    for index, one in enumerate(sections):
        one.mid = str(index)
    return SessionDescription(
        session_id=str(draw(st.integers(0, 2**62))),
        session_version=draw(numbers),
        sections=sections,
        bundle=draw(st.none() | st.just(tuple(one.mid for one in sections))),
        ice_lite=draw(st.booleans()),
        extmap_allow_mixed=draw(st.booleans()),
        msid_semantic=draw(st.booleans()),
    )


@given(session_descriptions())
@settings(max_examples=60, deadline=None)
def test_reading_reverses_writing(description: SessionDescription) -> None:
    text = write_sdp(description)
    assert parse_sdp(text) == description
    assert text.endswith("\r\n")
    assert "\n" not in text.replace("\r\n", "")


@given(st.text(max_size=300) | st.text("vosmac=:-/ 019\r\n", max_size=300).map(lambda text: HEAD + text))
@settings(max_examples=150, deadline=None)
def test_no_text_raises_anything_else(text: str) -> None:
    with fails_at_most_by_negotiation():
        parse_sdp(text)


def test_broken_descriptions_raise_nothing_else() -> None:
    rng = random.Random(5)
    outcomes = {broken_outcome(fixture_text("chromium_simulcast"), rng) for _ in range(200)}
    assert outcomes == {True, False}, "some survive, some do not"


def broken_outcome(text: str, rng: random.Random) -> bool:
    try:
        parse_sdp(break_text(text, rng))
    except NegotiationError:
        return False
    return True


def outcome(text: str, known: KnownSections | None = None) -> SessionDescription | str:
    try:
        return parse_sdp(text, known)
    except NegotiationError as error:
        return f"{error.code}: {error.message}"


def test_what_is_known_already_is_read_as_if_it_were_new() -> None:
    rng = random.Random(7)
    whole = fixture_text("chromium_simulcast")
    known = KnownSections()
    for _ in range(300):
        text = break_text(whole, rng) if rng.random() < 0.7 else whole
        assert outcome(text, known) == outcome(text)
    section = AUDIO + "a=ice-lite\r\no=- 5 5 IN IP4 0.0.0.0\r\n"
    for text in (HEAD + section, HEAD + section * (MAX_SECTIONS + 1), "v=0\r\n" + section, HEAD + section):
        assert outcome(text, known) == outcome(text)


def test_sections_that_come_again_are_not_read_again() -> None:
    known = KnownSections()
    audio, video = AUDIO + "a=mid:0\r\n", "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n"
    first = parse_sdp(HEAD + "a=group:BUNDLE 0\r\n" + audio, known)
    second = parse_sdp(HEAD.replace("1 2", "1 3") + "a=group:BUNDLE 0 1\r\n" + audio + video, known)
    assert second.sections[0] is first.sections[0]
    assert (second.session_version, second.bundle, len(second.sections)) == (3, ("0", "1"), 2)
    third = parse_sdp(HEAD + "a=recvonly\r\n" + audio, known)
    assert third.sections[0].direction == "recvonly", "what the session says holds for it"
    assert len(known._sections) == 1
    with pytest.raises(NegotiationError, match="line 8: not a token"):
        parse_sdp(HEAD + "a=recvonly\r\n" + audio + "a=mid:two words\r\n", known)
