"""The command itself: its report, its JSON, its exit code."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path

import pytest

from scripts import cli
from scripts.failures import ExitCode
from tests.support.ports import free_media_port, free_tcp_port


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("PLENUM_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PLENUM_HTTP__HOST", "127.0.0.1")
    monkeypatch.setenv("PLENUM_HTTP__PORT", str(free_tcp_port()))
    monkeypatch.setenv("PLENUM_MEDIA__HOSTS", "127.0.0.1")
    monkeypatch.setenv("PLENUM_MEDIA__PORT", str(free_media_port()))
    monkeypatch.setenv("PLENUM_AUTH__SECRET", "a-secret-of-more-than-thirty-two-bytes")


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        cli.main(["doctor", *arguments])
    return int(caught.value.code or 0)


def test_a_server_that_can_serve(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert "ok    The settings are good." in lines
    assert lines[-1].endswith("0 to mend.")
    for line, following in itertools.pairwise(lines):
        if line.startswith(("warn", "fail")):
            assert following.startswith("      → "), "each trouble names the line to change"


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--json") == ExitCode.OK
    report = json.loads(capsys.readouterr().out)
    checks = {finding["check"] for finding in report["findings"]}
    assert {
        "settings",
        "http-port",
        "media-port",
        "hairpin",
        "reach",
        "turn",
        "tls",
        "redis",
        "clock",
        "udp-buffer",
        "files",
    } == checks
    assert report["ok"] + report["warn"] + report["fail"] == len(report["findings"])


def test_any_failure_is_an_exit_code(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PLENUM_AUTH__SECRET")
    assert run() == ExitCode.FINDINGS == 1
    assert "fail  auth.secret is not set" in capsys.readouterr().out
    assert run("--json") == 1
    assert json.loads(capsys.readouterr().out)["fail"] == 1


def test_settings_that_cannot_be_read(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLENUM_MEDIA__PORT", "many")
    assert run() == ExitCode.CONFIG
    assert "media.port" in capsys.readouterr().err
