"""Texts of chat messages: plain text as it is stored, and safe HTML made from it.

``message`` is plain text: a client shows it as text. ``html`` is for clients that want links and line breaks: every
character of the text is escaped, and what comes out goes through nh3, which lets nothing pass but ``<a>`` and ``<br>``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

import nh3

# Control characters but tab and line feed; what changes the direction of what follows; lone surrogates; byte order
# marks.
_unwanted = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
_line_ends = re.compile(r"\r\n?|[\u2028\u2029\x85]")
_link = re.compile(r"https?://[^\s<>\"'`\\{}|^\x00-\x20]{1,2000}", re.IGNORECASE)
_TRAILING = ".,:;!?*_~"
_BRACKETS = {")": "(", "]": "["}
LINK_REL = "noopener noreferrer nofollow"


def clean_text(text: str) -> str:
    """``text`` with one kind of line end and without invisible characters that could deceive."""
    return _unwanted.sub("", _line_ends.sub("\n", text))


def find_links(text: str) -> Iterator[tuple[int, int]]:
    """Where the web addresses of ``text`` start and end, without the punctuation that closes a sentence."""
    for match in _link.finditer(text):
        start, end = match.span()
        while end > start and _is_outside(text, start, end):
            end -= 1
        if text[start:end].partition("://")[2]:
            yield start, end


def _is_outside(text: str, start: int, end: int) -> bool:
    """Whether the last character belongs to the sentence, not to the address."""
    last = text[end - 1]
    opening = _BRACKETS.get(last)
    return last in _TRAILING or (opening is not None and text.count(opening, start, end) < text.count(last, start, end))


def first_link(text: str) -> str | None:
    """The first web address of ``text``."""
    return next((text[start:end] for start, end in find_links(text)), None)


def render_html(text: str) -> str:
    """``text`` as HTML of nothing but text, links to web pages and line breaks."""
    parts: list[str] = []
    done = 0
    for start, end in find_links(text):
        address = escape(text[start:end])
        parts += [escape(text[done:start]), f'<a href="{address}">{address}</a>']
        done = end
    parts.append(escape(text[done:]))
    return nh3.clean(
        "".join(parts).replace("\n", "<br>"),
        tags={"a", "br"},
        attributes={"a": {"href"}},
        url_schemes={"http", "https"},
        url_relative="deny",
        link_rel=LINK_REL,
        # A link must not take the place of the call.
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
