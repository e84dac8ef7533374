"""Packets sent close together, and how much further apart such bursts arrive than they were sent.

draft-ietf-rmcat-gcc-02, section 5.2 (pre-filtering): packets within 5 ms are one burst, and so are packets that a
stalled hop let go all at once.
"""

from __future__ import annotations

from sfu.congestion.sent import Run

BURST_S = 0.005
MAX_BURST_S = 0.1
MAX_STEP_S = 3.0
"""Clocks that drift apart by more between two bursts were reset, or there was an outage: begin anew."""


Burst = tuple[float, float, float, float, int]
"""A finished burst, compared with the one before it: send delta, arrival delta, arrival (receiver clock), one-way delay
(arrival minus sending on two clocks: only its changes mean something), all in seconds; size in bytes. A plain tuple,
because a named one costs as much as the rest of its making."""


class BurstGrouper:
    """Collects packets to bursts. Needs two bursts before the first comes out."""

    __slots__ = (
        "_arrival_s",
        "_bytes",
        "_first_arrival_s",
        "_first_send_s",
        "_one_way_s",
        "_previous_arrival_s",
        "_previous_send_s",
        "_send_s",
        "resets",
        "within_s",
    )

    def __init__(self) -> None:
        self.resets = 0
        self.within_s = BURST_S
        """Packets sent within this are one burst; more makes fewer bursts, where a rough look will do."""
        self.reset()

    @property
    def open_one_way_s(self) -> float:
        """The least one-way delay in the burst that is not finished yet."""
        return self._one_way_s

    def reset(self) -> None:
        """Begin anew."""
        self._bytes = 0
        self._first_send_s = self._send_s = self._previous_send_s = -1.0
        self._first_arrival_s = self._arrival_s = self._previous_arrival_s = -1.0
        self._one_way_s = 0.0

    def add(self, runs: list[Run]) -> list[Burst]:
        """Take packets in the order of arrival; returns the bursts that they complete."""
        finished: list[Burst] = []
        size, one_way, within = self._bytes, self._one_way_s, self.within_s
        first_send, last_send = self._first_send_s, self._send_s
        first_arrival, last_arrival = self._first_arrival_s, self._arrival_s
        for send, begin, end, run_bytes, _, _ in runs:
            if size:
                if send < first_send:
                    continue  # overtaken by a whole burst: says nothing about the queue now
                step = begin - last_arrival
                belongs = send - first_send <= within or (
                    step <= BURST_S and step < send - last_send and begin - first_arrival < MAX_BURST_S
                )
                if belongs:
                    size += run_bytes
                    if send > last_send:
                        last_send = send
                    if end > last_arrival:
                        last_arrival = end
                    if begin - send < one_way:
                        one_way = begin - send
                    continue
                self._finish(last_send, last_arrival, one_way, size, finished)
            size = run_bytes
            first_send = last_send = send
            first_arrival, last_arrival = begin, end
            one_way = begin - send
        self._bytes, self._one_way_s = size, one_way
        self._first_send_s, self._send_s = first_send, last_send
        self._first_arrival_s, self._arrival_s = first_arrival, last_arrival
        return finished

    def _finish(self, send: float, arrival: float, one_way: float, size: int, finished: list[Burst]) -> None:
        previous_send, previous_arrival = self._previous_send_s, self._previous_arrival_s
        self._previous_send_s, self._previous_arrival_s = send, arrival
        if previous_send < 0:
            return
        send_delta, arrival_delta = send - previous_send, arrival - previous_arrival
        if abs(arrival_delta - send_delta) > MAX_STEP_S or send_delta > MAX_STEP_S:
            self.resets += 1
            return
        finished.append((send_delta, arrival_delta, arrival, one_way, size))
