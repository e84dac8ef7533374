"""Both ends of a pipe in virtual time: what the one queues reaches the other after a delay, or never."""

from __future__ import annotations

import json
from collections import Counter, deque
from random import Random

from sfu.layers.forward import Outlet
from sfu.layers.header_plan import PlanTable
from sfu.pipes.receiver import PipeReceiver
from sfu.pipes.sender import PipeSender
from sfu.pipes.track import PipedTrack
from sfu.producer import Producer
from tests.support.plain_media import OpenProtector, Publisher

DELAY_S = 0.002


class FarRouter:
    """The little that a receiving end needs of its Router."""

    def __init__(self) -> None:
        self.producers: dict[str, Producer] = {}
        self.levels: list[tuple[str, int]] = []

    def on_level(self, producer_id: str, level_dbov: int, now: float) -> None:
        self.levels.append((producer_id, level_dbov))

    def add_producer(self, producer: Producer) -> None:
        self.producers[producer.id] = producer

    def forget_producer(self, producer: Producer) -> None:
        self.producers.pop(producer.id, None)


class PipedRoom:
    """``publisher`` at the near end, ``far`` the Router at the other; time is the publisher's."""

    def __init__(self, publisher: Publisher, loss: float = 0.0) -> None:
        self.publisher = publisher
        self.loss = loss
        self.far = FarRouter()
        self.counters: Counter[str] = Counter()
        self.copies = 0
        self._random = Random(5)
        self._dirty: list[Outlet] = []
        self._outlet = Outlet(self._dirty)
        self._wire: deque[tuple[float, bool, bytes]] = deque()
        self.sender = PipeSender(
            outlet=self._outlet,
            protector=OpenProtector(),
            plans=PlanTable(),
            random=Random(3),
            send_rtcp=lambda data: self._wire.append((publisher.now + DELAY_S, True, data)),
            on_tracks=self._tell,
            counters=self.counters,
            now=lambda: publisher.now,
        )
        self.receiver = PipeReceiver(
            router=self.far,  # type: ignore[arg-type]
            random=Random(4),
            send_rtcp=lambda data: self._wire.append((publisher.now + DELAY_S, False, data)),
            counters=self.counters,
            history_packets=256,
            now=lambda: publisher.now,
        )

    def _tell(self) -> None:
        told = json.loads(json.dumps([track.values() for track in self.sender.tracks()]))
        self.receiver.update([PipedTrack.read(values) for values in told])

    def producer(self, producer: Producer) -> Producer:
        """The same one at the far end."""
        return self.far.producers[producer.id]

    def step(self, seconds: float = 0.005) -> None:
        """Let time pass, and what is on the way arrive."""
        publisher = self.publisher
        publisher.now += seconds
        for data in self._outlet.packets:
            self.copies += 1
            if self._random.random() >= self.loss:
                self._wire.append((publisher.now - seconds + DELAY_S, True, data))
        self._outlet.packets.clear()
        self._dirty.clear()
        while self._wire and self._wire[0][0] <= publisher.now:
            _, forth, data = self._wire.popleft()
            if not forth:
                self.sender.on_rtcp(data, publisher.now)
            elif 192 <= data[1] <= 223:
                self.receiver.on_rtcp(data, publisher.now, publisher.now)
            else:
                self.receiver.on_rtp(data, publisher.now)
        publisher.half.tick(publisher.now)
        self.sender.tick(publisher.now, publisher.now)
        self.receiver.tick(publisher.now)
