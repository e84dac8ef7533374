"""What is kept for a lost client: all of it in order, or nothing."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from signaling.envelope import Letter
from signaling.replay import ReplayBuffer


def letter(text: str) -> Letter:
    return Letter("chat-message", json.dumps({"message": text}), "bob", 1_800_000_000.0)


EMPTY = letter("").size


@given(
    texts=st.lists(st.text("abc", max_size=30), max_size=60),
    max_messages=st.integers(1, 20),
    room=st.integers(0, 300),
    confirmed=st.lists(st.tuples(st.integers(0, 60), st.integers(-2, 70)), max_size=5),
    asked=st.integers(-2, 65),
)
def test_all_or_nothing(
    texts: list[str], max_messages: int, room: int, confirmed: list[tuple[int, int]], asked: int
) -> None:
    max_characters = EMPTY + room
    buffer = ReplayBuffer(max_messages, max_characters)
    frames: list[str] = []
    highest_confirmed = 0
    for index, text in enumerate(texts):
        sent = buffer.add(letter(text), "r" if index % 3 == 0 else None)
        frames.append(sent.frame())
        for at, last_seq in confirmed:
            if at == index:
                buffer.confirm(last_seq)
                highest_confirmed = max(highest_confirmed, last_seq if last_seq <= index + 1 else 0)
    missed = buffer.after(asked)
    assert [json.loads(f)["seq"] for f in frames] == list(range(1, len(texts) + 1))
    if missed is not None:
        # Exactly what followed, each once, in order, and the very text that was sent before.
        assert [m.frame() for m in missed] == frames[asked:]
        assert 0 <= asked <= len(texts)
    elif 0 <= asked <= len(texts):
        # Refused only for a reason: it was confirmed, or there was no room for all of it.
        tail = [letter(text).size for text in texts[asked:]]
        assert asked < highest_confirmed or len(tail) > max_messages or sum(tail) > max_characters
    assert len(buffer) <= max_messages


def test_a_message_that_is_too_large_is_not_kept() -> None:
    buffer = ReplayBuffer(10, EMPTY + 5)
    buffer.add(letter("short"), None)
    buffer.add(letter("x" * 100), None)
    assert len(buffer) == 0
    assert buffer.after(1) is None
    assert buffer.after(2) == []


def test_what_a_client_claims_to_have_from_the_future_confirms_nothing() -> None:
    buffer = ReplayBuffer(10, 10_000)
    buffer.add(letter("one"), None)
    buffer.confirm(2)
    assert [m.seq for m in buffer.after(0) or []] == [1]
