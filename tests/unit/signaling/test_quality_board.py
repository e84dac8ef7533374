"""Who is told of the quality of whose connection, and how often."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from sfu.measuring import PathFigures
from signaling.catalogue import CATALOGUE
from signaling.live_room import LiveRoom
from signaling.quality import Figures
from signaling.quality_board import QualityBoard
from signaling.quality_watch import CYCLE_S, QualityWatch
from tests.unit.signaling.people import House, Person

GOOD = Figures(PathFigures(32_000, 800_400, 0.0, 4.0, 40.0), None)
BAD = Figures(PathFigures(32_000, 800_400, 0.123, 4.0, 40.0), None)


def judge(house: House, board: QualityBoard, person: Person, figures: list[Figures], start: float = 0.0) -> None:
    """One judgement every two seconds."""
    participant = house.room.participants[person.username]
    for number, one in enumerate(figures):
        house.live.apply(board.judge(participant, one, start + 2.0 * number))


def test_the_room_learns_of_changes_and_the_participant_of_its_figures() -> None:
    house, board = House(), QualityBoard()
    alice, bob = house.join("alice"), house.join("bob")
    judge(house, board, alice, [GOOD] * 11)
    (told,) = bob.heard("quality-update")
    assert told == {
        "user_id": "alice",
        "quality_level": "excellent",
        "uplink": {
            "quality_level": "excellent",
            "bitrate_video": 800,
            "bitrate_audio": 32,
            "bitrate_total": 832,
            "packet_loss": 0.0,
            "jitter": 4.0,
            "rtt": 40.0,
        },
        "downlink": None,
        "interrupted": False,
        "recommendation": "Nothing needs to be done.",
        "recommendation_code": "none",
    }
    # Judged at 2 (told), then at the first judgement that is 5 s later: 8, 14, 20.
    assert len(alice.heard("quality-update")) == 4
    judge(house, board, alice, [BAD] * 2, 22.0)
    changed = bob.heard("quality-update")[-1]
    assert (changed["quality_level"], changed["recommendation_code"]) == ("poor", "stop_video")
    assert changed["uplink"]["packet_loss"] == 12.3
    assert len(bob.heard("quality-update")) == 2


def test_newcomers_and_lists_know_the_level() -> None:
    house, board = House(), QualityBoard()
    alice = house.join("alice")
    assert house.room.participants["alice"].info().connection_quality is None
    judge(house, board, alice, [BAD] * 2)
    assert house.room.participants["alice"].info().connection_quality == "poor"
    state = house.join("bob").heard("room-state")[0]
    assert [p["connection_quality"] for p in state["participants"]] == ["poor", None]


def test_nothing_is_told_while_nothing_is_known() -> None:
    house, board = House(), QualityBoard()
    alice = house.join("alice")
    judge(house, board, alice, [Figures()] * 10)
    assert alice.heard("quality-update") == []


def test_who_leaves_is_forgotten() -> None:
    house, board = House(), QualityBoard()
    alice = house.join("alice")
    judge(house, board, alice, [BAD] * 2)
    board.keep([])
    judge(house, board, alice, [GOOD] * 2, 10.0)
    assert [m["quality_level"] for m in alice.heard("quality-update")] == ["poor", "excellent"]


@pytest.mark.parametrize(
    "payload",
    [
        {"bitrate_video": 500, "bitrate_audio": 32, "bitrate_total": 532, "packet_loss": 0.5, "jitter": 4, "rtt": 80},
        {"rtt": 80},
        {},
        {"rtt": None, "something_new": [1]},
    ],
)
def test_network_stats(payload: dict[str, Any]) -> None:
    house = House()
    alice = house.join("alice")
    assert alice.say("network-stats", payload)["type"] == "ack"
    reported = house.room.participants["alice"].reported
    assert reported is not None and reported.rtt_ms == payload.get("rtt")


@pytest.mark.parametrize(
    "payload",
    [{"rtt": -1}, {"rtt": "soon"}, {"packet_loss": 101}, {"jitter": 60_001}, {"bitrate_total": 1e12}, {"rtt": [1]}],
)
def test_bad_network_stats(payload: dict[str, Any]) -> None:
    alice = House().join("alice")
    answer = alice.say("network-stats", payload)
    assert (answer["type"], answer["payload"]["error_code"]) == ("error", "invalid_message")


def test_clients_cannot_send_quality() -> None:
    assert CATALOGUE["quality-update"].receives is None
    answer = House().join("alice").say("quality-update", {"user_id": "bob", "quality_level": "poor"})
    assert answer["payload"]["error_code"] == "invalid_message"


class _Negotiation:
    def transports_of(self, username: str) -> Any:
        raise ZeroDivisionError(username)


async def test_a_round_reaches_everybody_once_and_survives_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signaling.quality_watch.CYCLE_S", 0.1)
    house = House()
    for number in range(45):
        house.join(f"p{number}")
    house.live.negotiation = cast(Any, _Negotiation())
    watch = QualityWatch({"demo": house.live}, lambda: 0.0)
    seen: list[str] = []
    monkeypatch.setattr(watch, "_review", _noting(watch._review, seen))
    watch.sweep(100.0)
    assert 0 < len(seen) <= 3, "not all at once"
    watch.sweep(100.0)  # not due yet
    async with asyncio.timeout(60):
        while len(seen) < 45:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert sorted(seen) == sorted(house.room.participants)
    watch.sweep(100.0 + CYCLE_S)
    watch.close()


def _noting(review: Any, seen: list[str]) -> Any:
    def noted(live: LiveRoom, username: str, now: float) -> None:
        seen.append(username)
        review(live, username, now)

    return noted
