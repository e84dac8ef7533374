"""Recordings and live streams: who may is told that it cannot be done yet, who may not is told that."""

from __future__ import annotations

from typing import Any

import pytest

from signaling.messages.live import LiveStartRequest
from signaling.model import Role, RoomSettings
from tests.unit.signaling.people import House

LIVE = {"stream_url": "rtmps://live.example.org/app", "stream_key": "abcd-efgh", "platform": "custom"}
ASKS = [
    ("recording-control", {"action": "start"}),
    ("recording-control", {"action": "start", "options": {"mode": "tracks", "quality": "1080p"}}),
    ("recording-control", {"action": "stop", "recording_id": "r1"}),
    ("live-stream-start", LIVE),
    ("live-stream-stop", {"stream_id": "s1"}),
]


@pytest.mark.parametrize(("message_type", "payload"), ASKS)
def test_who_may_is_told_that_it_cannot_be_done(message_type: str, payload: dict[str, Any]) -> None:
    house = House()
    ada, bela = house.join("ada"), house.join("bela")
    answer = ada.say(message_type, payload)["payload"]
    assert answer["error_code"] == "not_supported"
    feature = "recording" if message_type == "recording-control" else "live_streaming"
    assert answer["details"] == {"feature": feature}
    assert not {"recording-status", "live-stream-start", "live-stream-stop"} & set(bela.types())


@pytest.mark.parametrize("role", [Role.PARTICIPANT, Role.GUEST])
@pytest.mark.parametrize(("message_type", "payload"), ASKS)
def test_the_permission_is_needed(message_type: str, payload: dict[str, Any], role: Role) -> None:
    house = House()
    house.join("ada")
    bela = house.join("bela", role=role)
    answer = bela.say(message_type, payload)["payload"]
    assert answer["error_code"] == "permission_denied"
    assert answer["details"] == {"permission": "can_record"}


def test_the_setting_switches_recording_off() -> None:
    ada = House(settings=RoomSettings(enable_recording=False)).join("ada")
    answer = ada.say("recording-control", {"action": "start"})["payload"]
    assert (answer["error_code"], answer["details"]) == ("permission_denied", {"setting": "enable_recording"})
    # What runs already may be stopped.
    assert (
        ada.say("recording-control", {"action": "stop", "recording_id": "r1"})["payload"]["error_code"]
        == "not_supported"
    )


@pytest.mark.parametrize(
    ("message_type", "payload"),
    [
        ("recording-control", {}),
        ("recording-control", {"action": "pause"}),
        ("recording-control", {"action": "stop"}),
        ("recording-control", {"action": "start", "recording_id": "r1"}),
        ("recording-control", {"action": "stop", "recording_id": "../r1"}),
        ("recording-control", {"action": "start", "options": {"mode": "hologram"}}),
        ("live-stream-start", {**LIVE, "stream_url": "https://example.org"}),
        ("live-stream-start", {**LIVE, "stream_url": "rtmp://user:pass@example.org/app"}),
        ("live-stream-start", {**LIVE, "stream_url": "rtmp://"}),
        ("live-stream-start", {**LIVE, "stream_url": "rtmp://a:99999/b"}),
        ("live-stream-start", {**LIVE, "stream_url": "rtmp://a/" + "b" * 2_048}),
        ("live-stream-start", {**LIVE, "stream_key": ""}),
        ("live-stream-start", {**LIVE, "stream_key": "k" * 513}),
        ("live-stream-start", {**LIVE, "platform": "elsewhere"}),
        ("live-stream-start", {**LIVE, "quality": "8k"}),
        ("live-stream-start", {"stream_url": "rtmp://a/b"}),
        ("live-stream-stop", {}),
        ("live-stream-stop", {"stream_id": "a b"}),
    ],
)
def test_a_bad_payload(message_type: str, payload: dict[str, Any]) -> None:
    assert House().join("ada").say(message_type, payload)["payload"]["error_code"] == "invalid_message"


def test_the_key_shows_nowhere(capsys: pytest.CaptureFixture[str]) -> None:
    answer = House().join("ada").say("live-stream-start", {**LIVE, "quality": "8k", "stream_key": "abcd-SECRET"})
    captured = capsys.readouterr()
    request = LiveStartRequest.model_validate({**LIVE, "stream_key": "abcd-SECRET"})
    for text in (str(answer), captured.out, captured.err, repr(request), request.model_dump_json()):
        assert "SECRET" not in text
