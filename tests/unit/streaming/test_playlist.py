"""Media and multivariant playlists against the rules of RFC 8216bis."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.hls import multivariant
from streaming.hls.playlist import MediaPlaylist, Report
from streaming.hls.rendition import Rendition, RenditionInfo

INFO = RenditionInfo("720p", 1280, 720, Fraction(30), ("avc1.42c01f", "mp4a.40.2"), 3_000_000)


def playlist(segments: int = 0, parts: int = 0, *, window_s: float | None = 24, **options: bool) -> MediaPlaylist:
    """``segments`` of four parts each and ``parts`` of the next one."""
    made = MediaPlaylist(target_s=2, part_s=0.5, window_s=window_s, **options)
    made.begin()
    for number in range(segments * 4 + parts):
        made.add_part(1e9 + number / 2, 0.5, 1_000, independent=number % 4 == 0)
        if number % 4 == 3:
            made.end_segment(2.0)
    return made


def values(text: str, tag: str) -> list[str]:
    return re.findall(rf"^#{tag}:(.*)$", text, re.MULTILINE)


def names(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("#")]


# -- what it lists -----------------------------------------------------------------------------------------------------


def test_a_live_playlist() -> None:
    text = playlist(2, 1).text([Report("480p.m3u8", 2, 0), Report("360p.m3u8", 1, None)])
    assert text.startswith("#EXTM3U\n#EXT-X-VERSION:6\n")
    assert values(text, "EXT-X-TARGETDURATION") == ["2"]
    assert values(text, "EXT-X-PART-INF") == ["PART-TARGET=0.50000"]
    assert values(text, "EXT-X-SERVER-CONTROL") == [
        "CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.0,HOLD-BACK=6.0,PART-HOLD-BACK=1.500"
    ]
    assert values(text, "EXT-X-MAP") == ['URI="init0.mp4"']
    assert values(text, "EXT-X-PRELOAD-HINT") == ['TYPE=PART,URI="part9.m4s"']
    assert values(text, "EXT-X-RENDITION-REPORT") == [
        'URI="480p.m3u8",LAST-MSN=2,LAST-PART=0',
        'URI="360p.m3u8",LAST-MSN=1',
    ]
    assert names(text) == ["seg0.m4s", "seg1.m4s"]
    assert "#EXT-X-INDEPENDENT-SEGMENTS\n" in text
    assert values(text, "EXT-X-PROGRAM-DATE-TIME")[:2] == ["2001-09-09T01:46:40.000Z", "2001-09-09T01:46:42.000Z"]
    assert len(values(text, "EXT-X-PART")) == 9
    assert "ENDLIST" not in text


def test_the_window_slides() -> None:
    text = playlist(40).text()
    assert values(text, "EXT-X-MEDIA-SEQUENCE") == ["28"]
    assert names(text) == [f"seg{n}.m4s" for n in range(28, 40)]
    # Section 6.2.2: at least three target durations stay; parts only as far back.
    assert len(values(text, "EXT-X-PART")) == 12
    assert values(text, "EXT-X-MAP") == ['URI="init0.mp4"']


@pytest.mark.parametrize(("keeps_past", "first", "vod"), [(False, 28, False), (True, 0, True)])
def test_after_the_end(*, keeps_past: bool, first: int, vod: bool) -> None:
    ended = playlist(40, keeps_past=keeps_past)
    ended.finish()
    text = ended.text()
    assert text.endswith("#EXT-X-ENDLIST\n")
    assert names(text) == [f"seg{n}.m4s" for n in range(first, 40)]
    assert ("#EXT-X-PLAYLIST-TYPE:VOD" in text) is vod
    for tag in ("PART", "PRELOAD-HINT", "SERVER-CONTROL", "PART-INF", "RENDITION-REPORT"):
        assert f"#EXT-X-{tag}:" not in text


def test_a_segment_that_was_growing_at_the_end_is_kept() -> None:
    ended = playlist(1, 2)
    ended.finish()
    assert values(ended.text(), "EXTINF") == ["2.00000,", "1.00000,"]


def test_a_new_worker_is_a_discontinuity() -> None:
    broken = playlist(1, 2)
    assert broken.begin() == "init1.mp4"
    broken.add_part(2e9, 0.5, 1, independent=True)
    text = broken.text()
    assert values(text, "EXT-X-MAP") == ['URI="init0.mp4"', 'URI="init1.mp4"']
    assert text.index("seg1.m4s") < text.index("#EXT-X-DISCONTINUITY\n") < text.index('"init1.mp4"')
    assert values(text, "EXTINF") == ["2.00000,", "1.00000,"]
    assert broken.last == (2, 0)


def test_discontinuities_that_left_the_window_are_counted() -> None:
    broken = playlist(1)
    broken.begin()
    for number in range(80):
        broken.add_part(2e9, 0.5, 1, independent=number % 4 == 0)
        if number % 4 == 3:
            broken.end_segment(2.0)
    text = broken.text()
    assert values(text, "EXT-X-DISCONTINUITY-SEQUENCE") == ["1"]
    assert values(text, "EXT-X-MAP") == ['URI="init1.mp4"']


def test_another_process_goes_on() -> None:
    before = playlist(3)
    after = MediaPlaylist(target_s=2, part_s=0.5, window_s=24)
    after.restore(before.segments, before.inits, 1_012)
    assert after.begin() == "init1.mp4"
    assert after.add_part(2e9, 0.5, 1, independent=True) == "part1012.m4s"
    assert names(after.text()) == ["seg0.m4s", "seg1.m4s", "seg2.m4s"]
    assert after.last == (3, 0)


def test_another_process_goes_on_without_knowing_what_was_served() -> None:
    after = MediaPlaylist(target_s=2, part_s=0.5, window_s=24)
    after.skip(40)
    assert after.begin() == "init40.mp4"
    after.add_part(2e9, 0.5, 1, independent=True)
    after.end_segment(0.5)
    text = after.text()
    assert values(text, "EXT-X-MEDIA-SEQUENCE") == values(text, "EXT-X-DISCONTINUITY-SEQUENCE") == ["40"]
    assert names(text) == ["seg40.m4s"] and "#EXT-X-DISCONTINUITY\n" in text
    assert after.has(17, None), "who waits for what was next at the other process gets an answer at once"


# -- delta updates (section 6.2.5.1) -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("segments", "skipped"), [(3, 0), (6, 0), (7, 1), (12, 6)])
def test_a_delta_update_leaves_out_what_is_old(segments: int, skipped: int) -> None:
    text = playlist(segments, window_s=None).text(skip=True)
    assert values(text, "EXT-X-SKIP") == ([f"SKIPPED-SEGMENTS={skipped}"] if skipped else [])
    assert values(text, "EXT-X-VERSION") == ["9" if skipped else "6"]
    assert len(names(text)) == segments - skipped
    assert bool(values(text, "EXT-X-MAP")) is (skipped == 0)


# -- blocking reload (section 6.2.5.2) ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("msn", "part", "there"),
    [
        (0, None, True),
        (1, None, True),
        (2, None, False),  # it grows: not yet a segment
        (2, 0, True),
        (2, 1, False),
        (1, 3, True),
        (1, 4, True),  # the first part of segment 2, which is there
        (3, None, False),
        (3, 0, False),
    ],
)
def test_what_a_blocking_request_waits_for(msn: int, part: int | None, *, there: bool) -> None:
    assert playlist(2, 1).has(msn, part) is there


def test_a_part_after_the_last_is_the_first_of_the_next_segment() -> None:
    between = playlist(2)
    assert not between.has(1, 4)
    between.add_part(2e9, 0.5, 1, independent=True)
    assert between.has(1, 4)


@pytest.mark.parametrize(("msn", "absurd"), [(2, False), (3, False), (4, False), (5, True), (10_000, True)])
def test_requests_too_far_ahead(msn: int, *, absurd: bool) -> None:
    assert playlist(2, 1).is_absurd(msn) is absurd


# -- rules that hold whatever comes ------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from(["part", "end", "begin"]), max_size=200))
def test_what_was_served_never_changes(events: list[str]) -> None:
    made = MediaPlaylist(target_s=2, part_s=0.5, window_s=8)
    made.begin()
    seen: dict[int, str] = {}
    last_first = 0
    for event in events:
        if event == "part":
            made.add_part(1e9, 0.5, 1, independent=True)
        elif event == "end" and made.growing is not None:
            made.end_segment(0.5 * len(made.growing.parts))
        elif event == "begin":
            made.begin()
        text = made.text()
        first = int(values(text, "EXT-X-MEDIA-SEQUENCE")[0])
        assert first >= last_first
        last_first = first
        for index, (name, duration) in enumerate(zip(names(text), values(text, "EXTINF"), strict=True)):
            assert seen.setdefault(first + index, name + duration) == name + duration


# -- the multivariant playlist -----------------------------------------------------------------------------------------


def test_the_multivariant_playlist() -> None:
    text = multivariant.text([Rendition(INFO, playlist()).variant("s/x/720p.m3u8")])
    assert text.splitlines()[3:] == [
        '#EXT-X-STREAM-INF:BANDWIDTH=3000000,AVERAGE-BANDWIDTH=3000000,CODECS="avc1.42c01f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=30.000',
        "s/x/720p.m3u8",
    ]


def test_bandwidth_is_what_was_measured() -> None:
    rate = multivariant.Bitrate(3_000_000)
    rate.add(500_000, 2.0)
    assert rate.peak_bps == 3_000_000
    rate.add(250_000, 2.0)
    rate.add(10_000, 0.1)  # the stub of a worker that died tells nothing
    assert (rate.peak_bps, rate.average_bps) == (2_000_000, 1_500_000)


@pytest.mark.parametrize(("window_s", "peak_bps"), [(None, 4_000_000), (24.0, 1_000_000)], ids=["all", "window"])
def test_bandwidth_is_of_what_is_listed(window_s: float | None, peak_bps: int) -> None:
    rendition = Rendition(INFO, MediaPlaylist(target_s=2.0, part_s=1.0, window_s=window_s))
    rendition.begin(b"init")
    for number in range(100):
        size = 500_000 if number == 3 else 125_000
        for _ in range(2):
            rendition.add_part(bytes(size), number * 2.0, 1.0, independent=True)
        rendition.end_segment(2.0)
    assert rendition.variant("x").peak_bps == peak_bps


def test_memory_does_not_grow_with_time() -> None:
    rendition = Rendition(INFO, playlist())
    sizes = []
    for number in range(400):
        rendition.add_part(b"x", 1e9, 0.5, independent=number % 4 == 0)
        if number % 4 == 3:
            rendition.end_segment(2.0)
            sizes.append(len(rendition.blobs))
    assert sizes[-1] == sizes[50] < 60
    listed = names(rendition.playlist.text()) + re.findall(r'PART:.*URI="(.*?)"', rendition.playlist.text())
    assert all(name in rendition.blobs for name in listed)
