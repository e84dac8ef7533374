"""What stops a command, in words for the operator, with an exit code that scripts may rely on."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of ``plenum``; the numbers follow sysexits.h where it has one, and stay."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    UNAVAILABLE = 69
    INTERNAL = 70
    CONFIG = 78
    INTERRUPTED = 130


class CommandError(Exception):
    """A command cannot go on: what is wrong, what to do about it, and the exit code."""

    def __init__(self, message: str, hint: str = "", code: ExitCode = ExitCode.UNAVAILABLE) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code
