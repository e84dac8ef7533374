"""What a further leg makes of the events and previews of those before it."""

from __future__ import annotations

from pathlib import Path

import pytest

from recorder.storage.local import LocalStore
from recorder.storage.store import ObjectInfo
from recorder.worker.chapters import Event, webvtt
from recorder.worker.legs import joined_vtt, leg_name, merged, stored_whole
from recorder.worker.people import participants


def event(at_s: float, kind: str, user: str) -> Event:
    return Event(at_s, kind, user, user.title())


def test_who_stayed_has_not_come_anew() -> None:
    before = [event(0, "joined", "ann"), event(1, "joined", "bob"), event(5, "left", "bob")]
    after = [
        event(9, "joined", "ann"),
        event(10, "joined", "bob"),
        event(12, "left", "ann"),
        event(13, "joined", "ann"),
    ]
    events = merged(before, after)
    assert [(e.at_s, e.kind, e.user_id) for e in events[3:]] == [
        (10, "joined", "bob"),
        (12, "left", "ann"),
        (13, "joined", "ann"),
    ]
    found = {person["user_id"]: person["present"] for person in participants(events, {})}
    assert found == {"ann": [[0, 12], [13, None]], "bob": [[1, 5], [10, None]]}


def test_previews_of_both_are_counted_through() -> None:
    joined = joined_vtt(webvtt([(0, 5, "a.jpg#1"), (5, 9, "a.jpg#2")]), webvtt([(10, 15, "b.jpg#1")]))
    assert joined == webvtt([(0, 5, "a.jpg#1"), (5, 9, "a.jpg#2"), (10, 15, "b.jpg#1")])


@pytest.mark.parametrize(("leg", "name"), [(1, "program.mp4"), (2, "program-2.mp4"), (11, "program-11.mp4")])
def test_files_of_later_legs_have_names_of_their_own(leg: int, name: str) -> None:
    assert leg_name("program.mp4", leg) == name


@pytest.mark.parametrize("manifest", [None, b"", b"{", b"[]", b'{"files": [{}], "events": []}', b'{"files": 3}'])
def test_a_manifest_that_is_not_there_or_is_none(tmp_path: Path, manifest: bytes | None) -> None:
    store = LocalStore(tmp_path)
    if manifest is not None:
        store.put("a/manifest.json", manifest, ObjectInfo())
    assert stored_whole(store, "a/") is None
