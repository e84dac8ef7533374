"""The annotated example is current, complete and loads; settings in force are printed without secrets."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from pydantic import SecretStr

from config.loader import load
from config.settings import Settings
from config.toml import EXAMPLE_FILE, HIDDEN, example, render
from config.tree import leaves


def test_example_file_is_current() -> None:
    assert EXAMPLE_FILE.read_text() == example(), "write it anew: make docs"


def test_example_loads_to_the_defaults() -> None:
    assert load(EXAMPLE_FILE, environ={}).settings == Settings()


def test_example_is_complete() -> None:
    found, table = set(), ""
    for line in EXAMPLE_FILE.read_text().splitlines():
        if header := re.fullmatch(r"\[([a-z0-9_.]+)\]", line):
            table = header[1]
        elif entry := re.match(r"(?:# )?([a-z_0-9]+) = ", line):
            found.add(f"{table}.{entry[1]}")
    assert found == {".".join(path) for path, _ in leaves(Settings)}


def test_every_setting_of_the_example_is_explained() -> None:
    before = ""
    for line in EXAMPLE_FILE.read_text().splitlines():
        if re.match(r"[a-z_]+ = |# [a-z_]+ = \.\.\.", line):
            assert before.startswith("# "), f"no comment above {line}"
        before = line


def test_settings_in_force_can_be_read_again(tmp_path: Path) -> None:
    environ = {
        "PLENUM_HTTP__HOST": 'odd "host" \\ \u00e9',
        "PLENUM_MEDIA__ANNOUNCED_ADDRESSES": "1.2.3.4,::1",
        "PLENUM_ROOMS__ICE_SERVERS": '[{"urls": ["turn:x"], "username": "u"}]',
        "PLENUM_ROOMS__PERMISSIONS__GUEST__CAN_SEND_CHAT": "no",
    }
    settings = load(environ=environ, directory=tmp_path).settings
    path = tmp_path / "printed.toml"
    path.write_text(render(settings), encoding="utf-8")
    assert load(path, environ={}).settings == settings


def test_secrets_are_not_printed() -> None:
    settings = Settings.model_validate(
        {
            "auth": {"secret": SecretStr("s3cr3t-" * 8)},
            "redis": {"url": "redis://:s3cr3t@host/0"},
            "rooms": {"ice_servers": [{"urls": ["turn:x"], "credential": "s3cr3t"}]},
        }
    )
    text = render(settings)
    assert "s3cr3t" not in text
    assert tomllib.loads(text)["auth"]["secret"] == HIDDEN
