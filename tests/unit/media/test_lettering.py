"""Names in letters that the usual typeface has not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PIL import ImageFont

from media import lettering


@pytest.fixture(autouse=True)
def latin_alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose first typeface is Pillow's own."""
    monkeypatch.setattr(lettering, "FURTHER_FONTS", ("/nowhere.ttf", lettering.FONTS[0]))
    monkeypatch.setattr(lettering, "FONTS", ())
    lettering.font.cache_clear()
    yield
    lettering.font.cache_clear()


@pytest.mark.parametrize(
    ("name", "usual"), [("Ann Lee", True), ("Жанна", False), ("Ann Ж", False), ("李", True), ("", True)]
)
def test_a_typeface_is_found_that_has_the_letters(name: str, usual: bool) -> None:
    """DejaVu Sans has Cyrillic; nothing here has Chinese, and then the usual one must do."""
    face = lettering.face_for(name, 20)
    assert isinstance(face, ImageFont.FreeTypeFont)
    assert (face.getname()[0] != "DejaVu Sans") is usual
