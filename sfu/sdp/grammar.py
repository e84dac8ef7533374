"""The small words of session descriptions. Each function raises ValueError for what is not such a word."""

from __future__ import annotations

import re
from collections.abc import Mapping

_TOKEN = re.compile(r"[!#-'*+\-.0-9A-Z^-~]{1,64}")
_RID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_UFRAG = re.compile(r"[A-Za-z0-9+/_=-]{4,256}")
_PWD = re.compile(r"[A-Za-z0-9+/_=-]{22,256}")
_FINGERPRINT = re.compile(r"[0-9A-F]{2}(:[0-9A-F]{2}){15,63}")
_PRINTABLE = re.compile(r"[ -~]{1,1024}")


def number(text: str, maximum: int) -> int:
    """A decimal number from 0 to ``maximum``."""
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        raise ValueError(f"not a number: {shorten(text)}")
    value = int(text)
    if value > maximum:
        raise ValueError(f"above {maximum}: {value}")
    return value


def token(text: str) -> str:
    """A token (RFC 8866 9) of at most 64 characters."""
    return _match(_TOKEN, text, "a token")


def rid(text: str) -> str:
    """A RID (RFC 8851 10)."""
    return _match(_RID, text, "a RID")


def ice_ufrag(text: str) -> str:
    """A user name fragment (RFC 8839 5.4); ``-``, ``_`` and ``=``, which some libraries write, are let pass."""
    return _match(_UFRAG, text, "an ICE user name fragment")


def ice_pwd(text: str) -> str:
    """An ICE password (RFC 8839 5.4)."""
    return _match(_PWD, text, "an ICE password")


def fingerprint(text: str) -> tuple[str, str]:
    """Hash function in lower case and value in upper case (RFC 8122 5)."""
    algorithm, _, value = text.partition(" ")
    return token(algorithm).lower(), _match(_FINGERPRINT, value.strip().upper(), "a fingerprint")


def printable(text: str) -> str:
    """1 to 1024 characters of printable ASCII."""
    return _match(_PRINTABLE, text, "printable ASCII")


def parse_format_parameters(text: str) -> dict[str, str]:
    """``a=1;b`` → ``{"a": "1", "b": ""}``: names in lower case, at most 64 of them."""
    parameters: dict[str, str] = {}
    for part in text.split(";")[:64]:
        name, _, value = part.strip().partition("=")
        if name.strip():
            parameters[printable(name.strip()).lower()] = printable(value.strip()) if value.strip() else ""
    return parameters


def write_format_parameters(parameters: Mapping[str, str]) -> str:
    """The reverse of ``parse_format_parameters``."""
    return ";".join(f"{name}={value}" if value else name for name, value in parameters.items())


def shorten(text: str) -> str:
    """A peer's text as it may stand in a message."""
    return ascii(text[:32])


def _match(pattern: re.Pattern[str], text: str, what: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(f"not {what}: {shorten(text)}")
    return text
