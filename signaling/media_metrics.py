"""The media engine's figures for Prometheus. Labels are ours alone: nothing that a peer names becomes one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from sfu.figures import MediaFigures
from sfu.measuring import PathFigures
from sfu.totals import Histogram

if TYPE_CHECKING:
    from signaling.hub import Hub

# What the engine counts that is no loss of a packet; all else in its counters is a reason why one was dropped.
_EVENTS = frozenset(
    (
        *("nacks_received", "nacks_sent", "key_frame_requests", "key_frame_requests_received", "packets_resent"),
        *("layer_changes", "pictures_paused", "pictures_cut_off", "rtcp_bye", "bug", "udp_gso_disabled"),
    )
)
_FAILED = "transport_"
QUANTILES = (0.5, 0.95, 1.0)
_ADAPTIVE = {
    "bps": "Bits a second towards all subscribers: estimated, wanted and allocated.",
    "limited_by": "Subscribers, by what limits the estimate of their path.",
    "consumers": "Tracks of all subscribers, by whether they are sent and why less than wished.",
    "queue": "The longest queue towards a subscriber, in milliseconds.",
}


def media_metrics(hub: Hub) -> Iterator[Metric]:
    """All families, from the latest survey, the totals and what was measured of each participant."""
    engine = hub.engine
    found, totals, counted = engine.surveyor.latest, engine.totals, engine.counters
    yield _pairs("packets", "RTP packets.", totals.packets_received, totals.packets_sent)
    yield _pairs("bytes", "Bytes of RTP, sealed.", totals.bytes_received, totals.bytes_sent)
    yield _pairs("nacks", "Packets asked for again.", counted["nacks_received"], counted["nacks_sent"])
    asked = counted["key_frame_requests_received"], counted["key_frame_requests"]
    yield _pairs("key_frame_requests", "Key frames asked for by subscribers, and by us of publishers.", *asked)
    yield CounterMetricFamily(
        "plenum_media_resent_packets", "Packets sent again because they were lost.", value=counted["packets_resent"]
    )
    yield CounterMetricFamily(
        "plenum_media_layer_changes", "Changes of what layer a subscriber is to get.", value=counted["layer_changes"]
    )
    frozen = CounterMetricFamily(
        "plenum_media_freezes_asked", "Pictures that we stopped because a path did not carry them.", labels=["kind"]
    )
    frozen.add_metric(["paused"], counted["pictures_paused"])
    frozen.add_metric(["until_key_frame"], counted["pictures_cut_off"])
    yield frozen
    text = "From the kernel's receipt of a packet until it was sent to its subscribers; a sample, without pacing."
    yield histogram("plenum_media_forwarding_seconds", text, totals.forwarding)
    yield _labelled("dropped_packets", "Packets of peers that were dropped.", "reason", _drops(counted))
    yield _labelled("transport_failures", "Connections that failed.", "reason", _failures(counted))
    yield CounterMetricFamily("plenum_media_bugs", "Failures of our own; the log says more.", value=counted["bug"])
    yield _labelled("counters", "The media engine's counters, by name.", "name", counted)
    yield from _counts(hub, found)
    yield from _adaptive(found)
    yield from _paths(hub)


def _pairs(name: str, text: str, received: int, sent: int) -> Metric:
    family = CounterMetricFamily(f"plenum_media_{name}", text, labels=["direction"])
    family.add_metric(["received"], received)
    family.add_metric(["sent"], sent)
    return family


def _labelled(name: str, text: str, label: str, values: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(f"plenum_media_{name}", text, labels=[label])
    for value_of, value in values.items():
        family.add_metric([value_of], value)
    return family


def _drops(counted: Counter[str]) -> dict[str, int]:
    return {name: n for name, n in counted.items() if name not in _EVENTS and not name.startswith(_FAILED)}


def _failures(counted: Counter[str]) -> dict[str, int]:
    return {name.removeprefix(_FAILED): n for name, n in counted.items() if name.startswith(_FAILED)}


def histogram(name: str, text: str, values: Histogram) -> Metric:
    """A histogram; Prometheus counts cumulatively."""
    buckets, below = [], 0
    for bound, count in zip((*values.bounds, float("inf")), values.counts, strict=True):
        below += count
        buckets.append(("+Inf" if bound == float("inf") else str(bound), float(below)))
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=values.sum)


def _counts(hub: Hub, found: MediaFigures) -> Iterator[Metric]:
    engine = hub.engine
    for name, text, value in (
        ("routers", "Forwarding domains, one a room.", len(engine.routers)),
        ("producers", "Tracks that are received.", sum(len(r.producers) for r in engine.routers.values())),
        ("consumers", "Tracks that are sent.", sum(found.states.values())),
        ("transports", "Connections of both roles.", sum(found.transports.values())),
    ):
        yield GaugeMetricFamily(f"plenum_media_{name}", text, value=value)
    connections = GaugeMetricFamily("plenum_media_connections", "Connections.", labels=["role", "state"])
    for (role, state), count in found.transports.items():
        connections.add_metric([role, state], count)
    yield connections
    paths = GaugeMetricFamily("plenum_media_paths", "Connections by how their packets arrive here.", labels=["kind"])
    for kind, count in found.paths.items():
        paths.add_metric([kind], count)
    yield paths
    states = GaugeMetricFamily("plenum_media_consumer_states", "Tracks that are sent.", labels=["kind", "state"])
    for (kind, state), count in found.states.items():
        states.add_metric([kind, state], count)
    yield states
    layers = GaugeMetricFamily(
        "plenum_media_layers", "Videos being sent, by their layer; 0 is the least.", labels=["spatial", "temporal"]
    )
    for (spatial, temporal), count in found.layers.items():
        layers.add_metric([str(spatial), str(temporal)], count)
    yield layers


def _adaptive(found: MediaFigures) -> Iterator[Metric]:
    for name, values in found.adaptive().items():
        family = GaugeMetricFamily(f"plenum_media_adaptive_{name}", _ADAPTIVE[name], labels=["name"])
        for label, value in values.items():
            family.add_metric([label], value)
        yield family


def _paths(hub: Hub) -> Iterator[Metric]:
    """What was measured of all participants in the last seconds."""
    levels: Counter[str] = Counter()
    ups: list[PathFigures] = []
    downs: list[PathFigures] = []
    for live in hub.rooms.values():
        for participant in live.room.participants.values():
            levels[participant.connection_quality or "unknown"] += 1
            figures = hub.quality.figures(live, participant.username)
            if figures.uplink is not None:
                ups.append(figures.uplink)
            if figures.downlink is not None:
                downs.append(figures.downlink)
    quality = GaugeMetricFamily(
        "plenum_media_quality", "Participants by the level of their connection.", labels=["level"]
    )
    for level in ("excellent", "good", "fair", "poor", "unknown"):
        quality.add_metric([level], levels[level])
    yield quality
    both = (("up", ups), ("down", downs))
    yield _quantiles("loss_ratio", "Share of packets lost on the way.", [(d, (p.loss for p in f)) for d, f in both])
    yield _quantiles(
        "jitter_seconds",
        "Jitter that the way adds.",
        [(d, (None if p.jitter_ms is None else p.jitter_ms / 1000 for p in f)) for d, f in both],
    )
    yield _quantiles(
        "round_trip_seconds",
        "Round trip between us and subscribers.",
        [("down", (None if p.rtt_ms is None else p.rtt_ms / 1000 for p in downs))],
    )


def _quantiles(name: str, text: str, groups: Iterable[tuple[str, Iterable[float | None]]]) -> Metric:
    family = GaugeMetricFamily(f"plenum_media_{name}", text, labels=["direction", "quantile"])
    for direction, values in groups:
        known = sorted(value for value in values if value is not None)
        if known:
            for share in QUANTILES:
                family.add_metric([direction, str(share)], known[min(len(known) - 1, int(share * len(known)))])
    return family
