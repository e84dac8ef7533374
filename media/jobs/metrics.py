"""Figures of worker processes for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from media.jobs.manager import Jobs


class JobsCollector(Collector):
    """What runs, what it costs, what became of what ran."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def collect(self) -> Iterator[Metric]:
        """One family a figure; jobs of one kind are added up."""
        kinds: dict[str, list[float]] = {}
        for job in self._jobs.running.values():
            sums = kinds.setdefault(job.spec.kind, [0.0, 0.0, 0.0, 0.0, 0.0])
            dropped = job.sink.counters["packets_dropped"] if job.sink is not None else 0
            lag = float(job.status.get("lag_parts", 0))
            for place, value in enumerate((1.0, job.price.cpu, float(job.price.memory_bytes), float(dropped), lag)):
                sums[place] += value
        for place, (name, text) in enumerate(_GAUGES.items()):
            family = GaugeMetricFamily(f"plenum_{name}", text, labels=["kind"])
            for kind, sums in kinds.items():
                family.add_metric([kind], sums[place])
            yield family
        ended = CounterMetricFamily(
            "plenum_job_events", "Jobs started, done, failed, crashed, refused.", labels=["name"]
        )
        for name, count in self._jobs.counters.items():
            ended.add_metric([name], count)
        yield ended


_GAUGES = {
    "jobs": "Worker processes that run.",
    "job_cpu_cores": "What they use of processor cores now.",
    "job_memory_bytes": "Their resident memory.",
    "job_packets_dropped": "Packets that they were too slow for.",
    "job_upload_lag_parts": "Full parts that wait to be uploaded.",
}
