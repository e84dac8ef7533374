"""The commands ``config check`` and ``config print``."""

from __future__ import annotations

import json
from pathlib import Path

import typer
from rich.syntax import Syntax

from config.loader import SettingsError, load
from config.toml import as_json_values, render
from scripts import checks
from scripts.console import out
from scripts.failures import ExitCode
from scripts.loading import bad_settings, load_settings


def check(config: Path | None, as_json: bool = False) -> None:
    """Say that the settings are good. Raises ``CommandError`` with all that is wrong."""
    if as_json:
        _check_as_json(config)
        return
    loaded = load_settings(config)
    if problems := checks.problems(loaded.settings):
        raise bad_settings(problems)
    origin = f"file {loaded.file}" if loaded.file else "no file"
    out.print(f"[bold green]ok[/] the settings are good ({origin}, environment)", soft_wrap=True)


def _check_as_json(config: Path | None) -> None:
    file: str | None = None
    try:
        loaded = load(config)
        file = str(loaded.file) if loaded.file else None
        problems = checks.problems(loaded.settings)
    except SettingsError as error:
        problems = error.problems
    typer.echo(json.dumps({"ok": not problems, "file": file, "problems": problems}, indent=2))
    if problems:
        raise typer.Exit(ExitCode.CONFIG)


def print_settings(config: Path | None, as_json: bool = False) -> None:
    """Print the settings in force as TOML, coloured on a terminal, or as JSON."""
    settings = load_settings(config).settings
    if as_json:
        typer.echo(json.dumps(as_json_values(settings), indent=2))
        return
    text = render(settings)
    if out.is_terminal:
        out.print(Syntax(text, "toml", background_color="default"))
    else:
        out.file.write(text)
