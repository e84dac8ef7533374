"""Defaults < file < environment < command line: read, merge, check, and say precisely what is wrong."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from config.settings import Settings
from config.sources import (
    CONFIG_VARIABLE,
    Source,
    SourceError,
    put,
    read_command_line,
    read_environment,
    read_file,
    variable,
)
from config.tree import Path as KeyPath
from config.tree import find, nearest

DEFAULT_FILE = Path("plenum.toml")


class SettingsError(Exception):
    """Settings that cannot be used: one complete sentence for the operator in each of ``problems``."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = list(problems)


@dataclass(frozen=True)
class Loaded:
    """The settings, the file they came from, and the raw values that were set by someone."""

    settings: Settings
    file: Path | None
    given: Mapping[str, Any]

    def is_set(self, dotted: str) -> bool:
        """Whether anyone set the value at this path, to whatever."""
        return _has(self.given, tuple(dotted.split(".")))


def load(
    file: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    command_line: Mapping[str, tuple[str, Any]] | None = None,
    directory: Path | None = None,
) -> Loaded:
    """Read the settings.

    ``file`` wins over the variable ``PLENUM_CONFIG``; without both, ``plenum.toml`` in ``directory`` (default: the
    working directory) is read if it exists. Raises ``SettingsError`` with every problem that was found.
    """
    environ = os.environ if environ is None else environ
    chosen = _chosen_file(file, environ, directory or Path())
    try:
        sources = [read_file(chosen)] if chosen else []
        sources += [read_environment(environ), read_command_line(command_line or {})]
    except SourceError as error:
        raise SettingsError([str(error)]) from error
    given: dict[str, Any] = {}
    for source in sources:
        _merge(given, source.values)
    # Starting from the defaults as a whole keeps the rest of a branch whose default differs from its model's own.
    values = Settings().model_dump()
    _merge(values, given)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError([_explain(details, sources) for details in error.errors()]) from None
    return Loaded(settings, chosen, given)


def _chosen_file(file: Path | None, environ: Mapping[str, str], directory: Path) -> Path | None:
    if file is not None:
        return file
    if named := environ.get(CONFIG_VARIABLE):
        return Path(named)
    default = directory / DEFAULT_FILE
    return default if default.exists() else None


def _merge(below: dict[str, Any], above: Mapping[str, Any]) -> None:
    for name, value in above.items():
        inner = below.get(name)
        if isinstance(value, Mapping) and isinstance(inner, dict):
            _merge(inner, value)
        elif isinstance(value, Mapping):
            put(below, (name,), {})
            _merge(below[name], value)
        else:
            below[name] = value


def _explain(details: ErrorDetails, sources: Sequence[Source]) -> str:
    """One sentence: what is wrong, where it stands, and what was probably meant."""
    location = tuple(str(part) for part in details["loc"])
    key = tuple(str(part) for part in details["loc"] if not isinstance(part, int))
    source = _origin(location, sources)
    place = f" ({source.place(key)})" if source else ""
    if details["type"] == "extra_forbidden" and source:
        return _unknown(key, source, place)
    return f"{'.'.join(location)}{place}: {_message(details)}"


def _origin(location: KeyPath, sources: Sequence[Source]) -> Source | None:
    """The strongest source that sets ``location``, else the nearest branch above it."""
    for length in range(len(location), 0, -1):
        for source in reversed(sources):
            if _has(source.values, location[:length]):
                return source
    return None


def _unknown(key: KeyPath, source: Source, place: str) -> str:
    written = source.variable_at(key)
    # The first unknown part of PLENUM_HTTPS__PORT is "https", but it is the whole variable that was mistyped.
    if written and len(written) > len(key):
        key = written
    meant = nearest(Settings, key)
    if meant is None:
        return f"unknown setting {'.'.join(key)}{place}"
    correct = variable(meant) if written == key else ".".join(meant)
    return f"unknown setting {'.'.join(key)}{place}; did you mean {correct}?"


def _message(details: ErrorDetails) -> str:
    message = details["msg"].removeprefix("Value error, ")
    if not message[:2].isupper():
        message = message[:1].lower() + message[1:]
    value = details["input"]
    if isinstance(value, str | int | float) and not _holds_secret(details):
        return f"{message}, not {value!r}"
    return message


def _holds_secret(details: ErrorDetails) -> bool:
    """Whether the value must not be repeated; what belongs to no known field might be a secret too."""
    field = find(Settings, tuple(part for part in details["loc"] if isinstance(part, str)))
    return field is None or not field.repr or "Secret" in str(field.annotation)


def _has(values: Any, path: KeyPath) -> bool:
    for name in path:
        if isinstance(values, list):
            if not name.isdigit() or int(name) >= len(values):
                return False
            values = values[int(name)]
        elif isinstance(values, Mapping) and name in values:
            values = values[name]
        else:
            return False
    return True
