"""The loudest few are heard: at once when they speak, through their pauses, and nobody flickers."""

from __future__ import annotations

from sfu.speakers.loudest import HOLD_S, Loudest


def test_a_small_room_hears_everybody() -> None:
    assert Loudest(3).choose({"a": 0.0, "b": 0.0, "c": 0.0}, 1.0) == {"a", "b", "c"}


def test_who_speaks_is_heard_at_once() -> None:
    loudest = Loudest(2)
    quiet = {"a": 0.0, "b": 0.0, "c": 0.0, "d": 0.0}
    loudest.choose(quiet, 1.0)
    assert "d" in loudest.choose(quiet | {"d": 0.3}, 1.2)
    assert loudest.choose(quiet | {"d": 0.3, "c": 0.2}, 1.4) == {"c", "d"}


def test_a_pause_keeps_the_place_and_silence_loses_it() -> None:
    loudest = Loudest(1)
    loudest.choose({"a": 0.4, "b": 0.0}, 1.0)
    assert loudest.choose({"a": 0.0, "b": 0.0}, 2.0) == {"a"}
    assert loudest.choose({"a": 0.0, "b": 0.05}, 1.0 + HOLD_S) == {"b"}


def test_who_is_a_little_louder_takes_no_place() -> None:
    loudest = Loudest(1)
    loudest.choose({"a": 0.3, "b": 0.0}, 1.0)
    assert loudest.choose({"a": 0.3, "b": 0.4}, 1.2) == {"a"}
    assert loudest.choose({"a": 0.3, "b": 0.6}, 1.4) == {"b"}


def test_a_silent_room_stays_as_it_is() -> None:
    loudest = Loudest(2)
    first = loudest.choose({"a": 0.3, "b": 0.3, "c": 0.0, "d": 0.0}, 1.0)
    for step in range(50):
        assert loudest.choose({"a": 0.0, "b": 0.0, "c": 0.0, "d": 0.0}, 2.0 + step) == first
