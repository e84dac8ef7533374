"""When to ask a publisher for a key frame: at once, seldom, and until it comes.

Every Consumer that starts, and every subscriber that lost its picture, wants a key frame of the same Encoding. One key
frame serves them all, so a request that is in flight answers the requests that follow it.
"""

from __future__ import annotations

MAX_REPEAT_S = 3.0
REPEAT_GROWTH = 1.25


class KeyFrameRequester:
    """Throttles and repeats the requests of one Encoding.

    Usage: send a PLI when :meth:`request` or :meth:`due` says so, and report each key frame's *first* packet.

    ``throttle_s`` is the least time between two requests; ``repeat_s`` the time after which an unanswered one is
    repeated (growing, since a publisher whose camera is off answers none).
    """

    __slots__ = ("_asked_at", "_in_flight", "_repeat", "_wanted", "asked", "repeat_s", "throttle_s")

    def __init__(self, throttle_s: float = 0.3, repeat_s: float = 0.5) -> None:
        self.throttle_s = throttle_s
        self.repeat_s = max(repeat_s, throttle_s)
        self.asked = 0
        self._asked_at = float("-inf")
        self._in_flight = False
        self._wanted = False
        self._repeat = self.repeat_s

    @property
    def pending(self) -> bool:
        """Whether a key frame is wanted that has not come yet."""
        return self._in_flight or self._wanted

    def request(self, now: float) -> bool:
        """Somebody needs a key frame. True: send a request now; False: one is under way or follows by :meth:`due`."""
        if now - self._asked_at < self.throttle_s:
            # While one is in flight its key frame will serve this wish too; after it came, ask again when we may.
            self._wanted = not self._in_flight
            return False
        self._repeat = self.repeat_s
        self._ask(now)
        return True

    def due(self, now: float) -> bool:
        """Whether to send a request now: one was held back by the throttle, or one stayed unanswered."""
        if self._in_flight:
            if now - self._asked_at < self._repeat:
                return False
            self._repeat = min(self._repeat * REPEAT_GROWTH, MAX_REPEAT_S)
        elif not self._wanted or now - self._asked_at < self.throttle_s:
            return False
        self._ask(now)
        return True

    def on_key_frame(self, now: float) -> None:
        """The first packet of a key frame arrived: whoever waited can begin."""
        self._in_flight = self._wanted = False
        self._repeat = self.repeat_s

    def _ask(self, now: float) -> None:
        self._asked_at = now
        self._in_flight = True
        self._wanted = False
        self.asked += 1


DAMPED_S, LONGEST_DAMPED_S, CALM_S = 0.4, 4.0, 5.0


class KeyFrameDamper:
    """Throttles what one subscriber asks for: a key frame costs all who watch, and who sits behind a bad path loses
    that one, too. Who asks again and again is heard ever more seldom."""

    __slots__ = ("_every_s", "_from")

    def __init__(self) -> None:
        self._from = float("-inf")
        self._every_s = DAMPED_S

    def may_ask(self, now: float) -> bool:
        """Whether to pass a request on now."""
        if now < self._from:
            return False
        calm = now - self._from > CALM_S
        self._every_s = DAMPED_S if calm else min(2 * self._every_s, LONGEST_DAMPED_S)
        self._from = now + self._every_s
        return True
