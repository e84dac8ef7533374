"""Where settings come from: a TOML file, environment variables, the command line.

Each source gives raw values as a tree of dicts, and can say for a path where exactly its value stands, so that an
error names a line or a variable and not only a key.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.settings import Settings
from config.tree import Path as KeyPath
from config.tree import branch, find, list_item

PREFIX = "PLENUM_"
CONFIG_VARIABLE = "PLENUM_CONFIG"
# A Kubernetes service that is called "plenum" puts these into the environment of every pod of its namespace.
_SERVICE_LINK = re.compile(r"PLENUM_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_\d+_(TCP|UDP)(_[A-Z]+)?)?)")


@dataclass(frozen=True)
class Source:
    """Raw values of one origin; ``place`` says where the value of a path stands, in words for an error message."""

    values: dict[str, Any]
    place: Callable[[KeyPath], str]
    variables: tuple[KeyPath, ...] = ()

    def variable_at(self, key: KeyPath) -> KeyPath | None:
        """The path of the environment variable that holds ``key`` or stands below it; None for other sources."""
        return next((v for v in self.variables if v[: len(key)] == key or key[: len(v)] == v), None)


class SourceError(Exception):
    """A source that cannot be read at all; the message is complete and for the operator."""


def read_file(path: Path) -> Source:
    """Read a TOML file. Raises ``SourceError`` if it is missing, unreadable or malformed."""
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except OSError as error:
        raise SourceError(f"cannot read the settings file {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise SourceError(f"the settings file {path} is not UTF-8 text (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise SourceError(f"the settings file {path} is not valid TOML: {error}") from error

    def place(key: KeyPath) -> str:
        line = _line_of(text, key)
        return f"{path}, line {line}" if line else str(path)

    return Source(values, place)


def read_environment(environ: Mapping[str, str]) -> Source:
    """Read all ``PLENUM_A__B`` variables; a list is written with commas or as JSON.

    Raises ``SourceError`` for a value that should be JSON and is not.
    """
    values: dict[str, Any] = {}
    names: dict[KeyPath, str] = {}
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name == CONFIG_VARIABLE or _SERVICE_LINK.fullmatch(name):
            continue
        key = tuple(name.removeprefix(PREFIX).lower().split("__"))
        names[key] = name
        put(values, key, _from_text(name, key, environ[name]))

    def place(key: KeyPath) -> str:
        holder = source.variable_at(key)
        return f"environment variable {names[holder]}" if holder else "environment"

    source = Source(values, place, tuple(names))
    return source


def read_command_line(given: Mapping[str, tuple[str, Any]]) -> Source:
    """Take options of the command line: setting path with dots → (option as typed, value); None means not given."""
    values: dict[str, Any] = {}
    options: dict[KeyPath, str] = {}
    for dotted, (option, value) in given.items():
        if value is not None:
            key = tuple(dotted.split("."))
            put(values, key, value)
            options[key] = option
    return Source(values, lambda key: f"command line option {options[key]}" if key in options else "command line")


def variable(key: KeyPath) -> str:
    """The name of the environment variable that sets ``key``."""
    return PREFIX + "__".join(key).upper()


def put(values: dict[str, Any], key: KeyPath, value: Any) -> None:
    """Set ``key`` in a tree of dicts; a value that stands where a branch is needed gives way."""
    for name in key[:-1]:
        inner = values.get(name)
        if not isinstance(inner, dict):
            inner = values[name] = {}
        values = inner
    values[key[-1]] = value


def _from_text(name: str, key: KeyPath, text: str) -> Any:
    field = find(Settings, key)
    if field is None:
        return text
    item = list_item(field.annotation)
    if branch(field.annotation) or (item is not None and (branch(item) or text.lstrip().startswith("["))):
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise SourceError(f"environment variable {name} must hold JSON: {error}") from error
    if item is not None:
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _line_of(text: str, key: KeyPath) -> int | None:
    """The line of ``key`` in TOML text, as well as it can be told without a parser that keeps positions."""
    table: KeyPath = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[\[?\s*([^\]]+?)\s*\]", line):
            table = _split_key(header[1])
            if table == key:
                return number
        elif (entry := re.match(r"\s*([A-Za-z0-9_.\"'\- ]+?)\s*=", line)) and (*table, *_split_key(entry[1])) == key:
            return number
    return None


def _split_key(dotted: str) -> KeyPath:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
