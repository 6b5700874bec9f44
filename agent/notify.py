"""Tell systemd how the process is doing (sd_notify), without libsystemd.

Everything here does nothing when the process was not started by systemd.
"""

import logging
import os
import socket
import time

_log = logging.getLogger("agent.notify")


def ready(status: str = "") -> None:
    """Say that start or reload is complete."""
    _send("READY=1" + _status(status))


def reloading() -> None:
    """Say that a reload begins; `ready` ends it."""
    now_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    _send(f"RELOADING=1\nMONOTONIC_USEC={now_us}")


def stopping(status: str = "") -> None:
    """Say that the process is on its way out."""
    _send("STOPPING=1" + _status(status))


def status(text: str) -> None:
    """Set the line that `systemctl status` shows."""
    _send(_status(text).strip())


def watchdog() -> None:
    """Say that the process is alive; call it only while everything that must run does."""
    if watchdog_limit():
        _send("WATCHDOG=1")


def limit_watchdog(seconds: float) -> None:
    """Have systemd wait so long for the next sign of life, from now on."""
    _send(f"WATCHDOG_USEC={int(seconds * 1_000_000)}")


def watchdog_expired() -> None:
    """Have systemd act as if no sign of life had come in time."""
    _send("WATCHDOG=trigger")


def watchdog_limit() -> float:
    """Return within how many seconds `watchdog` must be called, 0 where nobody watches us."""
    micros = os.environ.get("WATCHDOG_USEC", "")
    pid = os.environ.get("WATCHDOG_PID")
    # The variables are inherited: systemd watches one process, which may be our parent.
    if not micros.isdecimal() or (pid is not None and pid != str(os.getpid())):
        return 0.0
    return int(micros) / 1_000_000


def _status(text: str) -> str:
    """Return the STATUS line; a line break in it would start another assignment."""
    return "\nSTATUS=" + " ".join(text.split()) if text else ""


def _send(message: str) -> None:
    """Send one datagram to systemd; a failure is logged, never raised."""
    path = os.environ.get("NOTIFY_SOCKET")
    if not path or not message:
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.sendto(message.encode(), address)
    except OSError as error:
        _log.warning("systemd cannot be told %s: %s", message.partition("=")[0], error)
