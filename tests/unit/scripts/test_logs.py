"""The log: JSON or lines, and no token, key or password in it, wherever it came from."""

from __future__ import annotations

import io
import json
import logging

import pytest
import structlog

from config.options import LoggingOptions
from scripts import logs

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def configured(level: str = "info", form: str = "auto") -> io.StringIO:
    stream = io.StringIO()
    logs.configure(LoggingOptions.model_validate({"level": level, "format": form}), stream)
    return stream


def test_events_of_structlog_and_the_standard_library_are_json_off_a_terminal() -> None:
    stream = configured()
    structlog.get_logger("plenum").info("joined", room="demo", participant="alice")
    logging.getLogger("other").warning("odd %s", "thing")
    first, second = lines(stream)
    assert (first["event"], first["level"], first["room"], first["participant"]) == ("joined", "info", "demo", "alice")
    assert (second["event"], second["level"]) == ("odd thing", "warning")
    assert str(first["timestamp"]).endswith("Z")


def test_level_holds_for_both() -> None:
    stream = configured("warning")
    structlog.get_logger("plenum").info("no")
    logging.getLogger("other").info("no")
    assert not stream.getvalue()


def test_console_is_a_line() -> None:
    stream = configured(form="console")
    structlog.get_logger("plenum").info("joined", room="demo")
    assert "joined" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_traceback_is_kept_and_scrubbed() -> None:
    for form in ("json", "console"):
        stream = configured(form=form)
        try:
            raise RuntimeError(f"bad token {JWT}")
        except RuntimeError:
            structlog.get_logger("plenum").exception("broken")
        text = stream.getvalue()
        assert "RuntimeError" in text
        assert JWT not in text


@pytest.mark.parametrize("key", ["token", "auth_token", "secret", "password", "stream_key", "Authorization", "ice_pwd"])
def test_secret_fields_are_hidden(key: str) -> None:
    stream = configured()
    structlog.get_logger("plenum").info("event", **{key: "hunter2"})
    assert "hunter2" not in stream.getvalue()


def test_ordinary_fields_are_not_hidden() -> None:
    stream = configured()
    structlog.get_logger("plenum").info("event", keyframe="a", transport="b", tokens_left=3)
    (event,) = lines(stream)
    assert (event["keyframe"], event["transport"], event["tokens_left"]) == ("a", "b", 3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f'"WebSocket /webrtc/ws/demo?token={JWT}" [accepted]', '"WebSocket /webrtc/ws/demo?token=***" [accepted]'),
        ("GET /x?a=1&token=abc&b=2", "GET /x?a=1&token=***&b=2"),
        (f"http://h/?room=demo#invite={JWT}", "http://h/?room=demo#invite=***"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("redis://user:pass@host:6379/0", "redis://***@host:6379/0"),
        (f"seen {JWT} here", "seen *** here"),
        ("a=ice-pwd:abcdef\\r\\n", "a=ice-pwd:***"),
        ("mail to a@b and http://host/path", "mail to a@b and http://host/path"),
    ],
)
def test_scrub_text(text: str, expected: str) -> None:
    assert logs.scrub_text(text) == expected
