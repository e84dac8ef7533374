"""Judging a call by statistics that were sampled while it ran. Values in, values out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import Any

Sample = Mapping[str, Any]  # what probe.sample() of probe.js returns


@dataclass(frozen=True)
class VideoQuality:
    """How one received picture did between the first and the last sample."""

    frames: int
    frames_per_s: float
    longest_freeze_ms: float  # Chromium's own count: a frame that comes far later than the recent average
    frozen_share: float  # of the time, 0 to 1
    longest_gap_ms: float  # between samples that saw a new frame; as coarse as the sampling
    buffer_growth_ms: float  # mean jitter buffer delay of the last third less that of the first third
    key_frames: int
    width: int


@dataclass(frozen=True)
class AudioQuality:
    """How one received sound did between the first and the last sample."""

    energy: float
    concealed_share: float
    buffer_growth_ms: float
    packets: int


def inbound(samples: Sequence[Sample], kind: str) -> dict[tuple[int, str], list[Mapping[str, Any]]]:
    """Received streams of a kind, (peer, id) → its entries in the order of the samples, each with ``at`` in ms."""
    streams: dict[tuple[int, str], list[Mapping[str, Any]]] = {}
    for sample in samples:
        for entry in sample["inbound"]:
            if entry["kind"] == kind:
                streams.setdefault((entry["peer"], entry["id"]), []).append({**entry, "at": sample["at"]})
    return streams


def by_publication(samples: Sequence[Sample], kind: str) -> dict[str, list[Mapping[str, Any]]]:
    """As ``inbound``, by the publication that the stream showed when it was last seen."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for entries in inbound(samples, kind).values():
        publication = entries[-1]["publication"]
        if publication is not None:
            found[publication["publication_id"]] = entries
    return found


def judge_video(entries: Sequence[Mapping[str, Any]]) -> VideoQuality:
    first, last = entries[0], entries[-1]
    span_ms = max(1.0, last["at"] - first["at"])
    frames = last["framesDecoded"] - first["framesDecoded"]
    longest_freeze_s = 0.0
    longest_gap_ms = 0.0
    moved_at = first["at"]
    for before, after in pairwise(entries):
        freezes = after["freezeCount"] - before["freezeCount"]
        if freezes > 0:
            frozen_s = after["totalFreezesDuration"] - before["totalFreezesDuration"]
            longest_freeze_s = max(longest_freeze_s, frozen_s / freezes)
        if after["framesDecoded"] > before["framesDecoded"]:
            longest_gap_ms = max(longest_gap_ms, after["at"] - moved_at)
            moved_at = after["at"]
    longest_gap_ms = max(longest_gap_ms, last["at"] - moved_at)
    frozen_ms = (last["totalFreezesDuration"] - first["totalFreezesDuration"]) * 1000
    return VideoQuality(
        frames=frames,
        frames_per_s=frames / span_ms * 1000,
        longest_freeze_ms=longest_freeze_s * 1000,
        frozen_share=frozen_ms / span_ms,
        longest_gap_ms=longest_gap_ms,
        buffer_growth_ms=buffer_growth_ms(entries),
        key_frames=last["keyFramesDecoded"] - first["keyFramesDecoded"],
        width=last["frameWidth"] or 0,
    )


def judge_audio(entries: Sequence[Mapping[str, Any]]) -> AudioQuality:
    first, last = entries[0], entries[-1]
    samples = max(1, last["totalSamplesReceived"] - first["totalSamplesReceived"])
    return AudioQuality(
        energy=(last["totalAudioEnergy"] or 0.0) - (first["totalAudioEnergy"] or 0.0),
        concealed_share=(last["concealedSamples"] - first["concealedSamples"]) / samples,
        buffer_growth_ms=buffer_growth_ms(entries),
        packets=last["packetsReceived"] - first["packetsReceived"],
    )


def buffer_growth_ms(entries: Sequence[Mapping[str, Any]]) -> float:
    """How much longer packets wait in the jitter buffer at the end than at the beginning."""
    delays: list[float] = []
    for before, after in pairwise(entries):
        emitted = after["jitterBufferEmittedCount"] - before["jitterBufferEmittedCount"]
        if emitted > 0:
            delays.append((after["jitterBufferDelay"] - before["jitterBufferDelay"]) / emitted * 1000)
    third = len(delays) // 3
    if third == 0:
        return 0.0
    return fmean(delays[-third:]) - fmean(delays[:third])


def frames_sent(samples: Sequence[Sample]) -> int:
    """Frames that all video senders of a page sent between the first and the last sample."""

    def total(entries: Iterable[Mapping[str, Any]]) -> int:
        return sum(entry["framesSent"] or 0 for entry in entries if entry["kind"] == "video")

    return total(samples[-1]["outbound"]) - total(samples[0]["outbound"])
