"""Live streams as rooms see them: starting, what everybody is told, stopping, and going on in a new process."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from signaling import effects as fx
from signaling.live.desk import LiveDesk
from signaling.live.port import Order, Person, Picture, Report, Unavailable
from signaling.live.sealing import Sealer
from signaling.messages.live import LiveStatus
from tests.unit.signaling.people import House

KEY = "abcd-SECRET"
RTMP = {"stream_url": "rtmps://live.example.org/app", "stream_key": KEY}
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n....").decode()


class Outputs:
    """Makes streams on paper."""

    max_streams, empty_room_s = 2, 60.0

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.reports: dict[str, Callable[[Report], None]] = {}
        self.stopped: list[str] = []
        self.pictures: list[Picture] = []
        self.people: list[Person] = []
        self.there: Callable[[], Sequence[Person]] = tuple
        self.full = False

    def default_url(self, platform: str) -> str:
        return {"youtube": "rtmps://youtube.example/live2"}.get(platform, "")

    async def start(self, order: Order, router: Any, people: Any, on_report: Any) -> None:
        if self.full:
            raise Unavailable("This server is too busy.")
        self.orders[order.stream_id], self.reports[order.stream_id], self.there = order, on_report, people

    def stop(self, room_id: str, stream_id: str) -> None:
        self.stopped.append(stream_id)
        self.reports[stream_id](Report("stopped", None, 0, 0, 0, 0, 0))

    def pause(self, room_id: str, stream_id: str) -> None:
        self.stopped.append(stream_id)

    def leave(self, room_id: str, stream_id: str) -> None:
        self.stopped.append(stream_id)

    async def settled(self) -> None:
        return

    def arrange(self, room_id: str, picture: Picture) -> None:
        self.pictures.append(picture)

    def person(self, room_id: str, person: Person) -> None:
        self.people.append(person)

    def speaker(self, room_id: str, user_id: str | None) -> None:
        pass


class Studio:
    """A room that can go live, with its host."""

    def __init__(self, secret: bytes = b"s" * 32) -> None:
        self.house = House()
        self.outputs = Outputs()
        self.desk = LiveDesk(self.outputs, Sealer(secret), lambda: self.house.now_unix)
        self.house.around.live = self.desk
        self.desk.adopt(self.house.live)
        self.ada = self.house.join("ada")

    async def start(self, **payload: Any) -> str:
        answer = self.ada.say("live-stream-start", payload or RTMP)
        assert answer["type"] == "live-stream-start", answer
        await asyncio.sleep(0)
        return str(answer["payload"]["stream_id"])

    def report(self, stream_id: str, state: str, reason: str | None = None, viewers: int = 0) -> None:
        self.outputs.reports[stream_id](Report(state, reason, 1_000, 2_000, 3, 4, viewers))

    def saved(self) -> dict[str, str]:
        return {e.stream_id: e.record for e in self.house.saved if isinstance(e, fx.SaveLive)}


async def test_a_stream_from_start_to_stop() -> None:
    studio = Studio()
    bela = studio.house.join("bela")
    stream_id = await studio.start(**RTMP, quality="1080p")
    order = studio.outputs.orders[stream_id]
    assert (order.url, order.key, order.quality, order.hls) == (RTMP["stream_url"], KEY, "1080p", False)
    studio.report(stream_id, "connecting")
    studio.report(stream_id, "live", viewers=7)
    studio.report(stream_id, "reconnecting", "the server takes no connections")
    told = [(m["status"], m["reason"]) for m in bela.heard("live-stream-start")]
    assert told == [
        ("starting", None),
        ("connecting", None),
        ("live", None),
        ("reconnecting", "the server takes no connections"),
    ]
    answer = studio.ada.say("live-stream-stop", {"stream_id": stream_id})["payload"]
    assert (answer["status"], answer["stopped_by"]) == ("stopped", "ada")
    assert bela.heard("live-stream-stop")[0]["stream_id"] == stream_id
    assert studio.outputs.stopped == [stream_id]
    again = studio.ada.say("live-stream-stop", {"stream_id": stream_id})["payload"]
    assert again["error_code"] == "stream_not_found"


async def test_figures_are_told_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    studio = Studio()
    now = 100.0
    studio.house.around.monotonic = lambda: now
    stream_id = await studio.start(hls={"public": False, "dvr_s": 60})
    for viewers in range(5):
        studio.report(stream_id, "live", viewers=viewers)
    now = 104.0
    studio.report(stream_id, "live", viewers=9)
    figures = studio.ada.heard("live-stream-health")
    assert [figure["viewer_count"] for figure in figures] == [0, 9]
    assert (figures[1]["uplink_bps"], figures[1]["dropped_frames"], figures[1]["reconnects"]) == (1_000, 3, 4)


async def test_who_watches_by_whep_is_counted_once() -> None:
    studio = Studio()
    first, second = await studio.start(), await studio.start(hls={})
    for stream_id in (first, second):
        studio.report(stream_id, "live", viewers=2)
    studio.house.live.viewers |= {"a", "b", "c"}

    def counts() -> list[int]:
        return [r.info.viewer_count for r in studio.house.live.room.live.running()]

    studio.desk.sweep(0.0)
    assert counts() == [5, 2]
    studio.report(first, "live", viewers=4)
    assert counts() == [7, 2]
    studio.ada.say("live-stream-stop", {"stream_id": first})
    studio.house.live.viewers.discard("a")
    studio.desk.sweep(1.0)
    assert counts() == [4]


async def test_the_key_is_told_and_kept_nowhere(capsys: pytest.CaptureFixture[str]) -> None:
    studio = Studio()
    stream_id = await studio.start()
    studio.report(stream_id, "live")
    for person in (studio.ada, studio.house.join("bela")):
        assert "SECRET" not in str(person.port.messages)
    assert "SECRET" not in repr(studio.house.saved) + str(studio.saved()) + repr(studio.outputs.orders)
    assert "SECRET" not in capsys.readouterr().out
    studio.ada.say("live-stream-stop", {"stream_id": stream_id})
    assert '"sealed_key":null' in studio.saved()[stream_id]


async def test_a_new_process_goes_on_with_the_same_stream() -> None:
    before = Studio()
    stream_id = await before.start(**RTMP, hls={"public": True}, picture={"layout": "speaker", "logo": PNG})
    before.report(stream_id, "live")
    before.house.live.close(1012, "server_restart")
    assert before.outputs.stopped == [stream_id] and not before.ada.heard("live-stream-stop")
    after = House()
    after.room.live.restore(before.saved(), "demo")
    outputs = Outputs()
    after.around.live = LiveDesk(outputs, Sealer(b"s" * 32), lambda: 0.0)
    after.around.live.adopt(after.live)
    await asyncio.sleep(0)
    order = outputs.orders[stream_id]
    assert (order.key, order.hls, order.picture.layout) == (KEY, True, "speaker")
    assert order.elapsed_s > 0, "its viewers' playlists go on"
    assert order.picture.logo == base64.b64decode(PNG)
    # Nobody is there yet, and the room stays open.
    after.live.close_if_empty()
    assert not after.emptied


async def test_another_secret_cannot_open_the_key() -> None:
    before = Studio()
    stream_id = await before.start()
    after = House()
    after.room.live.restore(before.saved(), "demo")
    after.around.live = LiveDesk(Outputs(), Sealer(b"t" * 32), lambda: 0.0)
    after.around.live.adopt(after.live)
    info = after.room.live.records[stream_id].info
    assert info.status is LiveStatus.FAILED and "key cannot be read" in str(info.reason)
    assert after.emptied  # nothing keeps the room open


async def test_a_stream_keeps_the_room_open_for_a_while() -> None:
    studio = Studio()
    stream_id = await studio.start()
    studio.house.leave(studio.ada)
    assert not studio.house.emptied
    assert studio.outputs.people[-1] == Person("ada", "", present=False)
    studio.desk.sweep(1_000.0)
    assert not studio.outputs.stopped
    studio.desk.sweep(1_061.0)
    assert studio.outputs.stopped == [stream_id] and studio.house.emptied


async def test_the_picture_can_be_changed() -> None:
    studio = Studio()
    refused = studio.ada.say("live-stream-picture", {"picture": {"layout": "grid"}})["payload"]
    assert refused["error_code"] == "invalid_state"
    await studio.start()
    picture = {"layout": "speaker", "title": "Assembly", "logo": PNG, "spotlight": "ada"}
    answer = studio.ada.say("live-stream-picture", {"picture": picture})["payload"]
    assert answer["picture"]["title"] == "Assembly" and answer["picture"]["logo"] is None
    assert studio.outputs.pictures[-1] == Picture("speaker", True, "ada", "Assembly", "", base64.b64decode(PNG))
    # What is not named stays: others do not have the logo.
    studio.ada.say("live-stream-picture", {"picture": {"layout": "grid"}})
    assert studio.outputs.pictures[-1] == Picture("grid", True, "ada", "Assembly", "", base64.b64decode(PNG))
    studio.ada.say("live-stream-picture", {"picture": {"logo": None}})
    assert studio.outputs.pictures[-1] == Picture("grid", True, "ada", "Assembly", "", None)
    # Whoever joins sees it; a second stream is made in the same way.
    stream_id = await studio.start(hls={})
    assert studio.outputs.orders[stream_id].picture.title == "Assembly"
    state = studio.house.join("bela").heard("room-state")[0]
    assert [s["picture"]["title"] for s in state["live_streams"]] == ["Assembly", "Assembly"]
    assert state["features"]["live_streaming"] is True


async def test_the_picture_knows_who_is_there() -> None:
    studio = Studio()
    await studio.start()
    studio.house.join("bela", display_name="Béla")
    studio.ada.say("participant-update", {"display_name": "Countess"})
    assert studio.outputs.people == [Person("bela", "Béla"), Person("ada", "Countess")]
    assert list(studio.outputs.there()) == [Person("ada", "Countess"), Person("bela", "Béla")]


async def test_no_more_than_may_be() -> None:
    studio = Studio()
    await studio.start()
    await studio.start()
    refused = studio.ada.say("live-stream-start", RTMP)["payload"]
    assert (refused["error_code"], refused["details"]) == ("invalid_state", {"max_streams": 2})


async def test_a_full_machine_is_told() -> None:
    studio = Studio()
    studio.outputs.full = True
    await studio.start()
    ended = studio.ada.heard("live-stream-stop")[0]
    assert (ended["status"], ended["reason"]) == ("failed", "This server is too busy.")


async def test_platforms_have_their_own_address() -> None:
    studio = Studio()
    stream_id = await studio.start(platform="youtube", stream_key=KEY)
    assert studio.outputs.orders[stream_id].url == "rtmps://youtube.example/live2"


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"stream_key": KEY},
        {"platform": "youtube"},
        {"platform": "twitch", "hls": {}},
        {"stream_url": "rtmp://a/b"},
        {"hls": {"dvr_s": -1}},
        {"hls": {"public": True}, "picture": {"logo": "bm8gcG5n"}},
        {"hls": {}, "picture": {"title": "x" * 121}},
    ],
)
async def test_what_goes_nowhere_is_refused(payload: dict[str, Any]) -> None:
    assert Studio().ada.say("live-stream-start", payload)["payload"]["error_code"] == "invalid_message"
