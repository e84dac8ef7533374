"""What the doctor finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """``warn``: some clients will have trouble, or will have soon; ``fail``: the server cannot serve as it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. ``check`` is a stable name; ``change`` is the line to change, empty where all is well."""

    verdict: Verdict
    check: str
    text: str
    change: str = ""


def ok(check: str, text: str) -> Finding:
    """All is well."""
    return Finding(Verdict.OK, check, text)


def warn(check: str, text: str, change: str) -> Finding:
    """Some will have trouble."""
    return Finding(Verdict.WARN, check, text, change)


def fail(check: str, text: str, change: str) -> Finding:
    """This does not work."""
    return Finding(Verdict.FAIL, check, text, change)


def count(findings: Sequence[Finding], verdict: Verdict) -> int:
    """How many have that verdict."""
    return sum(1 for finding in findings if finding.verdict is verdict)


def reason(error: BaseException) -> str:
    """A failure of a socket in a few words."""
    if isinstance(error, TimeoutError):
        return "no answer"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
