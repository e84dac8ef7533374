"""Answers of commands: a table for people, JSON for programs."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

import typer


def show(rows: Sequence[dict[str, Any]], columns: Sequence[str], as_json: bool) -> None:
    """Print rows: ``columns`` as a table, or all there is as JSON."""
    if as_json:
        typer.echo(json.dumps(list(rows), indent=2))
        return
    from rich.table import Table

    from scripts.console import out

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name.replace("_", " "))
    for row in rows:
        table.add_row(*(_cell(name, row.get(name)) for name in columns))
    out.print(table)


def say(text: str, as_json: bool, **facts: Any) -> None:
    """Tell what was done."""
    typer.echo(json.dumps(facts) if as_json else text)


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "–"
    if name.endswith("_unix"):
        return f"{max(0, round(time.time() - value))} s ago"
    if name == "load" or name.endswith("loss"):
        return f"{value:.0%}" if name == "load" else f"{value:.1%}"
    if name.endswith("_bps"):
        return bitrate(value)
    if name.endswith("_bytes"):
        return f"{value / 1e6:.1f} MB"
    if name.endswith("_s"):
        return f"{round(value)} s"
    return str(value)


def bitrate(bps: float) -> str:
    """Bits a second for people."""
    return f"{bps / 1e6:.1f} Mbit/s" if bps >= 1e6 else f"{bps / 1e3:.0f} kbit/s"
