"""Dockerfile and compose file, judged by hadolint and by Compose itself. No image is built: that takes a daemon."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from config.loader import load
from scripts import checks
from tests.support.server import ROOT

FOLDER = ROOT / "deploy" / "docker"
BIN = Path(sys.executable).parent


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    done = subprocess.run(
        [str(BIN / "hadolint"), "--no-fail", "--format", "json", str(FOLDER / "Dockerfile")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == []


def test_hadolint_would_find_something(tmp_path: Path) -> None:
    bad = tmp_path / "Dockerfile"
    bad.write_text("FROM debian\nRUN cd /tmp && sudo true\n")
    done = subprocess.run([str(BIN / "hadolint"), str(bad)], capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "DL3004" in done.stdout


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The compose file as Compose understands it, with the example's variables filled in."""
    variables = tmp_path_factory.mktemp("compose") / "env"
    example = (FOLDER / ".env.example").read_text()
    variables.write_text(
        re.sub(r"^([A-Z0-9_]+)=$", r"\1=a-value-of-more-than-thirty-two-bytes", example, flags=re.MULTILINE)
    )
    command = [str(BIN / "docker-compose"), "--env-file", str(variables), "-f", str(FOLDER / "compose.yaml")]
    done = subprocess.run(
        [*command, "--profile", "monitoring", "config", "--format", "json"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and not done.stderr, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_all_parts_of_a_service_are_composed(composed: dict[str, Any]) -> None:
    assert composed["services"].keys() == {"plenum", "redis", "s3", "turn", "nginx", "prometheus"}
    for service in composed["services"].values():
        for volume in service.get("volumes", ()):
            if volume["type"] == "bind" and "/deploy/" in volume["source"]:
                assert Path(volume["source"]).exists(), volume["source"]


def test_the_settings_are_such_as_plenum_takes(
    composed: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in os.environ if name.startswith("PLENUM_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    for name, value in composed["services"]["plenum"]["environment"].items():
        monkeypatch.setenv(name, value)
    settings = load(None).settings  # raises with all that is wrong
    assert checks.problems(settings) == []
    assert settings.recording.s3.endpoint_url == "http://127.0.0.1:8333" and settings.rooms.turn.urls


def test_a_variable_that_is_not_set_is_told() -> None:
    command = [
        str(BIN / "docker-compose"),
        "--env-file",
        "/dev/null",
        "-f",
        str(FOLDER / "compose.yaml"),
        "config",
        "-q",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "set it in .env" in done.stderr
