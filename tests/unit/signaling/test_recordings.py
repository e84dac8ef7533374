"""Recordings in a room: who may, what everybody is told, and what the room's setting does by itself."""

from __future__ import annotations

from typing import Any

import pytest

from signaling import effects as fx
from signaling.errors import ErrorCode, RoomError
from signaling.live_room import LiveRoom
from signaling.messages.recordings import RecordingInfo, RecordingOptions, RecordingStatus
from signaling.model import Role, RoomSettings
from tests.unit.signaling.people import House


class Recorder:
    """A port that keeps what it is asked."""

    available = True

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.infos: dict[str, RecordingInfo] = {}
        self.refusal: RoomError | None = None
        self.observed: list[str] = []

    def start(
        self, live: LiveRoom, recording_id: str, started_by: str | None, options: RecordingOptions
    ) -> RecordingInfo:
        if self.refusal is not None:
            raise self.refusal
        self.asked.append(("start", started_by, options.mode))
        info = self.infos[recording_id] = RecordingInfo(
            recording_id=recording_id,
            room_id=live.room.room_id,
            started_by=started_by,
            started_at="2026-11-24T09:00:00.000Z",
            status=RecordingStatus.STARTING,
        )
        return info

    def stop(self, live: LiveRoom, recording_id: str, stopped_by: str | None) -> RecordingInfo:
        self.asked.append(("stop", recording_id, stopped_by))
        if recording_id not in self.infos:
            raise RoomError(ErrorCode.RECORDING_NOT_FOUND, "None.")
        changes = {"status": RecordingStatus.STOPPING, "stopped_by": stopped_by}
        return self.infos[recording_id].model_copy(update=changes)

    def observe(self, live: LiveRoom, effect: fx.Effect) -> None:
        self.observed.append(effect.message.type_name if isinstance(effect, fx.Broadcast) else "")

    def room_closed(self, live: LiveRoom) -> None:
        self.asked.append(("closed", live.room.room_id))

    async def list(self, room_id: str, *, with_urls: bool) -> list[RecordingInfo]:
        return []

    async def delete(self, room_id: str, recording_id: str) -> RecordingInfo:
        raise AssertionError("not asked here")


def house_of(recorder: Recorder, **settings: Any) -> House:
    house = House(settings=RoomSettings(**settings))
    house.around.recordings = recorder
    return house


def test_all_are_told_and_so_is_who_comes_later() -> None:
    recorder = Recorder()
    house = house_of(recorder)
    ada, bela = house.join("ada"), house.join("bela")
    answer = ada.say("recording-control", {"action": "start", "options": {"mode": "both"}})
    assert (answer["type"], answer["payload"]["status"]) == ("recording-status", "starting")
    recording_id = answer["payload"]["recording_id"]
    assert recorder.asked == [("start", "ada", "both")]
    assert [told["recording_id"] for told in bela.heard("recording-status")] == [recording_id]
    house.live.recording_changed(recorder.infos[recording_id].model_copy(update={"status": RecordingStatus.RECORDING}))
    carl = house.join("carl")
    (state,) = carl.heard("room-state")
    assert [(r["recording_id"], r["status"]) for r in state["recordings"]] == [(recording_id, "recording")]
    assert state["features"]["recording"] is True
    assert "user-joined" in recorder.observed
    stopping = ada.say("recording-control", {"action": "stop", "recording_id": recording_id})["payload"]
    assert (stopping["status"], stopping["stopped_by"]) == ("stopping", "ada")
    house.live.recording_changed(recorder.infos[recording_id].model_copy(update={"status": RecordingStatus.STOPPED}))
    assert [told["status"] for told in bela.heard("recording-status")] == [
        "starting",
        "recording",
        "stopping",
        "stopped",
    ]
    assert house.join("dora").heard("room-state")[0]["recordings"] == []


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"action": "stop", "recording_id": "unknown"}, "recording_not_found"),
        ({"action": "start", "options": {"storage_prefix": "../x/"}}, "invalid_message"),
        ({"action": "start", "options": {"storage_prefix": "/x/"}}, "invalid_message"),
        ({"action": "start", "options": {"file_name": "{room}/{unknown}/{name}"}}, "invalid_message"),
        ({"action": "start", "options": {"file_name": "{room}"}}, "invalid_message"),
        ({"action": "start", "options": {"file_name": "{room.__class__}{name}"}}, "invalid_message"),
        ({"action": "start", "options": {"bitrate_kbps": 1}}, "invalid_message"),
    ],
)
def test_what_cannot_be_done_is_told(message: dict[str, Any], code: str) -> None:
    ada = house_of(Recorder()).join("ada")
    assert ada.say("recording-control", message)["payload"]["error_code"] == code


def test_a_full_machine_refuses_and_nobody_is_told() -> None:
    recorder = Recorder()
    recorder.refusal = RoomError(ErrorCode.UNAVAILABLE, "No room.", details={"reason": "max_jobs"}, retry_after=30)
    house = house_of(recorder)
    ada, bela = house.join("ada"), house.join("bela")
    answer = ada.say("recording-control", {"action": "start"})["payload"]
    assert (answer["error_code"], answer["details"], answer["retry_after"]) == (
        "unavailable",
        {"reason": "max_jobs"},
        30,
    )
    assert bela.heard("recording-status") == [] and house.room.recordings == {}


def test_the_setting_records_by_itself() -> None:
    recorder = Recorder()
    house = house_of(recorder, automatic_recording=True)
    ada = house.join("ada")
    assert recorder.asked == [("start", None, "program")]
    (told,) = ada.heard("recording-status")
    assert told["started_by"] is None
    house.join("bela")
    assert len(recorder.asked) == 1


def test_the_setting_can_be_switched_on_later_and_does_no_harm_when_refused() -> None:
    recorder = Recorder()
    house = house_of(recorder)
    ada = house.join("ada")
    recorder.refusal = RoomError(ErrorCode.UNAVAILABLE, "No room.")
    assert ada.say("room-settings-update", {"automatic_recording": True})["type"] == "room-settings-update"
    recorder.refusal = None
    ada.say("room-settings-update", {"mute_on_entry": True})
    assert recorder.asked == [("start", None, "program")]


def test_the_end_of_a_room_is_told() -> None:
    recorder = Recorder()
    house = house_of(recorder)
    house.leave(house.join("ada", role=Role.HOST))
    assert recorder.asked == [("closed", "demo")]
