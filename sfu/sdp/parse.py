"""Text → SessionDescription (RFC 8866), with the attributes that WebRTC uses (RFC 9429 5.8).

Unknown lines and attributes are skipped; a known one that follows no format makes the whole text invalid.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from hashlib import blake2b

from sfu.errors import NegotiationError
from sfu.sdp.attributes import DIRECTIONS, SECTION_ATTRIBUTES, Draft
from sfu.sdp.grammar import number, token
from sfu.sdp.types import MediaSection, SessionDescription

MAX_TEXT_CHARS = 256 * 1024
MAX_SECTIONS = 256
_TOO_MANY = f"more than {MAX_SECTIONS} m-sections"
_OF_NO_SECTION = ("o=", "a=group:")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


Marks = tuple[bytes, list[bytes]]
"""What tells texts apart: of the session level, and of each section."""


class KnownSections:
    """The sections of the last description of one peer, by their texts: most come again as they were.

    They are shared by all descriptions that have them, and so not to be changed.
    """

    def __init__(self) -> None:
        self._session = b""
        self._sections: dict[bytes, MediaSection] = {}

    def find(self, session: str, parts: Sequence[str]) -> tuple[Marks, list[MediaSection | None]]:
        """What to ``keep`` by, and those of a description's ``parts`` that were there for the same session level."""
        # Origin and group change as sections come, and say nothing that would hold for one of them.
        general = _mark("\n".join(line for line in session.split("\n") if not line.startswith(_OF_NO_SECTION)))
        marks = [_mark(part.removesuffix("\n").removesuffix("\r")) for part in parts]
        known = self._sections if general == self._session else {}
        return (general, marks), [known.get(mark) for mark in marks]

    def keep(self, marks: Marks, sections: Sequence[MediaSection]) -> None:
        """These were read, and no others are of use any more."""
        self._session = marks[0]
        self._sections = dict(zip(marks[1], sections, strict=True))


def parse_sdp(text: str, known: KnownSections | None = None) -> SessionDescription:
    """The description in ``text``; lines may end in CRLF or LF.

    ``known``: what was read of the same peer before; it is brought up to date. Raises NegotiationError ``invalid_sdp``
    with the number of the line; at most 256 Ki characters and 256 sections.
    """
    if len(text) > MAX_TEXT_CHARS:
        raise NegotiationError("invalid_sdp", f"longer than {MAX_TEXT_CHARS} characters")
    session, *parts = text.split("\nm=")
    known = known or KnownSections()
    marks, found = known.find(session, parts)
    reader = _Reader()
    try:
        reader.read_all(session)
        for part, section in zip(parts, found, strict=True):
            if section is None:
                reader.read_all(f"m={part}")
            else:
                reader.take(section, part.count("\n") + 1)
        description = reader.finish()
    except ValueError as error:
        raise NegotiationError("invalid_sdp", str(error)) from None
    known.keep(marks, description.sections)
    return description


def _mark(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


class _Reader:
    """Reads line by line; every method raises ValueError for what follows no format."""

    def __init__(self) -> None:
        self.description = SessionDescription()
        self.session = Draft(MediaSection(kind=""))
        self.drafts: list[Draft | MediaSection] = []
        self.has_origin = False
        self.lines = 0

    def read_all(self, text: str) -> None:
        """The next lines; an error names the one it is about."""
        for line in text.split("\n"):
            try:
                self.read(self.lines, line.removesuffix("\r"))
            except ValueError as error:
                raise ValueError(f"line {self.lines + 1}: {error}") from None
            self.lines += 1

    def take(self, section: MediaSection, lines: int) -> None:
        """A section that has been read before, of so many lines."""
        if len(self.drafts) >= MAX_SECTIONS:
            raise ValueError(f"line {self.lines + 1}: {_TOO_MANY}")
        self.drafts.append(section)
        self.lines += lines

    def read(self, index: int, line: str) -> None:
        if index == 0:
            if line != "v=0":
                raise ValueError("a description begins with v=0")
            return
        if not line:
            return
        if _CONTROL.search(line):
            raise ValueError("control characters")
        if len(line) < 2 or line[1] != "=":
            raise ValueError("no <type>=<value>")
        kind, value = line[0], line[2:]
        if kind == "o" and not self.drafts:
            self._read_origin(value)
        elif kind == "m":
            self._read_media(value)
        elif kind == "a":
            self._read_attribute(value)

    def _read_origin(self, value: str) -> None:
        words = value.split(" ")
        if len(words) != 6:
            raise ValueError("o= has six fields")
        self.description.session_id = str(number(words[1], 2**64 - 1))
        self.description.session_version = number(words[2], 2**64 - 1)
        self.has_origin = True

    def _read_media(self, value: str) -> None:
        if len(self.drafts) >= MAX_SECTIONS:
            raise ValueError(_TOO_MANY)
        words = value.split()
        if len(words) < 4:
            raise ValueError("m= has a kind, a port, a protocol and at least one format")
        kind, port, protocol, *formats = words
        section = MediaSection(
            kind=token(kind),
            port=number(port.partition("/")[0], 65535),
            protocol="/".join(token(part) for part in protocol.split("/")),
            formats=tuple(dict.fromkeys(token(word) for word in formats)),
        )
        self.drafts.append(Draft(section))

    def _read_attribute(self, value: str) -> None:
        name, _, argument = value.partition(":")
        draft = self.drafts[-1] if self.drafts else self.session
        assert isinstance(draft, Draft)
        if name in DIRECTIONS:
            draft.direction = DIRECTIONS[name]
        elif name in SECTION_ATTRIBUTES:
            SECTION_ATTRIBUTES[name](draft, argument.strip())
        elif name in _SESSION_ATTRIBUTES and not self.drafts:
            _SESSION_ATTRIBUTES[name](self.description, argument.strip())

    def finish(self) -> SessionDescription:
        if not self.has_origin:
            raise ValueError("no o= line")
        description = self.description
        description.sections = [
            one if isinstance(one, MediaSection) else one.finish(self.session) for one in self.drafts
        ]
        mids = [section.mid for section in description.sections if section.mid]
        if len(set(mids)) != len(mids):
            raise ValueError("two sections with the same mid")
        if description.bundle is not None and not set(description.bundle) <= set(mids):
            raise ValueError("the BUNDLE group names a mid that no section has")
        return description


def _read_group(description: SessionDescription, argument: str) -> None:
    semantics, *mids = argument.split() or [""]
    if semantics == "BUNDLE" and description.bundle is None:
        description.bundle = tuple(dict.fromkeys(token(mid) for mid in mids))


def _read_ice_lite(description: SessionDescription, argument: str) -> None:
    description.ice_lite = True


def _read_extmap_allow_mixed(description: SessionDescription, argument: str) -> None:
    description.extmap_allow_mixed = True


def _read_msid_semantic(description: SessionDescription, argument: str) -> None:
    description.msid_semantic = True


_SESSION_ATTRIBUTES: dict[str, Callable[[SessionDescription, str], None]] = {
    "group": _read_group,
    "ice-lite": _read_ice_lite,
    "extmap-allow-mixed": _read_extmap_allow_mixed,
    "msid-semantic": _read_msid_semantic,
}
