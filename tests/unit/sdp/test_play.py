"""Answers to WHEP players."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from sfu.errors import NegotiationError
from sfu.rtp.extensions import Uri
from sfu.sdp.capabilities import build_capabilities
from sfu.sdp.parse import parse_sdp
from sfu.sdp.send import SendBook
from sfu.sdp.types import PlayResult, SendTrack
from tests.unit.sdp.descriptions import (
    BROWSERS,
    LOCAL,
    OPUS,
    VP8,
    VP9,
    break_text,
    fails_at_most_by_negotiation,
    fixture_text,
    h264,
    sections,
)

CAPS = build_capabilities()
AUDIO = SendTrack("a", "audio", OPUS, 11, cname="c", msid_stream="s", msid_track="ta")
VIDEO = SendTrack("v", "video", VP8, 21, 22, cname="c", msid_stream="s", msid_track="tv")


def play(name: str, *tracks: SendTrack) -> PlayResult:
    return SendBook().play(fixture_text(name), tracks, LOCAL, CAPS)


def test_a_plain_player() -> None:
    result = play("plain_play", VIDEO, AUDIO)
    audio, video = sections(result.answer_text)
    assert (audio.direction, audio.setup, audio.msid, audio.codecs[0].payload_type) == (
        "sendonly",
        "passive",
        ("s", "ta"),
        109,
    )
    assert (video.codecs[0].payload_type, video.codecs[0].rtx_payload_type) == (120, 121)
    assert set(video.ssrcs) == {21, 22}
    first, second = result.sections
    assert (first.track_key, first.payload_type, first.extensions) == ("a", 109, {Uri.MID: 1, Uri.AUDIO_LEVEL: 2})
    assert (second.track_key, second.payload_type, second.rtx_payload_type) == ("v", 120, 121)
    assert second.feedback == {"goog-remb", "ccm fir", "nack", "nack pli"}
    assert result.refused == []
    assert result.remote.setup == "active"


@pytest.mark.parametrize("browser", BROWSERS)
def test_a_browser_as_player(browser: str) -> None:
    result = play(f"{browser}_play", AUDIO, VIDEO)
    assert [section.kind for section in sections(result.answer_text)] == ["video", "audio"]
    assert [section.track_key for section in result.sections] == ["v", "a"]
    assert result.sections[0].extensions.keys() >= {Uri.MID, Uri.TRANSPORT_CC}
    assert "transport-cc" in result.sections[0].feedback
    assert "goog-remb" not in result.sections[0].feedback


def test_tracks_that_do_not_fit_are_reported_and_their_sections_idle() -> None:
    second = replace(AUDIO, key="a2", ssrc=33)
    result = play("plain_play", replace(VIDEO, codec=VP9), AUDIO, second)
    assert [section.direction for section in sections(result.answer_text)] == ["sendonly", "inactive"]
    assert result.refused == ["v", "a2"]


def test_the_first_track_that_fits_is_played() -> None:
    result = play("firefox_play", replace(VIDEO, key="h", codec=h264()), VIDEO, AUDIO)
    assert [section.track_key for section in result.sections] == ["v", "a"]
    assert result.refused == ["h"]


def test_surplus_sections_are_inactive() -> None:
    result = play("chromium_play", AUDIO)
    assert [section.direction for section in sections(result.answer_text)] == ["inactive", "sendonly"]
    assert parse_sdp(result.answer_text).bundle == ("0", "1")


def test_resends_need_both_sides() -> None:
    result = play("plain_play", replace(VIDEO, rtx_ssrc=None))
    assert result.sections[0].rtx_payload_type is None
    assert set(sections(result.answer_text)[1].ssrcs) == {21}
    text = fixture_text("plain_play").replace("a=fmtp:121 apt=120\n", "")
    result = SendBook().play(text, [VIDEO], LOCAL, CAPS)
    assert result.sections[0].rtx_payload_type is None
    assert set(sections(result.answer_text)[1].ssrcs) == {21}


def test_red_is_sent_to_those_who_offer_it() -> None:
    assert play("chromium_play", replace(AUDIO, red=True)).sections[0].red_payload_type == 63
    assert play("plain_play", replace(AUDIO, red=True)).sections[0].red_payload_type is None


def test_data_channels_are_refused() -> None:
    text = fixture_text("chromium_data_channel").replace("a=sendonly", "a=recvonly")
    answer = parse_sdp(SendBook().play(text, [AUDIO, VIDEO], LOCAL, CAPS).answer_text)
    assert {section.kind: section.port for section in answer.sections} == {"audio": 9, "application": 0, "video": 9}


def test_a_transport_plays_once() -> None:
    book = SendBook()
    book.play(fixture_text("plain_play"), [AUDIO], LOCAL, CAPS)
    assert book.bundle == [("0", "audio"), ("1", "video")]
    assert book.remote is not None
    with pytest.raises(NegotiationError) as caught:
        book.play(fixture_text("plain_play"), [AUDIO], LOCAL, CAPS)
    assert caught.value.code == "invalid_state"


def test_nothing_to_receive_with() -> None:
    text = fixture_text("plain_play").replace("m=audio 9", "m=audio 0").replace("m=video 9", "m=video 0")
    with pytest.raises(NegotiationError) as caught:
        SendBook().play(text, [AUDIO], LOCAL, CAPS)
    assert caught.value.code == "not_supported"


def test_broken_offers_raise_nothing_else() -> None:
    rng = random.Random(13)
    for index in range(150):
        text = break_text(fixture_text(f"{BROWSERS[index % 2]}_play"), rng)
        with fails_at_most_by_negotiation():
            parse_sdp(SendBook().play(text, [AUDIO, VIDEO], LOCAL, CAPS).answer_text)
