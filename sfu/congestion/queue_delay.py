"""How long packets stand in the path's queue, and the deeper cut that empties it.

The delay gradient says that a queue grows, not how long it is: after a fall of the path's rate a queue stays that was
built meanwhile, and 0.85 of the rate would take many seconds to empty it.
"""

from __future__ import annotations

HALF_WINDOW_S = 10.0
"""The base is the least of the last 10 to 20 s: clocks drift by 2 ms at most, and a longer route becomes the base."""
LEARNING_S = 6.0
LEARNT_UP_TO_S = 0.08
MOST_NOISE_S = 0.1
"""What jitter alone makes of the delay is learnt slowly, and only so far."""
STANDING_FROM_S = 0.01
REAL_FROM_S = 0.05
LONG_FROM_S = 0.12
DRAIN_FROM_S = 0.08
DRAIN_TO_S = 0.03
LONGEST_DRAIN_S = 3.0
"""If that much room empties no queue it is not ours (a greedy competitor, or a longer route): live with it."""
DEEPEST_FACTOR = 0.5


class QueueDelay:
    """``seconds``: one-way delay above the least of late. Needs no common clock."""

    __slots__ = (
        "_base_s",
        "_deviation_s",
        "_last_s",
        "_older_base_s",
        "_turned_at",
        "_typical_s",
        "_updated_at",
        "noise_s",
        "seconds",
    )

    def __init__(self) -> None:
        self.reset()

    @property
    def stands(self) -> bool:
        """Whether it is longer than jitter makes it: without this a rising trend is no overuse."""
        return self.seconds > STANDING_FROM_S + self.noise_s

    @property
    def is_long(self) -> bool:
        """Whether it is so long that the trend does not matter any more."""
        return self.seconds > LONG_FROM_S + self.noise_s

    def would_stand(self, one_way_s: float) -> bool:
        """Whether such a delay would be more than jitter makes."""
        return one_way_s > self.busy_from_s

    @property
    def is_real(self) -> bool:
        """Whether there is no doubt that it is one."""
        return self.seconds > REAL_FROM_S + self.noise_s

    @property
    def busy_from_s(self) -> float:
        """The one-way delay that only a queue makes."""
        return min(self._base_s, self._older_base_s) + STANDING_FROM_S + self.noise_s

    def reset(self) -> None:
        """Forget the base: the path changed."""
        self.seconds = self.noise_s = self._typical_s = self._deviation_s = self._last_s = 0.0
        self._updated_at: float | None = None
        self._base_s = self._older_base_s = float("inf")
        self._turned_at = float("-inf")

    def update(self, one_way_s: float, now: float, *, learn: bool = True) -> None:
        """The least one-way delay within one feedback (arrival minus sending, on two clocks).

        ``learn``: take it for what is usual here, which it is not while a queue of ours empties.
        """
        self._last_s = one_way_s
        if now - self._turned_at > HALF_WINDOW_S:
            self._older_base_s = self._base_s
            self._base_s = one_way_s
            self._turned_at = now
        elif one_way_s < self._base_s:
            self._base_s = one_way_s
        self.seconds = seconds = one_way_s - min(self._base_s, self._older_base_s)
        elapsed_s = 0.0 if self._updated_at is None else min(now - self._updated_at, 1.0)
        self._updated_at = now
        if not learn or self.is_long:
            return
        error_s = min(seconds, LEARNT_UP_TO_S) - self._typical_s
        weight = elapsed_s / LEARNING_S
        self._typical_s += error_s * weight
        self._deviation_s += (abs(error_s) - self._deviation_s) * weight
        self.noise_s = min(MOST_NOISE_S, self._typical_s + 2 * self._deviation_s)

    def accept(self, now: float) -> None:
        """Take the present delay for the base."""
        self._base_s = self._last_s
        self._older_base_s = float("inf")
        self._turned_at = now
        self.seconds = 0.0


class Drain:
    """While it is on, only ``factor`` of the rate is given out."""

    __slots__ = ("_queue", "_since", "factor")

    def __init__(self, queue: QueueDelay) -> None:
        self._queue = queue
        self._since: float | None = None
        self.factor = 1.0

    @property
    def active(self) -> bool:
        """Whether a queue is being emptied."""
        return self._since is not None

    def on_decrease(self, now: float) -> None:
        """The rate was cut for overuse."""
        if self._since is None and self._queue.seconds > DRAIN_FROM_S:
            self._since = now
        self.update(now)

    def update(self, now: float) -> None:
        """Look at the queue again."""
        if self._since is None:
            return
        queue_s = self._queue.seconds
        if now - self._since > LONGEST_DRAIN_S:
            self._queue.accept(now)
            self.stop()
        elif queue_s < DRAIN_TO_S:
            self.stop()
        else:
            # Aim at an empty queue within a second.
            self.factor = max(DEEPEST_FACTOR, 1.0 - queue_s)

    def stop(self) -> None:
        """Give out the whole rate again."""
        self._since = None
        self.factor = 1.0
