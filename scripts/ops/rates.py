"""What goes on per second, from two surveys of the service one after the other; values only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_COUNTED = ("packets_received", "packets_sent", "bytes_received", "bytes_sent", "messages_received", "messages_sent")


def per_second(before: dict[str, Any], after: dict[str, Any], seconds: float) -> list[dict[str, Any]]:
    """Each shard of ``after`` with rates; they are None for a shard that is new, silent or was started anew."""
    earlier = {shard["id"]: shard for shard in before["shards"]}
    return [_rates(earlier.get(shard["id"]), shard, seconds) for shard in after["shards"]]


def _rates(before: dict[str, Any] | None, after: dict[str, Any], seconds: float) -> dict[str, Any]:
    shard = {name: value for name, value in after.items() if name not in ("figures", "counters", "events")}
    now = after["figures"]
    shard["answers"] = now is not None
    names = [f"{name}_per_s" for name in _COUNTED]
    same = before is not None and before["incarnation"] == after["incarnation"]
    then = before["figures"] if before is not None and same else None
    if now is None or then is None or seconds <= 0:
        shard |= dict.fromkeys([*names, "loop_p99_ms", "forwarding_p99_ms"])
    else:
        shard |= {f"{name}_per_s": round((now[name] - then[name]) / seconds, 1) for name in _COUNTED}
        for kind in ("loop", "forwarding"):
            counts = [a - b for a, b in zip(now[f"{kind}_counts"], then[f"{kind}_counts"], strict=True)]
            shard[f"{kind}_p99_ms"] = quantile_ms(now[f"{kind}_bounds_s"], counts, 0.99)
    shard["loop_lag_ms"] = None if now is None else now["loop_lag_ms"]
    shard["redis_up"] = None if now is None else now["redis_up"]
    return shard


def quantile_ms(bounds_s: Sequence[float], counts: Sequence[int], share: float) -> float | None:
    """The bound in milliseconds below which ``share`` of the values lie; the last bound for those above all."""
    total, below = sum(counts), 0
    if not total:
        return None
    for bound, count in zip(bounds_s, counts, strict=False):
        below += count
        if below >= share * total:
            return round(bound * 1000, 3)
    return round(bounds_s[-1] * 1000, 3)
