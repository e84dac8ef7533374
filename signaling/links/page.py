"""What a web page says about itself: title, description and picture, read from its head."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from urllib.parse import urljoin

from signaling.chat.text import clean_text
from signaling.links.addresses import RefusedLink, check_url
from signaling.messages.chat import LinkPreview

MAX_TITLE_CHARACTERS = 200
MAX_DESCRIPTION_CHARACTERS = 400
MAX_META = 200
# Only these parts are given to the parser, which would take long for half a megabyte of scripts.
_meta = re.compile(r"<meta\s[^<>]{1,4000}>", re.IGNORECASE)
_title = re.compile(r"<title(?:\s[^<>]{0,400})?>([^<]{1,4000})", re.IGNORECASE)
_charset = re.compile(rb"charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{1,40})", re.IGNORECASE)
_TITLES = ("og:title", "twitter:title")
_DESCRIPTIONS = ("og:description", "description", "twitter:description")
_PICTURES = ("og:image:secure_url", "og:image", "twitter:image")


def read_page(body: bytes, content_type: str, *, link: str, final_url: str) -> LinkPreview | None:
    """The preview of ``link``, whose page was found at ``final_url``; None if the page has no title."""
    text = _decode(body, content_type)
    said = _said(text)
    title = next((said[name] for name in _TITLES if name in said), None)
    if title is None:
        found = _title.search(text)
        title = unescape(found[1]) if found is not None else ""
    title = _line(title, MAX_TITLE_CHARACTERS)
    if not title:
        return None
    description = _line(next((said[name] for name in _DESCRIPTIONS if name in said), ""), MAX_DESCRIPTION_CHARACTERS)
    picture = next((said[name] for name in _PICTURES if name in said), None)
    return LinkPreview(
        url=link,
        title=title,
        description=description or None,
        image_url=_picture_url(picture, final_url) if picture else None,
    )


def _decode(body: bytes, content_type: str) -> str:
    declared = _charset.search(content_type.encode("latin-1", "replace")) or _charset.search(body[:2048])
    try:
        return body.decode(declared[1].decode("ascii") if declared is not None else "utf-8", "replace")
    except (LookupError, UnicodeError):
        return body.decode("utf-8", "replace")


class _Meta(HTMLParser):
    """Attributes of one tag."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found = {name: value or "" for name, value in attrs}


def _metas(text: str) -> Iterator[dict[str, str]]:
    for count, match in enumerate(_meta.finditer(text)):
        if count == MAX_META:
            return
        parser = _Meta()
        parser.feed(match[0])
        yield parser.found


def _said(text: str) -> dict[str, str]:
    said: dict[str, str] = {}
    for meta in _metas(text):
        name = (meta.get("property") or meta.get("name") or "").strip().lower()
        if name and meta.get("content", "").strip():
            said.setdefault(name, meta["content"])
    return said


def _line(text: str, limit: int) -> str:
    """One line of plain text."""
    line = " ".join(clean_text(text).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _picture_url(picture: str, final_url: str) -> str | None:
    """The absolute https address of a picture; None if a browser in somebody's network must not be sent there."""
    try:
        url = urljoin(final_url, picture.strip())
        if not url.isascii() or check_url(url).scheme != "https":
            return None
    except (ValueError, RefusedLink):
        return None
    return url
