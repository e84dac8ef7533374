"""Sends to one subscriber at a pace that its path bears, and keeps the books of what was sent for the estimate.

On a path whose limit is not known, or far away, packets pass at once: all that is done is to note their numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from sfu.congestion.estimator import BandwidthEstimator
from sfu.congestion.pacer import Pacer, Priority
from sfu.congestion.probe_results import ProbeCluster
from sfu.layers.forward import ForwardEntry, Held, Outlet
from sfu.layers.resending import release
from sfu.probing import Probe

Pad = Callable[[int, float], int]
"""Send about so many bytes of padding now; returns how many were sent."""


class Wire(Protocol):
    """The connection, as the pacer sees it."""

    watcher: PacedSender | None

    def send_paced(self, packets: Sequence[bytes]) -> None:
        """Send what was held back."""
        ...


class PacedSender:
    """``busy`` is the set of those that have to be served every few milliseconds: this one while it paces or probes."""

    def __init__(
        self, outlet: Outlet, wire: Wire, estimator: BandwidthEstimator, busy: set[PacedSender], now: float
    ) -> None:
        self.pacer: Pacer[Held] = Pacer(estimator.estimate_bps, now)
        self._outlet = outlet
        self._wire = wire
        self._estimator = estimator
        self._on_batch = estimator.on_batch
        self._busy = busy
        self._twcc_id = 0
        self._noted_seq = outlet.twcc_seq
        self._paces = False
        self._probe: Probe | None = None
        self._pad: Pad | None = None

    def start(self, twcc_id: int) -> None:
        """The subscriber takes transport-wide numbers, under this id of a header extension: take note of all."""
        self._twcc_id = twcc_id
        self._wire.watcher = self

    @property
    def is_numbered(self) -> bool:
        """Whether the subscriber takes transport-wide numbers, and so is to tell of them."""
        return self._wire.watcher is self

    @property
    def is_idle(self) -> bool:
        """Whether nothing is held back and no probe is under way."""
        return self._probe is None and not self._outlet.holding

    def on_flushed(self, packets: list[bytes], now: float) -> None:
        """A batch has been sent; what was held back meanwhile queues up."""
        outlet = self._outlet
        if outlet.held:
            self._queue(now)
        if not packets:
            return
        last = outlet.twcc_seq
        if self._probe is None and (last - self._noted_seq) & 0xFFFF == len(packets):
            self._noted_seq = last
            size = self._on_batch(last, packets, now)
        else:
            size = self._note(packets, now)
        # A probe is there to go faster than what is known to be carried.
        if self._paces and self._probe is None and not self.pacer.admits(size, now):
            self.pacer.charge(size, now)
            outlet.holding = True
            self._busy.add(self)

    def _queue(self, now: float) -> None:
        held, self._outlet.held = self._outlet.held, []
        for packet in held:
            size = len(packet.fixed) + len(packet.block.head) + len(packet.body)
            self.pacer.enqueue(packet, size, Priority(packet.entry.priority), now)

    def _note(self, packets: list[bytes], now: float) -> int:
        """As part of a probe, or where not all packets have a number; returns their bytes."""
        estimator, probe, last = self._estimator, self._probe, self._outlet.twcc_seq
        numbered, self._noted_seq = (last - self._noted_seq) & 0xFFFF, last
        cluster = None if probe is None else probe.cluster.id
        if numbered == len(packets):
            size = estimator.on_batch(last, packets, now, cluster)
        else:
            size = 0
            for packet in packets:
                size += len(packet)
                number = transport_number(packet, self._twcc_id)
                if number is None:
                    estimator.on_sent_unnumbered(len(packet))
                else:
                    estimator.on_sent(number, len(packet), now, cluster)
        if probe is not None:
            probe.on_sent(len(packets), size, now)
        return size

    # -- time ------------------------------------------------------------------------------------------------------

    def review(self, now: float) -> None:
        """Called with each tick: pace where the limit of the path is known and what is sent comes near it."""
        pacer, estimator = self.pacer, self._estimator
        pacer.set_estimate(estimator.estimate_bps, is_limit=True)
        pacer.review(estimator.sent_bytes, now)
        self._paces = estimator.is_limit_known and not pacer.direct

    def start_probe(self, cluster: ProbeCluster, pad: Pad, now: float) -> None:
        """Send a cluster: media as it comes, and ``pad`` for the rest."""
        self._probe, self._pad = Probe(cluster, now), pad
        self._busy.add(self)

    def serve(self, now: float) -> None:
        """Called every few milliseconds while busy: what was held back goes out at its pace, and so do probes."""
        pacer, outlet = self.pacer, self._outlet
        if self._probe is not None:
            self._send_padding(self._probe, now)
        due = pacer.due(now)
        if due:
            packets = [sealed for sealed in map(release, due) if sealed is not None]
            self._wire.send_paced(packets)
            self._note(packets, now)
        if outlet.holding and not pacer.queued_bytes and not outlet.held:
            outlet.holding = False
        if self.is_idle:
            self._busy.discard(self)

    def _send_padding(self, probe: Probe, now: float) -> None:
        assert self._pad is not None
        size = probe.due_bytes(now)
        while size > 0:
            sent = self._pad(probe.cluster.packet_bytes, now)
            if not sent:
                break
            size -= sent
        if probe.is_over(now):
            self._probe = None

    def discard(self, entry: ForwardEntry) -> None:
        """What is held back of this entry is not wanted any more."""
        self._outlet.held = [held for held in self._outlet.held if held.entry is not entry]
        self.pacer.discard(lambda held: held.entry is entry)

    def close(self) -> None:
        """Serve it no more."""
        self._busy.discard(self)
        self._probe = self._pad = None


def transport_number(packet: bytes, twcc_id: int) -> int | None:
    """The transport-wide number of a packet of ours, which is always its first header extension (RFC 8285)."""
    if not packet[0] & 0x10 or len(packet) < 20:
        return None
    if packet[12:14] == b"\xbe\xde":
        return int.from_bytes(packet[17:19], "big") if packet[16] >> 4 == twcc_id else None
    return int.from_bytes(packet[18:20], "big") if packet[16] == twcc_id else None
