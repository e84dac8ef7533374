"""Reading frames and building them."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.envelope import Envelope, Frame, InvalidFrame, Letter, iso_utc, parse_frame
from signaling.errors import CLOSE_CODES, ERRORS, CloseCode, ErrorCode, RoomError
from signaling.names import check_room_id

LIMIT = 262_144


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ('{"type":"x","payload":{"a":1},"id":"7"}', Frame("x", {"a": 1}, "7")),
        ('{"type":"x"}', Frame("x", {}, None)),
        ('{"type":"x","payload":{},"id":null,"sender":"mallory"}', Frame("x", {}, None)),
    ],
)
def test_good_frames(text: str, frame: Frame) -> None:
    assert parse_frame(text, LIMIT) == frame


@pytest.mark.parametrize(
    ("text", "message_id"),
    [
        ("", None),
        ("{", None),
        ("[]", None),
        ("null", None),
        ('{"payload":{}}', None),
        ('{"type":""}', None),
        ('{"type":1,"id":"7"}', "7"),
        ('{"type":"x","payload":[],"id":"7"}', "7"),
        ('{"type":"x","payload":null,"id":"7"}', "7"),
        ('{"type":"x","id":7}', None),
        ('{"type":"x","id":"' + "7" * 200 + '"}', None),
        ('{"type":"' + "x" * 65 + '"}', None),
        ('{"type":"x","payload":{"a":NaN}}', None),
        ('{"type":"x","payload":{"a":"\\ud800"}}', None),
        ("[" * 5_000 + "]" * 5_000, None),
        ('{"type":"x","payload":{"a":"' + "y" * LIMIT + '"}}', None),
        ('{"type":"x","payload":{"a":"' + "ü" * (LIMIT // 2) + '"}}', None),
    ],
)
def test_bad_frames(text: str, message_id: str | None) -> None:
    with pytest.raises(InvalidFrame) as caught:
        parse_frame(text, LIMIT)
    assert caught.value.message_id == message_id
    assert caught.value.code == "invalid_message"


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_anything_is_a_frame_or_an_invalid_one(text: str) -> None:
    with contextlib.suppress(InvalidFrame):
        parse_frame(text, LIMIT)


@given(
    payload=st.dictionaries(st.text(), st.text() | st.integers(-(2**53), 2**53) | st.booleans()),
    sender=st.none() | st.text(),
    reply_to=st.none() | st.text(),
    seq=st.integers(1, 2**40),
)
def test_letters_are_envelopes(
    payload: dict[str, str | int | bool], sender: str | None, reply_to: str | None, seq: int
) -> None:
    letter = Letter("chat-message", json.dumps(payload), sender, 1_800_000_000.123)
    envelope = Envelope.model_validate_json(letter.frame(seq, reply_to))
    assert envelope == Envelope(
        type="chat-message",
        payload=payload,
        sender=sender,
        timestamp="2027-01-15T08:00:00.123Z",
        seq=seq,
        reply_to=reply_to,
    )


def test_time() -> None:
    assert iso_utc(0) == "1970-01-01T00:00:00.000Z"


def test_every_code_has_its_line() -> None:
    assert set(ERRORS) == set(ErrorCode)
    assert all(400 <= kind.status < 600 for kind in ERRORS.values())
    assert set(CLOSE_CODES) == {v for k, v in vars(CloseCode).items() if k.isupper()}
    for code in ErrorCode:
        error = RoomError(code, "x", retry_after=3)
        assert error.close_code in CLOSE_CODES
        assert error.body().model_dump(mode="json") == {
            "error_code": code.value,
            "message": "x",
            "details": {},
            "retry_after": 3,
        }


@pytest.mark.parametrize("room_id", ["a", "A-b_9", "x" * 64])
def test_room_names(room_id: str) -> None:
    assert check_room_id(room_id) == room_id


@pytest.mark.parametrize("room_id", ["", "a b", "ä", "a/b", "a\n", "x" * 65, "..", "{a}"])
def test_bad_room_names(room_id: str) -> None:
    with pytest.raises(RoomError):
        check_room_id(room_id)
