"""Chapters: what happened in a room as marks of a player."""

from __future__ import annotations

from recorder.worker.chapters import Event, chapters, timestamp, webvtt


def event(at_s: float, kind: str, name: str) -> Event:
    return Event(at_s, kind, name.lower(), name)


def test_a_quiet_recording_is_one_chapter() -> None:
    assert chapters([], 61.5) == [(0.0, 61.5, "Start")]


def test_chapters_follow_each_other_without_a_gap() -> None:
    events = [
        event(0.2, "joined", "Ada"),
        event(0.4, "joined", "Bela"),
        event(30.0, "screen", "Ada"),
        event(31.0, "joined", "Carl"),
        event(50.0, "screen-ended", "Ada"),
        event(99.0, "left", "Bela"),
    ]
    assert chapters(events, 80.0) == [
        (0.0, 30.0, "Ada joined, Bela joined"),
        (30.0, 50.0, "Ada shares a screen, Carl joined"),
        (50.0, 80.0, "Ada ended the screen share"),
    ]


def test_a_speaker_counts_who_holds_the_floor() -> None:
    events = [
        event(3.0, "speaker", "Ada"),
        event(10.0, "speaker", "Bela"),
        event(12.0, "speaker", "Ada"),
        event(40.0, "speaker", "Bela"),
    ]
    assert [title for _, _, title in chapters(events, 60.0)] == ["Start", "Ada speaks", "Bela speaks"]


def test_webvtt_is_well_formed_whatever_people_are_called() -> None:
    text = webvtt([(0.0, 3725.25, "<b>A&B</b>\n\n00:00 --> 00:01"), (3725.25, 3726.0, "x")])
    assert text.startswith(
        "WEBVTT\n\n1\n00:00:00.000 --> 01:02:05.250\n&lt;b&gt;A&amp;B&lt;/b&gt; 00:00 --&gt; 00:01\n"
    )
    assert text.count("-->") == 2


def test_timestamps() -> None:
    assert [timestamp(s) for s in (-1.0, 0.0004, 59.9996, 36_000.0)] == [
        "00:00:00.000",
        "00:00:00.000",
        "00:01:00.000",
        "10:00:00.000",
    ]
