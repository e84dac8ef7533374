"""Answers to publishing clients: what is accepted of real offers, and what must stay from one offer to the next."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from sfu.errors import NegotiationError
from sfu.rtp.extensions import Uri
from sfu.sdp.capabilities import build_capabilities
from sfu.sdp.parse import parse_sdp
from sfu.sdp.receive import ReceiveBook
from sfu.sdp.types import EncodingSpec, ReceiveResult
from tests.unit.sdp.descriptions import (
    BROWSERS,
    LOCAL,
    break_text,
    fails_at_most_by_negotiation,
    fixture,
    fixture_text,
    sections,
    version,
)

CAPS = build_capabilities()


def answer(text: str, book: ReceiveBook | None = None, **capabilities: object) -> ReceiveResult:
    caps = build_capabilities(**capabilities)  # type: ignore[arg-type]
    return (book or ReceiveBook()).answer(parse_sdp(text), LOCAL, caps)


@pytest.mark.parametrize("browser", BROWSERS)
def test_a_first_offer(browser: str) -> None:
    result = answer(fixture_text(f"{browser}_publish"))
    description = parse_sdp(result.answer_text)
    assert description.ice_lite
    assert description.bundle == ("0", "1")
    assert "a=msid-semantic" in result.answer_text
    audio, video = description.sections
    assert (audio.kind, audio.port, audio.direction, audio.setup) == ("audio", 9, "recvonly", "passive")
    assert audio.candidates == list(LOCAL.candidates)
    assert audio.end_of_candidates
    assert (video.candidates, video.end_of_candidates) == ([], False)
    assert (video.ice_ufrag, video.ice_pwd, video.fingerprints) == (LOCAL.ufrag, LOCAL.pwd, tuple(LOCAL.fingerprints))
    assert all(s.rtcp_mux and s.rtcp_rsize for s in (video,))
    assert [codec.parameters.mime for codec in video.codecs] == ["video/VP8"]
    assert video.codecs[0].feedback == {"nack", "nack pli", "ccm fir", "transport-cc"}
    assert audio.codecs[0].feedback == {"transport-cc"}
    assert audio.codecs[0].parameters.fmtp.items() >= {("minptime", "10"), ("useinbandfec", "1")}

    microphone, camera = result.sections
    assert (microphone.active, camera.active) == (True, True)
    assert microphone.extensions.keys() >= {Uri.MID, Uri.AUDIO_LEVEL, Uri.TRANSPORT_CC}
    assert camera.extensions.keys() >= {Uri.MID, Uri.TRANSPORT_CC}
    assert not camera.extensions.keys() & {Uri.PLAYOUT_DELAY, Uri.VIDEO_TIMING, Uri.COLOR_SPACE, Uri.TOFFSET}
    (encoding,) = camera.encodings
    assert encoding.rid is None
    assert encoding.ssrc is not None
    assert encoding.rtx_ssrc is not None
    assert microphone.encodings[0].rtx_ssrc is None
    assert camera.msid is not None
    assert camera.cname == microphone.cname != ""
    assert result.remote.setup == "active"
    assert result.data_channel is None
    assert not result.ice_restart


@pytest.mark.parametrize(
    ("codecs", "profile"),
    [
        (["VP8"], {}),
        (["VP9", "VP8"], {"profile-id": "0"}),
        (["AV1"], {"level-idx": "5", "profile": "0", "tier": "0"}),
        (["H264"], {"level-asymmetry-allowed": "1", "packetization-mode": "1", "profile-level-id": "42e01f"}),
    ],
)
def test_the_settings_choose_the_codec(codecs: list[str], profile: dict[str, str]) -> None:
    result = answer(fixture_text("chromium_publish"), video_codecs=codecs)
    codec = result.sections[1].codec
    assert codec.parameters.name == codecs[0]
    assert dict(codec.parameters.fmtp) == profile
    assert codec.rtx_payload_type is not None
    assert sections(result.answer_text)[1].codecs[0].payload_type == codec.payload_type


@pytest.mark.parametrize("browser", BROWSERS)
def test_simulcast_is_mirrored(browser: str) -> None:
    result = answer(fixture_text(f"{browser}_simulcast"))
    assert result.sections[0].encodings == tuple(EncodingSpec(rid=rid) for rid in "qhf")
    (section,) = sections(result.answer_text)
    assert section.simulcast is not None
    assert section.simulcast.recv == (("q",), ("h",), ("f",))
    assert [(rid.rid, rid.direction) for rid in section.rids] == [("q", "recv"), ("h", "recv"), ("f", "recv")]
    assert result.sections[0].extensions.keys() >= {Uri.RID, Uri.RRID, Uri.DEPENDENCY_DESCRIPTOR}
    sender_only = section.extension_directions
    assert set(sender_only.values()) == ({"recvonly"} if browser == "firefox" else set())


def test_rids_that_cannot_carry_the_codec_are_left_out() -> None:
    text = fixture_text("chromium_simulcast").replace("a=rid:h send", "a=rid:h send pt=98")
    assert [encoding.rid for encoding in answer(text).sections[0].encodings] == ["q", "f"]
    assert [encoding.rid for encoding in answer(text, video_codecs=["VP9"]).sections[0].encodings] == ["q", "h", "f"]


@pytest.mark.parametrize("browser", BROWSERS)
def test_a_data_channel(browser: str) -> None:
    result = answer(fixture_text(f"{browser}_data_channel"), max_message_size=70000)
    assert result.data_channel is not None
    assert (result.data_channel.sctp_port, result.data_channel.max_message_size > 65536) == (5000, True)
    data = next(s for s in sections(result.answer_text) if s.kind == "application")
    assert (data.sctp_port, data.max_message_size, data.formats) == (5000, 70000, ("webrtc-datachannel",))
    assert [s.kind for s in result.sections] == ["audio", "video"]


@pytest.mark.parametrize("browser", BROWSERS)
def test_sections_come_and_go(browser: str) -> None:
    book = ReceiveBook()
    texts = [
        answer(fixture_text(f"{browser}_{name}"), book)
        for name in ("publish", "screen_added", "screen_added", "screen_stopped")
    ]
    assert [[s.mid for s in result.sections] for result in texts] == [
        ["0", "1"],
        ["0", "1", "2"],
        ["0", "1", "2"],
        ["0", "1"],
    ]
    assert [version(result.answer_text) for result in texts] == [1, 2, 2, 3]
    assert {parse_sdp(result.answer_text).session_id for result in texts} == {
        parse_sdp(texts[0].answer_text).session_id
    }
    last = parse_sdp(texts[-1].answer_text)
    assert [section.port for section in last.sections] == [9, 9, 0]
    assert last.bundle == ("0", "1")
    assert book.bundle == [("0", "audio"), ("1", "video")]


def test_the_place_of_an_ended_section_may_get_another_mid_and_kind() -> None:
    book = ReceiveBook()
    for name in ("publish", "screen_added", "screen_stopped"):
        answer(fixture_text(f"chromium_{name}"), book)
    again = fixture_text("chromium_screen_added").replace("BUNDLE 0 1 2", "BUNDLE 0 1 9").replace("a=mid:2", "a=mid:9")
    assert [s.mid for s in answer(again, book).sections] == ["0", "1", "9"]


def test_living_sections_cannot_change_and_the_book_survives_the_attempt() -> None:
    book = ReceiveBook()
    first = answer(fixture_text("chromium_screen_added"), book)
    for broken in (
        fixture_text("chromium_publish"),  # fewer sections
        fixture_text("chromium_screen_added").replace("BUNDLE 0 1 2", "BUNDLE 0 1 9").replace("a=mid:2", "a=mid:9"),
    ):
        with pytest.raises(NegotiationError, match="section"):
            answer(broken, book)
    assert answer(fixture_text("chromium_screen_added"), book).answer_text == first.answer_text


@pytest.mark.parametrize(
    ("offered", "answered", "active"),
    [("sendrecv", "recvonly", True), ("recvonly", "inactive", False), ("inactive", "inactive", False)],
)
def test_directions(offered: str, answered: str, active: bool) -> None:
    result = answer(fixture_text("chromium_publish").replace("a=sendonly", f"a={offered}"))
    assert {section.direction for section in sections(result.answer_text)} == {answered}
    assert {section.active for section in result.sections} == {active}


@pytest.mark.parametrize(
    ("offered", "ours", "theirs"),
    [("actpass", "passive", "active"), ("active", "passive", "active"), ("passive", "active", "passive")],
)
def test_we_are_the_dtls_server_where_we_may(offered: str, ours: str, theirs: str) -> None:
    result = answer(fixture_text("chromium_publish").replace("a=setup:actpass", f"a=setup:{offered}"))
    assert {section.setup for section in sections(result.answer_text)} == {ours}
    assert result.remote.setup == theirs


def test_the_dtls_role_stays() -> None:
    text = fixture_text("chromium_publish")
    book = ReceiveBook()
    answer(text.replace("a=setup:actpass", "a=setup:passive"), book)
    assert answer(text, book).remote.setup == "passive"
    with pytest.raises(NegotiationError, match="roles"):
        answer(text.replace("a=setup:actpass", "a=setup:active"), book)


def test_an_ice_restart_is_seen_before_and_after_it_is_answered() -> None:
    book = ReceiveBook()
    offer = fixture("chromium_publish")
    assert not book.is_ice_restart(offer)
    book.answer(offer, LOCAL, CAPS)
    assert not book.is_ice_restart(offer)
    for section in offer.sections:
        section.ice_ufrag = "newu"
    assert book.is_ice_restart(offer)
    result = book.answer(offer, replace(LOCAL, ufrag="mine"), CAPS)
    assert result.ice_restart
    assert result.remote.ufrag == "newu"
    assert not book.is_ice_restart(offer)


def test_red_is_preferred_when_it_is_wanted() -> None:
    result = answer(fixture_text("chromium_publish"), audio_red=True)
    assert [codec.payload_type for codec in sections(result.answer_text)[0].codecs] == [63, 111]
    assert result.sections[0].codec.red_payload_type == 63
    assert result.sections[0].codec.payload_type == 111
    other = fixture_text("chromium_publish").replace("a=fmtp:63 111/111", "a=fmtp:63 9/111")
    assert answer(other, audio_red=True).sections[0].codec.red_payload_type is None


@pytest.mark.parametrize(
    ("offered", "opus_dtx", "answered"),
    [
        (";maxaveragebitrate=9", True, {"usedtx": "1"}),
        ("", False, {}),
        (";stereo=1", True, {"stereo": "1"}),
        (";stereo=1;sprop-stereo=1", False, {"stereo": "1", "sprop-stereo": "1"}),
    ],
    ids=["voice", "not wanted", "music", "music, not wanted"],
)
def test_opus_parameters(offered: str, opus_dtx: bool, answered: dict[str, str]) -> None:
    text = fixture_text("chromium_publish").replace("useinbandfec=1", "useinbandfec=1" + offered)
    (audio, _) = sections(answer(text, opus_dtx=opus_dtx).answer_text)
    assert dict(audio.codecs[0].parameters.fmtp) == {"minptime": "10", "useinbandfec": "1", **answered}


def test_remb_serves_a_client_without_transport_wide_numbers() -> None:
    text = "\r\n".join(line for line in fixture_text("chromium_publish").split("\r\n") if Uri.TRANSPORT_CC not in line)
    feedback = answer(text).sections[1].codec.feedback
    assert "goog-remb" in feedback
    assert "transport-cc" not in feedback


def test_an_id_keeps_its_sense_in_the_bundle() -> None:
    offer = fixture("chromium_publish")
    taken = next(number for number, uri in offer.sections[0].extensions.items() if uri == Uri.AUDIO_LEVEL)
    offer.sections[1].extensions[taken] = Uri.VIDEO_ORIENTATION
    result = ReceiveBook().answer(offer, LOCAL, CAPS)
    assert taken not in result.sections[1].extensions.values()


def test_encodings_by_ssrc_groups() -> None:
    offer = fixture("firefox_simulcast")
    (section,) = offer.sections
    section.rids, section.simulcast = [], None
    media = tuple(group.ssrcs[0] for group in section.ssrc_groups)
    resends = tuple(group.ssrcs[1] for group in section.ssrc_groups)
    (received,) = ReceiveBook().answer(offer, LOCAL, CAPS).sections
    assert received.encodings == (EncodingSpec(None, media[0], resends[0]),)
    section.ssrc_groups.append(replace(section.ssrc_groups[0], semantics="SIM", ssrcs=media))
    (received,) = ReceiveBook().answer(offer, LOCAL, CAPS).sections
    assert received.encodings == tuple(EncodingSpec(None, *pair) for pair in zip(media, resends, strict=True))
    section.ssrcs, section.ssrc_groups = {}, []
    (received,) = ReceiveBook().answer(offer, LOCAL, CAPS).sections
    assert received.encodings == (EncodingSpec(),)


def test_what_cannot_be_received_is_refused_but_the_owner_of_the_connection_stays() -> None:
    result = answer(fixture_text("chromium_publish"), video_codecs=[])
    assert [section.port for section in sections(result.answer_text)] == [9, 0]
    assert parse_sdp(result.answer_text).bundle == ("0",)
    result = answer(fixture_text("chromium_publish"), audio_codecs=[])
    assert [(s.port, s.direction) for s in sections(result.answer_text)] == [(9, "inactive"), (9, "recvonly")]
    assert [section.kind for section in result.sections] == ["video"]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("a=rtcp-mux", "a=x", "not_supported"),
        ("a=group:BUNDLE 0 1", "a=x", "not_supported"),
        ("m=audio 9", "m=text 9", "not_supported"),
        ("a=group:BUNDLE", "a=ice-lite\r\na=group:BUNDLE", "not_supported"),
        ("a=setup:actpass", "a=setup:holdconn", "not_supported"),
        ("a=ice-ufrag:", "a=x:", "invalid_sdp"),
        ("a=fingerprint:", "a=x:", "invalid_sdp"),
    ],
)
def test_offers_that_cannot_be(old: str, new: str, code: str) -> None:
    text = (
        fixture_text("chromium_publish")
        .replace(old, new)
        .replace("m=video 9", "m=video 0" if "m=" in old else "m=video 9")
    )
    with pytest.raises(NegotiationError) as caught:
        answer(text)
    assert caught.value.code == code


def test_one_section_needs_neither_group_nor_mid() -> None:
    lines = fixture_text("chromium_simulcast").split("\r\n")
    text = "\r\n".join(line for line in lines if not line.startswith(("a=group", "a=mid")))
    result = answer(text)
    assert result.sections[0].mid == ""
    assert "a=group" not in result.answer_text
    assert "a=mid" not in result.answer_text


def test_one_ssrc_cannot_be_two_streams() -> None:
    offer = fixture("chromium_screen_added")
    offer.sections[2].ssrcs = offer.sections[1].ssrcs
    offer.sections[2].ssrc_groups = offer.sections[1].ssrc_groups
    with pytest.raises(NegotiationError, match="two streams"):
        ReceiveBook().answer(offer, LOCAL, CAPS)


def test_broken_offers_raise_nothing_else_and_answers_can_be_read() -> None:
    rng = random.Random(7)
    for index in range(150):
        book = ReceiveBook()
        for name in ("publish", "screen_added"):
            text = break_text(fixture_text(f"{BROWSERS[index % 2]}_{name}"), rng)
            with fails_at_most_by_negotiation():
                parse_sdp(answer(text, book, audio_red=True).answer_text)
