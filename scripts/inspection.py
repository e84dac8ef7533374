"""The commands ``config check`` and ``config print``."""

from __future__ import annotations

from pathlib import Path

from rich.syntax import Syntax

from config.toml import render
from scripts import checks
from scripts.console import out
from scripts.loading import bad_settings, load_settings


def check(config: Path | None) -> None:
    """Say that the settings are good. Raises ``CommandError`` with all that is wrong."""
    loaded = load_settings(config)
    if problems := checks.problems(loaded.settings):
        raise bad_settings(problems)
    origin = f"file {loaded.file}" if loaded.file else "no file"
    out.print(f"[bold green]ok[/] the settings are good ({origin}, environment)", soft_wrap=True)


def print_settings(config: Path | None) -> None:
    """Print the settings in force as TOML, coloured on a terminal."""
    text = render(load_settings(config).settings)
    if out.is_terminal:
        out.print(Syntax(text, "toml", background_color="default"))
    else:
        out.file.write(text)
