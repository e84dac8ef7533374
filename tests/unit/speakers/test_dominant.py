"""DominantSpeaker in scenes: who is shown when."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.speakers.dominant import HOLD_S, DominantSpeaker

PACKET_S = 0.02
EVALUATE_EVERY = 10

Voice = Callable[[float, Random], int | None]
"""The RFC 6464 level at a time, None if no packet comes (DTX)."""


def silent(now: float, random: Random) -> int:
    return 127


def background(now: float, random: Random) -> int:
    return random.randint(62, 75)


def absent(now: float, random: Random) -> None:
    return None


def speech(loud_dbov: int = 28) -> Callable[[float, Random], int]:
    """Syllables of 150 to 250 ms with short gaps, as in running speech."""

    def voice(now: float, random: Random) -> int:
        in_gap = (now % 0.3) > 0.22 or (now % 2.1) > 1.95
        return random.randint(55, 70) if in_gap else loud_dbov + random.randint(-6, 8)

    return voice


def between(start: float, end: float, voice: Voice, otherwise: Voice = background) -> Voice:
    return lambda now, random: voice(now, random) if start <= now < end else otherwise(now, random)


def loud(level_dbov: int) -> Voice:
    return lambda now, random: level_dbov


def scene(seconds: float, **voices: Voice) -> list[tuple[float, str | None]]:
    """The changes of the dominant speaker: (time, who)."""
    speakers, random = DominantSpeaker(), Random(1)
    changes: list[tuple[float, str | None]] = []
    for i in range(round(seconds / PACKET_S)):
        now = i * PACKET_S
        for name, voice in voices.items():
            level = voice(now, random)
            if level is not None:
                speakers.on_level(name, level, now + random.random() * 0.01)
        if i % EVALUATE_EVERY == 0:
            dominant = speakers.evaluate(now)
            if not changes or changes[-1][1] != dominant:
                changes.append((now, dominant))
    return changes


def names(changes: list[tuple[float, str | None]]) -> list[str | None]:
    return [name for _, name in changes]


@pytest.mark.parametrize(
    ("name", "seconds", "voices", "expected"),
    [
        ("nobody", 5, {"a": silent, "b": background, "c": absent}, [None]),
        ("one speaks", 5, {"a": speech(), "b": silent, "c": background}, [None, "a"]),
        ("one speaks into silence without packets", 5, {"a": speech(), "b": absent}, [None, "a"]),
        (
            "they take turns",
            12,
            {"a": between(0, 4, speech()), "b": between(4, 8, speech()), "c": between(8, 12, speech())},
            [None, "a", "b", "c"],
        ),
        (
            "they take turns and stop sending (DTX)",
            12,
            {"a": between(0, 4, speech(), absent), "b": between(4, 8, speech(), absent), "c": silent},
            [None, "a", "b"],
        ),
        ("stays when all fall silent", 20, {"a": between(0, 3, speech()), "b": background}, [None, "a"]),
        ("two at once: the first stays", 15, {"a": speech(), "b": between(3, 15, speech(20))}, [None, "a"]),
        ("a clap while another speaks", 8, {"a": speech(), "b": between(4, 4.2, loud(5))}, [None, "a"]),
        ("a clap into a pause", 8, {"a": between(0, 4, speech()), "b": between(6, 6.2, loud(5))}, [None, "a"]),
        ("a clap in a silent room", 5, {"a": background, "b": between(2, 2.2, loud(5))}, [None]),
        ("a short yes", 8, {"a": speech(), "b": between(4, 4.3, speech())}, [None, "a"]),
        ("a steady hum is no speech", 12, {"a": loud(58), "b": between(2, 12, speech())}, [None, "b"]),
    ],
)
def test_scene(name: str, seconds: float, voices: dict[str, Voice], expected: list[str | None]) -> None:
    assert names(scene(seconds, **voices)) == expected, name


def test_the_first_speaker_is_found_within_a_second() -> None:
    changes = scene(5, a=between(1, 5, speech()), b=background)
    assert changes[1][0] < 2.0


def test_a_new_speaker_takes_over_within_two_seconds_but_not_at_once() -> None:
    changes = scene(8, a=between(0, 4, speech()), b=between(4, 8, speech()))
    assert 4.3 < changes[2][0] < 6.0


def test_quick_alternation_does_not_flicker() -> None:
    def turns(parity: int) -> Voice:
        return lambda now, random: speech()(now, random) if int(now / 0.4) % 2 == parity else 70

    changes = scene(20, a=turns(0), b=turns(1))
    assert len(changes) <= 10
    assert all(b - a >= HOLD_S for (a, _), (b, _) in pairwise(changes[1:]))


def test_a_removed_speaker_is_not_dominant_and_the_next_follows() -> None:
    speakers, random = DominantSpeaker(), Random(2)
    for i in range(100):
        speakers.on_level("a", speech()(i * PACKET_S, random), i * PACKET_S)
        speakers.on_level("b", speech()(i * PACKET_S, random), i * PACKET_S)
    first = speakers.evaluate(2.0)
    assert first in ("a", "b")
    speakers.remove(first)
    assert speakers.dominant is None
    assert speakers.evaluate(2.0) == ("b" if first == "a" else "a")
    assert set(speakers.levels(2.0)) == {"a", "b"} - {first}
    speakers.remove("never heard")


def test_a_muted_speaker_loses_to_one_who_speaks() -> None:
    changes = scene(8, a=between(0, 3, speech(), silent), b=between(3, 8, speech(), silent))
    assert names(changes) == [None, "a", "b"]


@pytest.mark.parametrize("packet_s", [0.01, 0.06])
def test_other_packet_durations(packet_s: float) -> None:
    speakers, random = DominantSpeaker(), Random(3)
    dominant: list[str | None] = []
    for i in range(round(8 / packet_s)):
        now = i * packet_s
        speakers.on_level("a", speech()(now, random) if now < 4 else 70, now)
        speakers.on_level("b", speech()(now, random) if now >= 4 else 70, now)
        if not dominant or dominant[-1] != speakers.evaluate(now):
            dominant.append(speakers.dominant)
    assert dominant == [None, "a", "b"]


def test_a_flood_of_packets_does_not_hide_the_silence_after_it() -> None:
    speakers = DominantSpeaker()
    for i in range(5000):
        speakers.on_level("a", 20, i * 0.0002)
    assert speakers.evaluate(1.0) == "a"
    random = Random(4)
    for i in range(150):
        speakers.on_level("b", speech()(i * PACKET_S, random), 2 + i * PACKET_S)
    assert speakers.evaluate(5.0) == "b"


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 255), st.floats(0, 2)), max_size=100))
def test_whatever_comes_it_answers(packets: list[tuple[str, int, float]]) -> None:
    speakers, now = DominantSpeaker(), 0.0
    for name, level, wait in packets:
        now += wait
        speakers.on_level(name, level, now)
        assert speakers.evaluate(now) in (None, "a", "b", "c")
        assert all(0.0 <= value <= 1.0 for value in speakers.levels(now).values())
