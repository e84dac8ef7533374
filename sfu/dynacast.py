"""Which Encodings of a video anybody wants: what nobody does, its publisher need not send."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from sfu.ladder import in_order

if TYPE_CHECKING:
    from sfu.consumer import Consumer
    from sfu.encoding import Encoding
    from sfu.producer import Producer

UNWANTED_S = 2.0
"""So long nobody must want an Encoding before it is stopped: a layer that is left is often taken again soon."""


def wanted_by(consumer: Consumer) -> tuple[Encoding, ...]:
    """What its publisher has to send for one Consumer: what is chosen, and what is sent until that can begin."""
    if not consumer.may_send and consumer.entry is not None:
        return ()
    splicer = consumer.splicer
    if not consumer.chosen:
        best = consumer.producer.best_encoding(consumer.now())
        return () if best is None else (best,)
    if consumer.target is None:
        return ()
    if splicer.encoding is not None and splicer.is_running:
        return consumer.target.encoding, splicer.encoding
    return (consumer.target.encoding,)


class Dynacast:
    """Decides for one Producer of video; sound is always wanted, since who speaks is told by it."""

    def __init__(self, producer: Producer) -> None:
        self._producer: Producer = weakref.proxy(producer)  # whose own this is

    def wanted(self, now: float) -> set[Encoding]:
        """What somebody takes or is about to take, and the smallest as long as there is anything.

        Browsers begin anew with all encodings when they start one: the picture of those who receive another would
        suffer each time that somebody's path falls. The smallest costs little, and is at hand then. One that its
        publisher cannot send for now stays wanted while somebody takes the best that there is: to ask for it again and
        again would cost a key frame of the others each time.
        """
        producer = self._producer
        found: set[Encoding] = set()
        for consumer in producer.consumers.values():
            found.update(wanted_by(consumer))
            # One who wants the only Encoding is enough: there may be hundreds of others.
            if len(found) >= len(producer.encodings) and found.issuperset(producer.encodings):
                return found
        for piped in producer.pipes:
            found |= piped.wanted()
        if producer.sink_tracks:
            found.update(producer.encodings)
        if found:
            found.update(in_order(e for e in producer.encodings if e.stream.started)[:1])
            ladder = producer.ladder(now)
            if ladder and ladder[-1].encoding in found:
                found.update(e for e in producer.encodings if e.wanted and not e.steadiness.is_trusted(now))
        return found

    def want(self, encoding: Encoding, now: float) -> bool:
        """Somebody wants it from now on; True if it was not wanted before."""
        encoding.unwanted_since = None
        if encoding.wanted:
            return False
        encoding.wanted = True
        encoding.wanted_since = now
        encoding.steadiness.expect()
        return True

    def review(self, now: float) -> bool:
        """Look at all Encodings; True if one is wanted that was not, or the other way round."""
        wanted = self.wanted(now)
        changed = False
        for encoding in self._producer.encodings:
            if encoding in wanted:
                changed |= self.want(encoding, now)
            elif encoding.wanted:
                if encoding.unwanted_since is None:
                    encoding.unwanted_since = now
                elif now - encoding.unwanted_since >= UNWANTED_S:
                    encoding.wanted = False
                    changed = True
        return changed

    def layers(self) -> dict[str, bool]:
        """By RID, an Encoding without one under an empty name: whether it is wanted."""
        return {encoding.rid or "": encoding.wanted for encoding in self._producer.encodings}
