"""The last resort of a process that does not end, and the time before it."""

from __future__ import annotations

import subprocess
import sys

from config.settings import Settings
from scripts.stopping import longest_stop_s

_HANGS = """
import threading
from scripts.stopping import end_by_force, own_process
own_process()
end_by_force(0.2)
def hangs():
    threading.Event().wait()
threading.Thread(target=hangs).start()
print("the main thread is through")
"""


def test_a_thread_that_hangs_is_named_and_does_not_keep_the_process() -> None:
    ended = subprocess.run([sys.executable, "-c", _HANGS], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1 and "through" in ended.stdout
    assert "in hangs" in ended.stderr


def test_a_program_that_runs_a_server_within_itself_is_not_ended() -> None:
    within = "import time; from scripts.stopping import end_by_force; end_by_force(0.1); time.sleep(0.5); print('on')"
    ended = subprocess.run([sys.executable, "-c", within], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout == "on\n"


def test_workers_have_their_time_before_a_process_is_ended_by_force() -> None:
    settings = Settings.model_validate({"jobs": {"stop_timeout_s": 100}})
    settings.recording.enabled = True
    assert longest_stop_s(settings) > 100 + settings.shards.drain_timeout_s + settings.http.shutdown_timeout_s
