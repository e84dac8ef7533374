"""What is counted as it changes is what one would find by going through all Consumers."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from sfu.census import Census, place_of
from sfu.consumer import Consumer
from sfu.figures import MediaFigures
from sfu.producer import Producer
from tests.support.plain_media import Publisher, Subscriber

STEPS = ("video", "key", "time", "add", "mute", "end")
CHANGES = ("pause", "bar", "unhear", "choose", "nothing", "explain", "remove")


class World:
    """A publisher with two layers and some subscribers, to whom things happen."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.publisher = Publisher(rids=("q", "f"))
        self.producers: list[Producer] = [self.publisher.publish_video()]
        self.census = Census()
        self.subscribers = [Subscriber(self.publisher, seed=n, census=self.census) for n in range(3)]
        self.alive: dict[Consumer, Subscriber] = {}
        for _ in range(4):
            self.add()

    def add(self) -> None:
        subscriber = self.random.choice(self.subscribers)
        self.alive[subscriber.consume(self.random.choice(self.producers))] = subscriber

    def step(self, name: str) -> None:
        publisher, now = self.publisher, self.publisher.now
        if name in ("video", "key"):
            place = self.random.randrange(2)
            publisher.video(key=name == "key", rid=publisher.rids[place], ssrc=1_000 + place)
        elif name == "time":
            publisher.now += self.random.choice((0.02, 0.5, 3.0))
            publisher.half.tick(publisher.now)
            for subscriber in self.subscribers:
                subscriber.half.report(publisher.now, publisher.now)
        elif name == "add":
            self.add()
        elif name == "mute" and not self.producers[0].closed:
            self.producers[0].set_muted(not self.producers[0].muted)
        elif name == "end":
            publisher.half.remove(self.producers[0])
        elif name in CHANGES and self.alive:
            self._change(self.random.choice(list(self.alive)), name, now)

    def _change(self, consumer: Consumer, name: str, now: float) -> None:
        if name == "pause":
            consumer.set_paused(not consumer.paused)
        elif name == "bar":
            consumer.set_barred(not consumer.barred)
        elif name == "unhear":
            consumer.set_unheard(not consumer.unheard)
        elif name == "choose":
            ladder = consumer.producer.ladder(now)
            if ladder:
                room_bps = self.random.choice((None, 100.0))
                rung, reason = self.random.choice(ladder), self.random.choice((None, "bandwidth"))
                consumer.choose(rung, reason, now, room_bps=room_bps)
        elif name == "nothing":
            consumer.choose(None, self.random.choice(("hidden", "bandwidth")), now)
        elif name == "explain":
            consumer.explain("no-media")
        elif name == "remove":
            self.alive.pop(consumer).half.remove(consumer)


@given(st.integers(0, 1 << 32), st.lists(st.sampled_from(STEPS + CHANGES), max_size=40))
def test_it_is_told_of_every_change(seed: int, steps: list[str]) -> None:
    world = World(seed)
    for name in steps:
        world.step(name)
        assert dict(world.census.counts()) == Counter(map(place_of, world.alive)), name


def test_figures_tell_what_is_sent_and_why_not() -> None:
    world = World(1)
    publisher = world.publisher
    for consumer in list(world.alive)[1:]:
        consumer.set_paused(True)
    publisher.video(key=True, rid="q")
    found = MediaFigures()
    found.add_consumers(world.census)
    assert found.states == {("video", "forwarding"): 1, ("video", "halted"): 3}
    assert found.consumers == {"sent:as wished": 1, "paused:off": 3}


def test_who_was_never_counted_may_be_forgotten() -> None:
    census, world = Census(), World(1)
    census.forget(next(iter(world.alive)))
    assert not list(census.counts())
