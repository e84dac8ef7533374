"""Whether this machine's clock is kept right: tokens, TURN credentials and certificates all go by it."""

from __future__ import annotations

import ctypes
import ctypes.util
import sys
from dataclasses import dataclass

from scripts.doctor.findings import Finding, ok, warn

_CHANGE = "timedatectl set-ntp true  # or another time service, such as chrony"
WARN_ERROR_S = 1.0
_TIME_ERROR = 5  # what adjtimex(2) returns while nobody keeps the clock
_STA_UNSYNC = 0x0040


@dataclass(frozen=True, slots=True)
class KernelClock:
    """What the kernel knows about its clock; ``error_s`` is the most that it may be off."""

    synchronised: bool
    error_s: float


class _Timex(ctypes.Structure):
    """``struct timex`` of adjtimex(2), as far as it is read here; the rest is room for what follows."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_long * 32),
    )


def check_clock() -> Finding:
    """Reading the kernel's state needs no privileges and changes nothing."""
    return judge_clock(kernel_clock())


def kernel_clock() -> KernelClock | None:
    """None where it cannot be asked: other systems than Linux, and containers that forbid it."""
    if sys.platform != "linux":
        return None
    state = _Timex()
    library = ctypes.CDLL(ctypes.util.find_library("c"))
    result = library.adjtimex(ctypes.byref(state))
    if result < 0:
        return None
    synchronised = result != _TIME_ERROR and not state.status & _STA_UNSYNC
    return KernelClock(synchronised, state.maxerror / 1e6)


def judge_clock(clock: KernelClock | None) -> Finding:
    """Of a clock that nobody keeps, one cannot say how wrong it is."""
    if clock is None:
        return ok("clock", "Whether the clock is kept right cannot be asked on this system.")
    if not clock.synchronised:
        text = "Nothing keeps the clock right: tokens, TURN credentials and certificates fail when it is wrong."
        return warn("clock", text, _CHANGE)
    if clock.error_s > WARN_ERROR_S:
        return warn("clock", f"The clock is kept, but may be off by {clock.error_s:.1f} s.", _CHANGE)
    return ok("clock", f"The clock is kept right, to {clock.error_s * 1000:.0f} ms at worst.")
