"""What `check` finds on the sensing side: one finding a line, each with its remedy."""

import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple

from agent.allow import AllowList
from agent.behaviours import load
from agent.capture import SYSFS, CaptureError, check_filter, wanted
from agent.classes import check as check_classes
from agent.config import ConfigError, Settings, is_expired
from agent.scan import is_compiled
from agent.sets import build_own
from agent.severity import SeverityTable
from agent.shadows import doubled, shadows
from agent.suppress import in_force
from agent.trails.publish import current_set
from agent.trails.set import SetError, TrailSet

CAP_NET_RAW = 13  # linux/capability.h
OLD_SECONDS = 7 * 86400
MAX_LISTED = 50
"""Entries of the allow-list told one by one."""
MAX_TOLD = 5
"""Keys told of one kind: a whole own list may be in the published set."""

Level = Literal["ok", "warning", "failure"]


class Finding(NamedTuple):
    """One line of `check`."""

    level: Level
    text: str


def check(settings: Settings, state_dir: Path) -> Iterator[Finding]:
    """Yield what is right and wrong; changes nothing and needs no privileges."""
    yield from _rooms(settings)
    yield from _suppressions(settings)
    yield from _allowed(settings)
    yield from _capture(settings)
    yield from _trails(settings, state_dir)
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
    for name in settings.capture.interfaces:
        if name not in ("auto", "any") and not (SYSFS / name).exists():
            yield Finding("warning", f"capture.interfaces: {name} does not exist (yet)")
    names = sorted(wanted(settings.capture.interfaces))
    found = ", ".join(names) or "nothing at the moment"
    yield Finding("ok" if names else "warning", f"capture.interfaces: {found}")
    if not _has_net_raw():
        yield Finding(
            "warning",
            "capture: this process may not capture (CAP_NET_RAW); the service may, by its unit",
        )


def _trails(settings: Settings, state_dir: Path) -> Iterator[Finding]:
    own = None
    try:
        own = build_own(settings, 0)
    except ConfigError as error:
        yield Finding("failure", str(error))
    else:
        yield Finding("ok", f"own trails: {own.info.keys}")
        for reason, refused in own.info.inert.items():
            samples = ", ".join(refused.samples)
            yield Finding(
                "warning", f"own trails: {refused.count} can never match: {reason}: {samples}"
            )
        yield from _shadowed(own, settings, "own", "warning")
    path = current_set(state_dir)
    if path is None:
        yield Finding("warning", f"trail set: none in {state_dir}; run maltrail-agent update")
        return
    try:
        opened = TrailSet.open(path)
        opened.verify()
    except SetError as error:
        yield Finding("failure", f"trail set: {error}")
        return
    if own is not None:
        yield from _doubled(own, opened)
    yield from _shadowed(opened, settings, "published", "ok")
    age = time.time() - opened.info.built_us / 1e6
    level: Level = "warning" if age > OLD_SECONDS else "ok"
    days = f", built {age / 86400:.0f} days ago"
    yield Finding(level, f"trail set: {opened.set_id} with {opened.info.keys} trails{days}")


def _shadowed(trails: TrailSet, settings: Settings, whose: str, level: Level) -> Iterator[Finding]:
    """Tell trails that the allow-list keeps quiet."""
    try:
        allow = AllowList.load(settings.allow_list, time.time_ns() // 1000)
    except ConfigError:
        return  # told among the rooms
    for shadow in islice(shadows(trails, allow), MAX_TOLD):
        entry, more = shadow.entry, ", ..." if shadow.size > len(shadow.samples) else ""
        yield Finding(
            level,
            f"{whose} trails: {', '.join(shadow.samples)}{more} ({shadow.size}): never reported: "
            f"allow-list entry {entry.text} ({entry.origin})",
        )


def _doubled(own: TrailSet, published: TrailSet) -> Iterator[Finding]:
    """Tell that own trails take the place of published ones."""
    keys = list(doubled(own, published))
    if keys:
        named = ", ".join(keys[:MAX_TOLD])
        yield Finding(
            "ok", f"own trails: {len(keys)} stand in front of published ones, such as {named}"
        )


def _has_net_raw() -> bool:
    """Tell whether CAP_NET_RAW is effective, from /proc (proc(5), CapEff)."""
    for line in (
        Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    ):
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> CAP_NET_RAW & 1)
    return False
