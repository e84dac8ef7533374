"""Offers to subscribing clients: sections reused, numbers that stay, and what answers may say."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from sfu.codecs.parameters import CodecParameters
from sfu.errors import NegotiationError
from sfu.rtp.extensions import Uri
from sfu.sdp.parse import parse_sdp
from sfu.sdp.send import SendBook, _new_section
from sfu.sdp.types import SendSection, SessionDescription
from sfu.sdp.write import write_sdp, write_section
from tests.unit.sdp.descriptions import (
    AV1,
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
    version,
)

MIRROR = {"sendonly": "recvonly", "inactive": "inactive"}


def add(book: SendBook, key: str, codec: CodecParameters, **more: Any) -> str:
    ssrc = sum(key.encode()) * 1000
    names: dict[str, Any] = {"cname": "cname", "msid_stream": "stream", "msid_track": key}
    return book.add(
        key, codec.kind, codec, ssrc=ssrc, rtx_ssrc=ssrc + 1 if codec.kind == "video" else None, **names, **more
    )


def mirrored(offer: str) -> SessionDescription:
    """The answer of a client that takes everything."""
    description = parse_sdp(offer)
    description.ice_lite = False
    for section in description.sections:
        section.setup = "active"
        section.ice_ufrag, section.ice_pwd = "client", "c" * 22
        section.direction = MIRROR[section.direction]  # type: ignore[assignment]
        section.msid, section.ssrcs, section.ssrc_groups, section.candidates = None, {}, [], []
    return description


def round_trip(book: SendBook) -> dict[str, SendSection]:
    return {s.track_key: s for s in book.accept_answer(write_sdp(mirrored(book.offer(LOCAL))))}


def written_anew(book: SendBook) -> str:
    """The sections of the last offer, without what was kept of those before."""
    owner = next((place for place in book._places if not place.stopped), None)
    return "".join(write_section(_new_section(place, LOCAL, place is owner)) for place in book._places)


def test_an_offer() -> None:
    book = SendBook()
    assert (add(book, "a", OPUS), add(book, "v", VP8)) == ("0", "1")
    assert book.has_changes
    text = book.offer(LOCAL)
    assert not book.has_changes
    assert book.outstanding
    description = parse_sdp(text)
    assert description.ice_lite
    assert description.bundle == ("0", "1")
    audio, video = description.sections
    assert (audio.setup, audio.direction, audio.msid) == ("actpass", "sendonly", ("stream", "a"))
    assert audio.candidates == list(LOCAL.candidates)
    assert audio.end_of_candidates
    assert not video.candidates
    (vp8,) = video.codecs
    assert (vp8.payload_type, vp8.rtx_payload_type) == (96, 97)
    assert vp8.feedback == {"nack", "nack pli", "ccm fir", "transport-cc"}
    assert [group.semantics for group in video.ssrc_groups] == ["FID"]
    assert set(video.ssrc_groups[0].ssrcs) == set(video.ssrcs)
    assert {attributes["cname"] for attributes in video.ssrcs.values()} == {"cname"}
    assert audio.extensions[1] == video.extensions[1] == Uri.MID
    assert audio.extensions[3] == video.extensions[3] == Uri.TRANSPORT_CC
    assert book.bundle == [("0", "audio"), ("1", "video")]


@pytest.mark.parametrize("browser", BROWSERS)
def test_a_browsers_answer(browser: str) -> None:
    book = SendBook()
    add(book, "a", OPUS)
    add(book, "v", VP8)
    book.offer(LOCAL)
    audio, video = book.accept_answer(fixture_text(f"{browser}_subscribe_answer"))
    assert (audio.track_key, audio.accepted, audio.payload_type, audio.rtx_payload_type) == ("a", True, 111, None)
    assert (video.track_key, video.accepted, video.payload_type, video.rtx_payload_type) == ("v", True, 96, 97)
    assert video.feedback >= {"nack", "nack pli", "transport-cc"}
    assert audio.extensions[Uri.AUDIO_LEVEL] == 4
    assert book.remote is not None
    assert book.remote.setup == "active"
    assert not book.outstanding


def test_the_numbers_of_the_answer_count() -> None:
    book = SendBook()
    add(book, "v", VP8)
    answer = mirrored(book.offer(LOCAL))
    (section,) = answer.sections
    section.codecs = [replace(section.codecs[0], payload_type=100, rtx_payload_type=101, feedback=frozenset({"nack"}))]
    section.extensions = {7: Uri.MID, 8: "urn:never-offered"}
    (sent,) = book.accept_answer(write_sdp(answer))
    assert (sent.payload_type, sent.rtx_payload_type, sent.extensions) == (100, 101, {Uri.MID: 7})
    assert sent.feedback == {"nack"}


def test_a_section_is_free_for_another_track_once_its_silence_is_answered() -> None:
    book = SendBook()
    add(book, "a", OPUS)
    add(book, "v0", VP8)
    round_trip(book)
    book.remove("v0")
    assert book.has_changes
    assert add(book, "v1", VP9) == "2", "the client does not know yet that 1 is unused"
    round_trip(book)
    assert add(book, "v2", AV1) == "1"
    assert add(book, "a2", OPUS) == "3", "not of its kind"
    sent = round_trip(book)
    assert {key: section.mid for key, section in sent.items()} == {"a": "0", "v1": "2", "v2": "1", "a2": "3"}
    assert all(section.accepted for section in sent.values())
    assert book.live_mids() == {"0": "a", "2": "v1", "1": "v2", "3": "a2"}


def test_a_removed_track_leaves_an_inactive_section_behind() -> None:
    book = SendBook()
    add(book, "a", OPUS)
    add(book, "v", VP8)
    round_trip(book)
    book.remove("v")
    _, video = sections(book.offer(LOCAL))
    assert (video.port, video.direction, video.msid, video.ssrcs) == (9, "inactive", None, {})


def test_what_was_never_offered_leaves_no_trace() -> None:
    book = SendBook()
    add(book, "a", OPUS)
    round_trip(book)
    add(book, "v", VP8)
    book.remove("v")
    assert len(sections(book.offer(LOCAL))) == 1


def test_the_version_grows_with_every_change_and_the_session_stays() -> None:
    book = SendBook(session_id=77)
    add(book, "a", OPUS)
    first = book.offer(LOCAL)
    again = book.offer(LOCAL)
    restarted = book.offer(replace(LOCAL, ufrag="newu"))
    add(book, "v", VP8)
    more = book.offer(replace(LOCAL, ufrag="newu"))
    assert again == first
    assert [version(text) for text in (first, restarted, more)] == [1, 2, 3]
    assert {parse_sdp(text).session_id for text in (first, restarted, more)} == {"77"}


def test_changes_while_an_offer_waits_call_for_the_next() -> None:
    book = SendBook()
    add(book, "a", OPUS)
    answer = write_sdp(mirrored(book.offer(LOCAL)))
    add(book, "v", VP8)
    book.remove("a")
    assert book.has_changes
    assert book.accept_answer(answer) == [], "the only track of that offer has gone"
    assert book.has_changes
    assert round_trip(book).keys() == {"v"}
    assert not book.has_changes
    assert add(book, "a2", OPUS) == "0"


def test_payload_types_are_the_same_in_all_sections_and_for_good() -> None:
    book = SendBook()
    codecs = [VP8, h264(), h264("64001f"), VP9, AV1, h264("42e034"), h264("42e01f", "0"), h264()]
    for index, codec in enumerate(codecs):
        add(book, f"v{index}", codec)
    numbers = [section.codecs[0].payload_type for section in sections(book.offer(LOCAL))]
    assert numbers[:5] == [96, 102, 108, 98, 45]
    assert numbers[7] == numbers[1]
    assert len(set(numbers[:7])) == 7
    used = [n for s in sections(book.offer(LOCAL))[:7] for c in s.codecs for n in (c.payload_type, c.rtx_payload_type)]
    assert len(set(used)) == len(used)
    assert all(n is not None and (35 <= n <= 63 or 96 <= n <= 127) for n in used)


def test_payload_types_run_out_gently() -> None:
    book = SendBook()
    for level in range(1, 100):
        add(book, f"v{level}", h264(f"42e0{level:02x}"))
    with pytest.raises(NegotiationError, match="no payload type") as caught:
        add(book, "other", CodecParameters("video/H265", 90000, 1, {}))
    assert caught.value.code == "not_supported"
    assert len(sections(book.offer(LOCAL))) == 99


def test_stereo_and_red_have_numbers_of_their_own() -> None:
    book = SendBook()
    stereo = CodecParameters("audio/opus", 48000, 2, {"stereo": "1", "useinbandfec": "0"})
    add(book, "mono", OPUS, red=True)
    add(book, "stereo", stereo, red=True)
    mono_codecs, stereo_codecs = (section.codecs for section in sections(book.offer(LOCAL)))
    assert [codec.payload_type for codec in mono_codecs] == [111, 63]
    assert dict(mono_codecs[1].parameters.fmtp) == {"111/111": ""}
    opus, red = stereo_codecs
    assert opus.parameters.fmtp["sprop-stereo"] == "1"
    assert dict(red.parameters.fmtp) == {f"{opus.payload_type}/{opus.payload_type}": ""}
    sent = round_trip(book)
    assert sent["mono"].red_payload_type == 63
    assert sent["stereo"].red_payload_type == red.payload_type


def test_wanted_extensions_only() -> None:
    book = SendBook()
    add(book, "v", VP8, extensions=[Uri.VIDEO_ORIENTATION])
    assert set(sections(book.offer(LOCAL))[0].extensions.values()) == {
        Uri.MID,
        Uri.ABS_SEND_TIME,
        Uri.TRANSPORT_CC,
        Uri.VIDEO_ORIENTATION,
    }


def test_a_refused_section_ends_and_its_place_gets_another_mid() -> None:
    book = SendBook()
    add(book, "a", OPUS)
    add(book, "v", VP8)
    answer = mirrored(book.offer(LOCAL))
    answer.sections[1].port = 0
    answer.bundle = ("0",)
    sent = {s.track_key: s.accepted for s in book.accept_answer(write_sdp(answer))}
    assert sent == {"a": True, "v": False}
    assert book.live_mids() == {"0": "a"}
    book.remove("v")
    assert not book.has_changes
    assert add(book, "a2", OPUS) == "2"
    _, second = sections(book.offer(LOCAL))
    assert (second.kind, second.mid, second.port) == ("audio", "2", 9)


def test_a_section_answered_inactive_is_ended_by_us() -> None:
    book = SendBook()
    add(book, "a", OPUS)
    add(book, "v", VP8)
    answer = mirrored(book.offer(LOCAL))
    answer.sections[1].direction = "inactive"
    assert [s.accepted for s in book.accept_answer(write_sdp(answer))] == [True, False]
    book.remove("v")
    assert book.has_changes
    assert add(book, "v2", VP8) == "2", "a browser cannot start again what it stopped"
    offer = parse_sdp(book.offer(LOCAL))
    assert [section.port for section in offer.sections] == [9, 0, 9]
    assert offer.bundle == ("0", "2")
    book.accept_answer(write_sdp(mirrored(write_sdp(offer))))
    assert add(book, "v3", VP8) == "3"
    assert [section.mid for section in sections(book.offer(LOCAL))] == ["0", "3", "2"]


@pytest.mark.parametrize("broken", ["count", "order", "kind", "ended", "unbundled", "actpass", "nothing", "no group"])
def test_answers_that_cannot_be(broken: str) -> None:
    book = SendBook()
    add(book, "a", OPUS)
    add(book, "v", VP8)
    good = mirrored(book.offer(LOCAL))
    answer = mirrored(book.offer(LOCAL))
    match broken:
        case "count":
            answer.sections.pop()
            answer.bundle = ("0",)
        case "order":
            answer.sections.reverse()
        case "kind":
            answer.sections[0].kind = "video"
        case "ended":
            answer.sections[0].ice_ufrag = None
        case "unbundled":
            answer.bundle = ("0",)
        case "actpass":
            answer.sections[0].setup = "actpass"
        case "nothing":
            answer.bundle = None
            for section in answer.sections:
                section.port = 0
        case "no group":
            answer.bundle = None
    with pytest.raises(NegotiationError) as caught:
        book.accept_answer(write_sdp(answer))
    assert caught.value.code in ("invalid_sdp", "not_supported")
    assert book.outstanding, "the book is unchanged"
    assert len(book.accept_answer(write_sdp(good))) == 2


def test_calls_at_the_wrong_time() -> None:
    book = SendBook()
    with pytest.raises(NegotiationError) as caught:
        book.offer(LOCAL)
    assert caught.value.code == "invalid_state"
    with pytest.raises(NegotiationError):
        book.accept_answer(fixture_text("chromium_subscribe_answer"))
    add(book, "a", OPUS)
    with pytest.raises(NegotiationError):
        add(book, "a", OPUS)
    round_trip(book)
    with pytest.raises(NegotiationError):
        book.accept_answer(fixture_text("chromium_subscribe_answer"))
    book.remove("never there")


def test_broken_answers_raise_nothing_else() -> None:
    rng = random.Random(11)
    for _ in range(200):
        book = SendBook()
        add(book, "a", OPUS)
        add(book, "v", VP8)
        book.offer(LOCAL)
        with fails_at_most_by_negotiation():
            book.accept_answer(break_text(fixture_text("firefox_subscribe_answer"), rng))
        book.offer(LOCAL)


def test_many_rounds_of_coming_and_going_keep_the_rules() -> None:
    """Sections never move, no number or SSRC means two things, and the count stays near the most that were there."""
    rng = random.Random(3)
    book = SendBook()
    live: set[str] = set()
    before: list[tuple[str, str]] = []
    most = 0
    for step in range(150):
        for index in range(rng.randrange(3)):
            add(book, key := f"{step}.{index}", rng.choice([OPUS, VP8, VP9, h264()]))
            live.add(key)
        for key in rng.sample(sorted(live), min(len(live), rng.randrange(3))):
            book.remove(key)
            live.remove(key)
        if not live and not before:
            continue
        most = max(most, len(live))
        text = book.offer(LOCAL)
        assert text.endswith(written_anew(book))
        now = [(section.mid, section.kind) for section in sections(text)]
        assert now[: len(before)] == before
        before = now
        assert round_trip(book).keys() == live
    assert len(before) <= 2 * most + 4
