"""The systemd units, judged by systemd; they are not started: that takes an init."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.server import ROOT

UNITS = ROOT / "deploy" / "systemd"
NAMES = ("plenum.service", "plenum-shard@.service")
MOST_EXPOSED = 2.0  # of 10; systemd calls all up to 4 "OK", an unhardened service has 9.6


def placed(name: str, folder: Path) -> Path:
    """The unit with a program that exists here in place of /opt/plenum."""
    unit = folder / name
    unit.write_text((UNITS / name).read_text().replace("/opt/plenum/bin/plenum", sys.executable))
    return unit


@pytest.mark.parametrize("name", NAMES)
def test_systemd_takes_it(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(placed(name, tmp_path))],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "plenum" in line]
    assert done.returncode == 0 and not ours, done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_it_may_do_next_to_nothing_else(name: str, tmp_path: Path) -> None:
    unit = placed(name.replace("@", "@1"), tmp_path) if "@" not in name else placed(name, tmp_path)
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found is not None, done.stdout + done.stderr
    assert float(found[1]) <= MOST_EXPOSED


def test_the_service_waits_for_what_stopping_takes() -> None:
    from config.settings import Settings

    settings = Settings()
    needed_s = settings.shards.drain_timeout_s + settings.jobs.stop_timeout_s
    for name in NAMES:
        found = re.search(r"^TimeoutStopSec=(\d+)$", (UNITS / name).read_text(), re.MULTILINE)
        assert found is not None and int(found[1]) > needed_s
