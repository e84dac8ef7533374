"""Groups of a Router: media, data and speakers stay within one."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import pytest

from sfu.engine import Engine
from sfu.relay import RelayFrame
from sfu.router import Router
from sfu.transport import Transport
from tests.support.plain_media import Publisher, Subscriber

FRAME_S = 0.02


@dataclass
class Channel:
    """A data relay that keeps what is sent."""

    frames: list[tuple[str, bytes]] = field(default_factory=list)

    def send(self, label: str, frame: bytes) -> None:
        self.frames.append((label, frame))


class Ears:
    """A listener that keeps what it is told of each group."""

    def __init__(self) -> None:
        self.told: list[tuple[str | None, str | None, dict[str, float]]] = []

    def on_speakers(self, dominant: str | None, levels: dict[str, float], group: str | None = None) -> None:
        self.told.append((group, dominant, levels))

    def on_transport_state(self, transport: Transport) -> None:
        raise AssertionError("no transport changes here")

    def last(self, group: str | None) -> tuple[str | None, dict[str, float]]:
        return next((dominant, levels) for g, dominant, levels in reversed(self.told) if g == group)


class Call:
    """A Router with "ann", who publishes, and any number of others, in virtual time."""

    def __init__(self) -> None:
        self.router = Router(cast(Engine, None), "room")
        self.ears = self.router.listener = Ears()
        self.publisher = Publisher()
        self.audio, self.video = self.publisher.publish_audio(), self.publisher.publish_video()
        self.router.producers = {producer.id: producer for producer in (self.audio, self.video)}
        self.channels: dict[str, Channel] = {}
        self.subscribers: dict[str, Subscriber] = {}
        self.add("ann")

    def add(self, owner: str) -> Subscriber:
        """Somebody with a subscriber's half, and a data channel."""
        subscriber = self.subscribers[owner] = Subscriber(self.publisher, seed=len(self.channels) + 5)
        channel = self.channels[owner] = Channel()
        one: Any = SimpleNamespace(owner=owner, data=channel, sending=subscriber.half)
        self.router.transports[owner] = one
        return subscriber

    def frame(self) -> None:
        self.publisher.now += FRAME_S
        self.publisher.video(key=True)
        self.publisher.audio()

    def relay(self, sender: str, to: set[str] | None = None) -> set[str]:
        """Who gets a frame of ``sender``."""
        for channel in self.channels.values():
            channel.frames.clear()
        frame = RelayFrame(None if to is None else frozenset(to), "topic", b"x")
        self.router.relay(self.router.transports[sender], "reliable", frame)
        return {owner for owner, channel in self.channels.items() if channel.frames}


def test_media_stops_at_once_when_they_are_separated_and_goes_on_without_a_gap() -> None:
    call = Call()
    bob = call.add("bob")
    consumers = [bob.consume(producer) for producer in (call.audio, call.video)]
    call.frame()
    before = bob.take()
    assert len(before) == 2
    call.router.set_group("bob", "blue")
    call.frame()
    assert bob.take() == []
    assert all(consumer.barred for consumer in consumers)
    call.router.set_group("ann", "blue")
    call.publisher.now += 1
    call.frame()
    after = bob.take()
    assert len(after) == 2
    for ssrc in {packet.ssrc for packet in before}:
        first, second = (packet.sequence_number for packet in (*before, *after) if packet.ssrc == ssrc)
        assert second == first + 1


@pytest.mark.parametrize("unmute_first", [True, False])
def test_neither_pause_nor_mute_opens_what_is_barred(unmute_first: bool) -> None:
    call = Call()
    bob = call.add("bob")
    consumer = bob.consume(call.video)
    call.video.set_muted(True)
    consumer.set_paused(True)
    call.router.set_group("ann", "red")
    steps = [call.video.set_muted, consumer.set_paused]
    for step in steps if unmute_first else reversed(steps):
        step(False)
    call.frame()
    assert bob.take() == []
    consumer.set_paused(True)
    call.router.set_group("ann", None)
    call.frame()
    assert bob.take() == [], "still paused"
    consumer.set_paused(False)
    call.frame()
    assert len(bob.take()) == 1


def test_moves_of_many_leave_those_who_stay_together_alone() -> None:
    call = Call()
    bob, carol = call.add("bob"), call.add("carol")
    for one in (bob, carol):
        one.consume(call.video)
    call.frame()
    bob.take(), carol.take()
    call.router.set_groups({"ann": "red", "bob": "red", "carol": "blue"})
    call.publisher.now += 1
    call.frame()
    assert (len(bob.take()), len(carol.take())) == (1, 0)
    call.router.set_groups(dict.fromkeys(("ann", "bob", "carol")))
    call.publisher.now += 1
    call.frame()
    assert (len(bob.take()), len(carol.take())) == (1, 1)


@pytest.mark.parametrize(
    ("groups", "sender", "to", "reached"),
    [
        ({}, "ann", None, {"bob", "carol", "dave"}),
        ({"bob": "red"}, "ann", None, {"carol", "dave"}),
        ({"bob": "red"}, "bob", None, set()),
        ({"bob": "red", "carol": "red"}, "bob", None, {"carol"}),
        ({"bob": "red", "carol": "blue"}, "bob", {"carol", "dave"}, set()),
        ({"ann": "red", "bob": "red", "carol": "blue", "dave": "blue"}, "dave", {"ann", "carol"}, {"carol"}),
    ],
)
def test_data_stays_in_the_group(
    groups: dict[str, str | None], sender: str, to: set[str] | None, reached: set[str]
) -> None:
    call = Call()
    for owner in ("bob", "carol", "dave"):
        call.add(owner)
    call.router.set_groups(groups)
    assert call.relay(sender, to) == reached
    call.router.set_groups(dict.fromkeys(groups))
    assert call.relay("ann") == {"bob", "carol", "dave"}


class Voices:
    """Producers of others that only have levels."""

    def __init__(self, *owners: str) -> None:
        self.router = Router(cast(Engine, None), "room")
        self.ears = self.router.listener = Ears()
        self.random = Random(3)
        self.now = 100.0
        for owner in owners:
            producer: Any = SimpleNamespace(id=f"{owner}-mic", owner=owner)
            self.router.producers[producer.id] = producer

    def talk(self, seconds: float, **levels: int) -> None:
        """Each given one is so loud (dBov, negated), others are not heard; the Router is asked as usual."""
        for step in range(round(seconds / FRAME_S)):
            self.now += FRAME_S
            for owner, level in levels.items():
                wobble = self.random.randrange(12) if level < 127 else 0
                self.router.on_level(f"{owner}-mic", min(level + wobble, 127), self.now)
            if step % 10 == 0:
                self.router.review_speakers(self.now)


def test_each_group_has_its_own_dominant_speaker() -> None:
    voices = Voices("ann", "bob", "carol")
    voices.router.set_groups({"bob": "red", "carol": "blue"})
    voices.talk(3, ann=25, bob=28, carol=30)
    for owner, group in (("ann", None), ("bob", "red"), ("carol", "blue")):
        dominant, levels = voices.ears.last(group)
        assert dominant == f"{owner}-mic"
        assert set(levels) == {f"{owner}-mic"}


def test_who_moves_is_heard_in_the_new_group_only() -> None:
    voices = Voices("ann", "bob")
    voices.talk(2, ann=127, bob=25)
    assert voices.ears.last(None)[0] == "bob-mic"
    voices.router.set_group("bob", "red")
    voices.ears.told.clear()
    voices.talk(2, ann=127, bob=25)
    assert voices.ears.last(None) == (None, {})
    assert voices.ears.last("red")[0] == "bob-mic"
    voices.router.set_group("bob", None)
    voices.ears.told.clear()
    voices.talk(2, bob=25)
    assert {group for group, _, _ in voices.ears.told} == {None}, "an empty group is told nothing"


def test_all_who_are_concerned_by_a_move_are_told_anew() -> None:
    voices = Voices("ann", "bob", "carol")
    voices.router.set_groups({"bob": "red"})
    voices.talk(0.4, ann=127, bob=127, carol=127)
    voices.ears.told.clear()
    voices.talk(0.4, ann=127, bob=127, carol=127)
    assert voices.ears.told == []
    voices.router.set_group("carol", "red")
    voices.router.set_group("carol", "red")
    voices.talk(0.4, ann=127, bob=127, carol=127)
    assert voices.ears.told == [(None, None, {}), ("red", None, {})]


def test_a_producer_that_has_ended_is_not_dominant() -> None:
    voices = Voices("ann", "bob")
    voices.router.set_groups({"ann": "red", "bob": "red"})
    voices.talk(2, bob=25)
    assert voices.ears.last("red")[0] == "bob-mic"
    voices.router.forget_producer(voices.router.producers["bob-mic"])
    voices.talk(0.4, bob=25)
    assert voices.ears.last("red") == (None, {})
