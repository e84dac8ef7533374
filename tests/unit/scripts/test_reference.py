"""The message reference is written from the models and current."""

from __future__ import annotations

import re

from scripts.reference import TARGET, reference
from signaling.catalogue import CATALOGUE


def test_reference_is_current() -> None:
    assert TARGET.read_text(encoding="utf-8") == reference(), "write it anew: make docs"


def test_every_message_and_every_link_is_there() -> None:
    text = reference()
    for name in CATALOGUE:
        assert f"### `{name}` " in text
    anchors = {
        re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()) for line in text.splitlines() if line.startswith("#")
    }
    for target in re.findall(r"\]\(#([^)]+)\)", text):
        assert target in anchors
