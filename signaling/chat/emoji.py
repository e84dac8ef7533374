"""Whether a text is one emoji, told by the categories of its characters."""

from __future__ import annotations

import unicodedata

# Joiner, variation selector 16, keycap; modifiers (category Sk) and tags (flags of regions) are below.
_JOINING = frozenset("\u200d\ufe0f\u20e3")
_KEYCAPS = frozenset("0123456789#*")
MAX_CODE_POINTS = 16


def is_emoji(text: str) -> bool:
    """True for a picture character with what may belong to it; false for letters, markup and invisible text."""
    if not 0 < len(text) <= MAX_CODE_POINTS or not all(map(_may_be_part, text)):
        return False
    if text[0] in _KEYCAPS:
        return text[1:] in ("\u20e3", "\ufe0f\u20e3")
    return unicodedata.category(text[0]) in ("So", "Sm", "Po") and not any(part in _KEYCAPS for part in text)


def _may_be_part(character: str) -> bool:
    if character in _JOINING or character in _KEYCAPS:
        return True
    if 0xE0020 <= ord(character) <= 0xE007F or 0x1F3FB <= ord(character) <= 0x1F3FF:
        return True
    # Arrows are mathematical symbols, and U+203C and U+2049 punctuation; nothing of ASCII and Latin-1 but © and ®.
    return (ord(character) >= 0x2000 and unicodedata.category(character) in ("So", "Sm", "Po")) or character in "©®"
