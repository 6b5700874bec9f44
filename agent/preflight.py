"""What `check` finds on the sensing side: one finding a line, each with its remedy."""

import time
from collections.abc import Iterator
from pathlib import Path

from agent.allow import AllowList
from agent.behaviours import load
from agent.capture import CaptureError, check_filter
from agent.classes import check as check_classes
from agent.config import ConfigError, Settings, is_expired
from agent.finding import Finding
from agent.preflight_capture import check_interfaces
from agent.preflight_clock import check_clock
from agent.preflight_filter import check_needs
from agent.preflight_trails import check_trails
from agent.preflight_units import check_units, shipped
from agent.scan import is_compiled
from agent.severity import SeverityTable
from agent.suppress import in_force

CAP_NET_RAW = 13  # linux/capability.h
MAX_LISTED = 50
"""Entries of the allow-list told one by one."""


def check(settings: Settings, state_dir: Path) -> Iterator[Finding]:
    """Yield what is right and wrong; changes nothing and needs no privileges."""
    yield from _rooms(settings)
    yield from _suppressions(settings)
    yield from _allowed(settings)
    yield from _capture(settings)
    yield from check_trails(settings, state_dir, time.time())
    yield from check_clock()
    yield from check_units(shipped())
    if not is_compiled():
        yield Finding("warning", "scanner: the plain build runs, slower by far; install a compiler")
    if not settings.outputs:
        yield Finding("warning", "outputs: none; events go nowhere, name one (see config.yaml)")


def _rooms(settings: Settings) -> Iterator[Finding]:
    """Make what is made from settings alone; whatever is wrong says so itself."""
    for name, make in (
        ("detections", lambda: load(settings.detections)),
        ("severity", lambda: SeverityTable(settings.severity.rules)),
        ("allow_list", lambda: AllowList.load(settings.allow_list, time.time_ns() // 1000)),
    ):
        try:
            made = make()
        except ConfigError as error:
            yield Finding("failure", str(error))
        else:
            count = f": {len(made)}" if isinstance(made, (dict, AllowList)) else ""
            yield Finding("ok", f"{name}{count}")


def _suppressions(settings: Settings) -> Iterator[Finding]:
    """Tell each entry: what nobody remembers hides what somebody looks for."""
    for entry in settings.suppress:
        try:
            check_classes(entry.classes, f"suppress: {entry.name}: classes")
        except ConfigError as error:
            yield Finding("failure", str(error))
    lasting = in_force(settings.suppress, time.time_ns() // 1000)
    for entry in settings.suppress:
        until = f"until {entry.until}" if entry.until else "without an end"
        what = f"suppress: {entry.name}, {until}: {' '.join(entry.reason.split())}"
        if entry in lasting:
            yield Finding("ok" if entry.until else "warning", what)
        else:
            yield Finding("warning", f"{what}; it has ended, take it out or renew it")


def _allowed(settings: Settings) -> Iterator[Finding]:
    """Tell the configured entries of the allow-list, and those that have run out."""
    try:
        allow = AllowList.load(settings.allow_list, time.time_ns() // 1000)
    except ConfigError:
        return  # told among the rooms
    entries = [entry for entry in allow if entry.kind == "entry"]
    for entry in entries[:MAX_LISTED]:
        reason = " ".join(entry.reason.split()) or "no reason given"
        if is_expired(entry.until, time.time_ns() // 1000):
            told = f"ended after {entry.until}: {reason}; take it out or renew it"
            yield Finding("warning", f"{entry.origin}: {told}")
        else:
            until = f"until {entry.until}" if entry.until else "without an end"
            yield Finding("ok", f"{entry.origin}: {entry.text}, {until}: {reason}")
    if len(entries) > MAX_LISTED:
        yield Finding("ok", f"allow_list.entries: {len(entries) - MAX_LISTED} more")


def _capture(settings: Settings) -> Iterator[Finding]:
    if settings.capture.filter:
        try:
            check_filter(settings.capture.filter)
        except CaptureError as error:
            yield Finding("failure", str(error))
        else:
            yield check_needs(settings.capture.filter, map(str, settings.networks.home))
    yield from check_interfaces(settings.capture)
    if not _has_net_raw():
        yield Finding(
            "warning",
            "capture: this process may not capture (CAP_NET_RAW); run it as root, or by its unit",
        )


def _has_net_raw() -> bool:
    """Tell whether CAP_NET_RAW is effective, from /proc (proc(5), CapEff)."""
    for line in (
        Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    ):
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> CAP_NET_RAW & 1)
    return False
