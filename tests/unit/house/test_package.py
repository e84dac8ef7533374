"""What ``pip install`` brings: all packages, the browser client and the example settings, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
BUILD = "from setuptools import build_meta; build_meta.build_wheel('dist')"


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The files of a wheel that is built from a copy, so that nothing is left in the working tree."""
    copy = tmp_path_factory.mktemp("source") / "plenum"
    ignored = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "*.egg-info", "node_modules")
    shutil.copytree(ROOT, copy, ignore=ignored)
    done = subprocess.run([sys.executable, "-c", BUILD], cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = (copy / "dist").glob("plenum-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_every_module_and_every_file_of_the_browser_client_is_there(names: set[str]) -> None:
    packages = ("sfu", "media", "signaling", "recorder", "streaming", "config", "scripts")
    expected = [path for package in packages for path in (ROOT / package).rglob("*.py")]
    expected += [path for path in (ROOT / "web" / "static").rglob("*") if path.is_file()]
    expected += [ROOT / "web" / "index.html", ROOT / "config" / "plenum.example.toml"]
    missing = [str(path.relative_to(ROOT)) for path in expected if str(path.relative_to(ROOT)) not in names]
    assert not missing


def test_nothing_else_is_there(names: set[str]) -> None:
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops <= {"sfu", "media", "signaling", "recorder", "streaming", "config", "scripts", "web"}
    assert not [name for name in names if "node_modules" in name or name.startswith("web/package")]


def test_command_and_licence(names: set[str]) -> None:
    assert any(name.endswith("entry_points.txt") for name in names)
    assert any(name.endswith("LICENSE") for name in names)
