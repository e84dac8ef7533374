"""Redis goes away during a call, at real servers: media flow on, people chat and come in, and all is right after."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.redis_outage import How, Outage


@pytest.mark.parametrize(("how", "shards"), [("paused", 1), ("emptied", 2)])
async def test_a_call_goes_on_without_redis(tmp_path: Path, how: How, shards: int) -> None:
    report = await Outage(tmp_path, shards, 6.0, how).run()
    print(report)
    assert report["slowest_answer_s"] < 6
