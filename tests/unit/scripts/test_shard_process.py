"""What a shard's process tells the supervisor that started it."""

from __future__ import annotations

import json
import os
from types import SimpleNamespace
from typing import Any

from scripts.shard_process import say

SERVER: Any = SimpleNamespace(media_port=5000, media_tcp_port=5001, shard_id="one")


def test_it_says_where_it_listens() -> None:
    reads, writes = os.pipe()
    say(writes, SERVER)
    with os.fdopen(reads) as pipe:
        assert json.loads(pipe.read()) == {"media_port": 5000, "media_tcp_port": 5001, "shard": "one"}


def test_a_supervisor_that_stops_meanwhile_is_no_failure() -> None:
    reads, writes = os.pipe()
    os.close(reads)
    say(writes, SERVER)
