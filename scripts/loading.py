"""Settings for a command, with failures as ``CommandError``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from config.loader import Loaded, SettingsError, load
from scripts.failures import CommandError, ExitCode

Given = Mapping[str, tuple[str, Any]]


def load_settings(config: Path | None, command_line: Given | None = None) -> Loaded:
    """Load the settings or raise ``CommandError`` that lists everything wrong with them."""
    try:
        return load(config, command_line=command_line)
    except SettingsError as error:
        raise bad_settings(error.problems) from error


def bad_settings(problems: list[str]) -> CommandError:
    """The failure of settings that cannot be used."""
    message = problems[0] if len(problems) == 1 else "\n".join(["", *(f"  - {problem}" for problem in problems)])
    return CommandError(f"in the settings: {message}", "`plenum config example` prints every setting.", ExitCode.CONFIG)
