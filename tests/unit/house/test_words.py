"""Small promises of the house: every module says what it is, and nothing is left to do in the sources."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
MODULES = [
    path
    for package in ("sfu", "media", "signaling", "recorder", "streaming", "config", "scripts")
    for path in sorted((ROOT / package).rglob("*.py"))
]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), "a module starts with a sentence about itself"
    assert "TODO" not in path.read_text(), "what is to do stands in the issues, not in the sources"
