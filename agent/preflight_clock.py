"""What `check` finds of the clock: events carry its time, and a SIEM sorts by it."""

import ctypes
import os
from collections.abc import Iterator

from agent.finding import Finding

_STA_UNSYNC = 0x40  # linux/timex.h
_MAX_ERROR_US = 1_000_000
_REMEDY = "start chrony, ntpd or systemd-timesyncd, or wait until it has a time"


class _Timex(ctypes.Structure):
    """The begin of struct timex (adjtimex(2)); the kernel writes more than is read here."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    )


def check_clock() -> Iterator[Finding]:
    """Yield whether something keeps the clock right, by what the kernel knows of it."""
    try:
        now = _ask()
    except OSError as error:
        yield Finding("ok", f"clock: whether it is kept right cannot be told: {error.strerror}")
        return
    yield judge(is_kept=not now.status & _STA_UNSYNC, error_us=now.maxerror)


def judge(*, is_kept: bool, error_us: int) -> Finding:
    """Return what to say of a clock; `error_us` is how far it may be off, in microseconds."""
    if not is_kept:
        return Finding("warning", f"clock: nothing keeps it right; {_REMEDY}")
    seconds = error_us / 1e6
    if error_us > _MAX_ERROR_US:
        return Finding("warning", f"clock: may be off by {seconds:.1f} s; {_REMEDY}")
    return Finding("ok", f"clock: is kept right, off by at most {seconds:.3f} s")


def _ask() -> _Timex:
    """Read the state of the kernel's clock, changing nothing; raise OSError."""
    now = _Timex()
    if ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(now)) == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return now
