"""A bug in the turn of one Transport or Router costs the others nothing."""

from __future__ import annotations

import time
from typing import Any

import pytest

from sfu.connection import TransportState
from sfu.engine import SPEAKERS_EVERY_TICKS, Engine
from sfu.options import MediaOptions
from sfu.transport import Transport, TransportRole
from sfu.turns import SUBSCRIBER_BUCKETS, Turns


@pytest.fixture
def engine() -> Engine:
    return Engine(MediaOptions(hosts=["127.0.0.1"], port=0, tcp=False))


def broken(*_: Any) -> None:
    raise RuntimeError("a bug")


@pytest.mark.parametrize(
    ("role", "part", "method"),
    [(TransportRole.PUBLISH, "receiving", "tick"), (TransportRole.SUBSCRIBE, "sending", "report")],
)
def test_a_broken_transport_ends_and_the_others_have_their_turn(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, role: TransportRole, part: str, method: str
) -> None:
    router = engine.create_router("r")
    first, second = (router.create_transport(owner=name, role=role) for name in ("ann", "bob"))
    turns: list[Transport] = []
    monkeypatch.setattr(getattr(first, part), method, broken)
    monkeypatch.setattr(getattr(second, part), method, lambda *_: turns.append(second))
    for turn in range(SUBSCRIBER_BUCKETS):
        engine.turn(float(turn), float(turn))
    assert first.state is TransportState.CLOSED
    assert turns
    assert list(router.transports.values()) == [second]
    assert engine.counters["bug"] == 1


def test_a_broken_listener_of_speakers_does_not_stop_the_clock(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    rooms = [engine.create_router(name) for name in ("one", "two")]
    reviewed: list[float] = []
    monkeypatch.setattr(rooms[0], "review_speakers", broken)
    monkeypatch.setattr(rooms[1], "review_speakers", reviewed.append)
    for turn in range(SPEAKERS_EVERY_TICKS):
        engine.turn(float(turn), float(turn))
    assert len(reviewed) == 1
    assert engine.counters["bug"] == 1


class Slow:
    """A Transport whose every turn takes a millisecond."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.id = name
        self.receiving = self
        self._log = log

    def tick(self, _now: float) -> None:
        time.sleep(0.001)
        self._log.append(self.id)


def test_many_turns_are_given_in_slices_each_once_and_in_order() -> None:
    log: list[str] = []
    turns = Turns(broken)
    slow: Any = [Slow(str(number), log) for number in range(40)]
    for one in slow:
        turns.add_publisher(one)
    turns.begin(1, 1.0, 1.0)
    assert not turns.run(0.003)
    first = len(log)
    assert 3 <= first < 40
    turns.remove(slow[first])
    turns.begin(2, 1.02, 1.02)  # those who still wait have one turn for both
    assert turns.run(None)
    assert log == [str(n) for n in range(40) if n != first] + [str(n) for n in range(first)]
