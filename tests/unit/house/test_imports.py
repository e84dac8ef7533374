"""Who may import whom, as docs/architecture.md says; read from the sources, so lazy imports count too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("sfu", "media", "signaling", "recorder", "streaming", "config", "scripts")

# Part → what it may import besides itself. The longest matching name decides; "sfu" alone is the engine's core.
ALLOWED: dict[str, tuple[str, ...]] = {
    "sfu.errors": (),
    "sfu.options": (),
    "sfu.rtp": ("sfu.errors",),
    "sfu.codecs": ("sfu.errors", "sfu.rtp"),
    "sfu.streams": ("sfu.errors", "sfu.rtp", "sfu.codecs"),
    "sfu.layers": ("sfu.errors", "sfu.rtp", "sfu.codecs", "sfu.streams"),
    "sfu.congestion": ("sfu.errors", "sfu.rtp", "sfu.codecs", "sfu.streams"),
    "sfu.speakers": ("sfu.errors", "sfu.rtp", "sfu.codecs", "sfu.streams"),
    "sfu.sdp": ("sfu.errors", "sfu.rtp", "sfu.codecs"),
    "sfu.ice": ("sfu.errors", "sfu.rtp"),
    "sfu.io": ("sfu.errors", "sfu.rtp", "sfu.ice"),
    "sfu": ("sfu",),
    "media": ("sfu.rtp", "sfu.codecs", "sfu.errors"),
    # The shard's side of workers stands on the engine; what runs in a worker does not load it.
    "media.jobs": ("sfu", "media"),
    "media.jobs.worker": ("media.feed",),
    "media.jobs.options": (),
    "recorder": ("sfu", "media"),
    "recorder.options": (),
    # What brings files to a store runs in workers, too: it loads nothing of the engine.
    "recorder.storage": ("recorder.options",),
    "recorder.model": (),
    "recorder.worker": ("media", "recorder.storage", "recorder.options", "recorder.model"),
    "streaming": ("sfu", "media"),
    "signaling": ("sfu",),
    "config": ("streaming.options", "sfu.options", "signaling.options", "media.jobs.options", "recorder.options"),
    "scripts": PACKAGES,
}
PURE = ("sfu.rtp", "sfu.codecs", "sfu.streams", "sfu.layers", "sfu.congestion", "sfu.speakers", "sfu.sdp", "sfu.ice")
IMPURE = ("asyncio", "socket", "selectors", "threading", "multiprocessing", "subprocess", "ssl", "time", "sched")


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of ours with its dotted name."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imports(name: str, source: str, *, is_package: bool = False) -> Iterator[str]:
    """Absolute names of all that ``source`` imports, wherever in the file it does so."""
    package = name if is_package else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def within(name: str, part: str) -> bool:
    return name == part or name.startswith(part + ".")


def part_of(name: str) -> str:
    return max((part for part in ALLOWED if within(name, part)), key=len)


def forbidden(name: str, imported: str) -> bool:
    """Whether the module ``name`` must not import ``imported``."""
    part = part_of(name)
    if within(imported, "tests"):
        return True
    ours = any(within(imported, package) for package in PACKAGES)
    return ours and not any(within(imported, allowed) for allowed in (part, *ALLOWED[part]))


@pytest.mark.parametrize(("name", "path"), list(modules()), ids=lambda value: value if isinstance(value, str) else "")
def test_imports_go_one_way(name: str, path: Path) -> None:
    found = [i for i in imports(name, path.read_text(), is_package=path.stem == "__init__") if forbidden(name, i)]
    assert not found, f"{name} must not import {', '.join(found)}"


@pytest.mark.parametrize("part", PURE)
def test_pure_parts_know_no_sockets_clocks_or_threads(part: str) -> None:
    for name, path in modules():
        if within(name, part):
            found = [i for i in imports(name, path.read_text()) if any(within(i, impure) for impure in IMPURE)]
            assert not found, f"{name} is pure: time comes in as now, not by {', '.join(found)}"


@pytest.mark.parametrize(
    ("name", "source", "bad"),
    [
        ("sfu.rtp.packet", "from sfu.codecs import info", True),
        ("sfu.rtp.packet", "from sfu.rtp import arithmetic", False),
        ("sfu.rtp.packet", "from .arithmetic import seq_diff", False),
        ("sfu.rtp.packet", "from ..codecs import info", True),
        ("sfu.io.link", "def f():\n    import sfu.router", True),
        ("sfu.transport", "from sfu.io.link import IceLink", False),
        ("sfu.transport", "import signaling.room", True),
        ("signaling.room", "from sfu.engine import Engine", False),
        ("signaling.room", "import config.settings", True),
        ("streaming.whip", "from signaling.room import Room", True),
        ("config.settings", "from signaling.options import AuthOptions", False),
        ("config.settings", "from signaling.room import Room", True),
        ("scripts.app", "import config, sfu, signaling", False),
        ("scripts.app", "from tests.support import fake", True),
    ],
)
def test_the_rule_itself_can_fail(name: str, source: str, bad: bool) -> None:
    assert any(forbidden(name, imported) for imported in imports(name, source)) is bad
