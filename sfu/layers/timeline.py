"""The outgoing sequence numbers of one Consumer: which source packet each of them was.

Within an epoch the outgoing number is the incoming one plus a constant. A new epoch begins at every start, switch and
resumption, so that what the subscriber sees is one unbroken count, and a NACK can be traced back to the packet.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from sfu.layers.layer_filter import LayerFilter

MAX_EPOCHS = 64
"""Older epochs are forgotten: no subscriber asks again for packets of 64 switches ago."""


class Epoch(NamedTuple):
    """One stretch of unbroken forwarding; numbers are unwrapped (extended), ``source`` is the Encoding's SSRC.

    With a ``filter`` numbers are not just shifted: it knows them.
    """

    first_out: int
    source: int
    seq_offset: int
    ts_offset: int
    picture_delta: int
    tl0_delta: int
    frame_delta: int = 0
    filter: LayerFilter | None = None


class Traced(NamedTuple):
    """What an outgoing number was: its epoch, itself unwrapped, the source number, what was added to picture ids."""

    epoch: Epoch
    out: int
    source_seq: int
    picture_delta: int


class Timeline:
    """Gives out offsets so that numbers go on where the last epoch ended."""

    __slots__ = ("_epochs", "next_out")

    def __init__(self, first_seq: int) -> None:
        self._epochs: deque[Epoch] = deque(maxlen=MAX_EPOCHS)
        self.next_out = first_seq

    @property
    def current(self) -> Epoch | None:
        """The last epoch begun."""
        return self._epochs[-1] if self._epochs else None

    def begin(
        self,
        source: int,
        first_in: int,
        *,
        ts_offset: int = 0,
        picture_delta: int = 0,
        tl0_delta: int = 0,
        frame_delta: int = 0,
    ) -> Epoch:
        """Start an epoch whose first packet is ``first_in`` of the Encoding ``source``."""
        epoch = Epoch(self.next_out, source, self.next_out - first_in, ts_offset, picture_delta, tl0_delta, frame_delta)
        self._epochs.append(epoch)
        return epoch

    def filter_from(self, highest_in: int, *, renumbers_pictures: bool) -> LayerFilter:
        """Leave layers out of the current epoch from now on; ``highest_in``: the highest source number so far."""
        epoch = self._epochs[-1]
        if epoch.filter is not None:
            return epoch.filter
        first_in = epoch.first_out - epoch.seq_offset
        added = LayerFilter(
            first_in, epoch.seq_offset, epoch.picture_delta, highest_in, renumbers_pictures=renumbers_pictures
        )
        self._epochs[-1] = epoch._replace(filter=added)
        return added

    def highest_out(self, highest_in: int) -> int:
        """The highest outgoing number, when ``highest_in`` is the highest source number of the current epoch."""
        epoch = self._epochs[-1] if self._epochs else None
        if epoch is None:
            return self.next_out - 1
        out = highest_in + epoch.seq_offset if epoch.filter is None else epoch.filter.highest_out
        return max(self.next_out - 1, out)

    def end(self, last_in: int) -> None:
        """Close the current epoch; ``last_in`` is the highest source number that was forwarded."""
        self.next_out = self.highest_out(last_in) + 1

    def trace(self, seq: int, highest_out: int) -> Traced | None:
        """Trace a 16-bit sequence number a subscriber names.

        ``highest_out`` is the highest outgoing number so far; the name is taken as the nearest one not above it.
        """
        out = highest_out - ((highest_out - seq) & 0xFFFF)
        for epoch in reversed(self._epochs):
            if out >= epoch.first_out:
                if epoch.filter is None:
                    return Traced(epoch, out, out - epoch.seq_offset, epoch.picture_delta)
                source = epoch.filter.source_of(out)
                return None if source is None else Traced(epoch, out, *source)
        return None


def aligned_timestamp(last_out: int, elapsed_s: float, clock_rate: int, mapped_out: int | None) -> int:
    """The outgoing timestamp at which another Encoding goes on after ``last_out`` (32-bit units of the media clock).

    ``mapped_out`` is where sender reports put it. It is trusted when it lies ahead and within a second of what the
    local clock says; otherwise the local clock decides. Never at or behind ``last_out``: decoders drop such frames.
    """
    by_clock = max(1, round(elapsed_s * clock_rate))
    if mapped_out is not None:
        step = (mapped_out - last_out) & 0xFFFFFFFF
        if 0 < step < 0x80000000 and abs(step - by_clock) < clock_rate:
            return mapped_out & 0xFFFFFFFF
    return (last_out + by_clock) & 0xFFFFFFFF
