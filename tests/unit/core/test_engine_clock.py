"""A bug in the turn of one Transport or Router costs the others nothing."""

from __future__ import annotations

import time
from typing import Any

import pytest

from sfu.connection import TransportState
from sfu.engine import SPEAKERS_EVERY_TICKS, Engine
from sfu.options import MediaOptions
from sfu.transport import Transport, TransportRole
from sfu.turns import BUCKETS, CONTROL_EVERY_TICKS, Turns


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
    for turn in range(BUCKETS):
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
    """A Transport whose every turn takes a millisecond of a clock of the test's own."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.id = name
        self.receiving = self
        self._log = log

    def tick(self, _now: float) -> bool:
        self._log.append(self.id)
        return True


def test_many_turns_are_given_in_slices_each_once_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[str] = []
    monkeypatch.setattr(time, "perf_counter", lambda: len(log) / 1000)
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


class Quiet:
    """A Transport that has nothing to do at most ticks."""

    def __init__(self) -> None:
        self.id = "quiet"
        self.receiving = self
        self.busy = False
        self.at: list[float] = []

    def tick(self, now: float) -> bool:
        self.at.append(now)
        return self.busy


def test_who_is_quiet_has_fewer_turns_until_it_is_woken() -> None:
    turns, quiet = Turns(broken), Quiet()
    transport: Any = quiet

    def ticks(first: int, count: int) -> list[float]:
        quiet.at.clear()
        for tick in range(first, first + count):
            turns.begin(tick, float(tick), 0.0)
            turns.run(None)
        return quiet.at

    turns.add_publisher(transport)
    assert 1.0 in ticks(1, 1), "who is new has a turn at once"
    assert len(ticks(2, 4 * CONTROL_EVERY_TICKS)) == 4
    quiet.busy = True
    turns.wake(transport)
    assert ticks(100, 7) == [float(tick) for tick in range(100, 107)]
    quiet.busy = False
    assert len(ticks(107, 1 + 2 * CONTROL_EVERY_TICKS)) in (2, 3)
    turns.remove(transport)
    turns.wake(transport)  # a packet that was on its way
    assert not ticks(200, CONTROL_EVERY_TICKS)
