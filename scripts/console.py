"""What the commands print for people: failures, and the welcome with the link to click."""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from scripts.failures import CommandError

out = Console(highlight=False, emoji=False)
err = Console(stderr=True, highlight=False, emoji=False)


def show_error(error: CommandError) -> None:
    """Print a failure and what to do about it, without a traceback."""
    err.print(f"[bold red]error:[/] {escape(error.message)}", soft_wrap=True)
    if error.hint:
        err.print(f"[dim]{escape(error.hint)}[/]", soft_wrap=True)


def working(text: str) -> AbstractContextManager[object]:
    """Say that something takes its time, as long as it does: on a terminal only, beside what is printed."""
    return err.status(text) if err.is_terminal else contextlib.nullcontext()


def progress_bar() -> Progress:
    """A bar for work of which is known how much there is; on standard error, and on a terminal only."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:.0f}/{task.total:.0f}"))
    return Progress(*columns, console=err, transient=True, disable=not err.is_terminal)


def show_welcome(title: str, rows: list[tuple[str, str]]) -> None:
    """Print what runs where."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", justify="right")
    table.add_column()
    for name, value in rows:
        table.add_row(name, Text(value))
    out.print(Panel.fit(table, title=f"[bold]{escape(title)}[/]", border_style="cyan", padding=(1, 2)))


def show_link(invitation: str, link: str) -> None:
    """Print a link alone on its line, so that a terminal makes all of it clickable."""
    out.print(f"\n  {escape(invitation)}\n", soft_wrap=True)
    out.print(Text(link, style=f"bold cyan link {link}"), soft_wrap=True)


def show_notes(notes: list[str]) -> None:
    """Print small hints below everything else."""
    out.print()
    for note in notes:
        out.print(f"  [dim]{escape(note)}[/]", soft_wrap=True)
