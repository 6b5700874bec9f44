"""What `check` finds of own trails and the published set: readable, of use, young, signed."""

import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from agent import health
from agent.allow import AllowList
from agent.config import ConfigError, Origin, Settings
from agent.finding import Finding, Level
from agent.sets import build_own
from agent.shadows import doubled, shadows
from agent.trails.publish import current_set
from agent.trails.set import SetError, TrailSet

OLD_DAYS = 7.0
FUTURE_DAYS = 1.0
"""A set may be built where the clock is a little ahead."""

MAX_TOLD = 5
"""Keys told of one kind: a whole own list may be in the published set."""


def check_trails(settings: Settings, state_dir: Path, now: float) -> Iterator[Finding]:
    """Yield what is right and wrong with own trails and the published set."""
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
                "warning",
                f"own trails: {refused.count} can never match: {reason}: {samples}; correct them",
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
    yield _age(opened, now)
    yield from _signature(settings.update.origin, state_dir, opened.set_id, now)


def _age(opened: TrailSet, now: float) -> Finding:
    days = (now - opened.info.built_us / 1e6) / 86400
    what = f"trail set: {opened.set_id} with {opened.info.keys} trails, built"
    if days < -FUTURE_DAYS:
        return Finding("warning", f"{what} {-days:.0f} days from now; set this host's clock")
    said = f"{what} {max(days, 0.0):.0f} days ago"
    if days > OLD_DAYS:
        return Finding("warning", f"{said}; see maltrail-agent feeds, run maltrail-agent update")
    return Finding("ok", said)


def _signature(
    origin: Origin | None, state_dir: Path, set_id: str, now: float
) -> Iterator[Finding]:
    """Yield whether the set in use is the one that a trusted key signed, and until when."""
    if origin is None or not origin.keys:
        return
    try:
        told = health.read(state_dir / health.FILE)
    except FileNotFoundError:
        yield Finding("warning", "trail set: not taken from update.from yet; maltrail-agent update")
        return
    except PermissionError:
        return  # for root and the group of update
    except (OSError, ValueError) as error:
        yield Finding("warning", f"trail set: {health.FILE}: {error}; run maltrail-agent update")
        return
    if not told.signed or not told.set_id.startswith(set_id):
        what = f"trail set: {set_id} is not the one that a key of update.from signed"
        yield Finding("warning", f"{what}; run maltrail-agent update")
        return
    until = time.strftime("%Y-%m-%d", time.gmtime(told.expires))
    said = f"trail set: {set_id} is signed, until {until}"
    if told.expires < now:
        said = f"{said}, which is over"
        yield Finding("warning", f"{said}; publish it again: maltrail-agent trails publish")
    else:
        yield Finding("ok", said)


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
            f"allow-list entry {entry.text} ({entry.origin})"
            f"{'; take out one of the two' if level != 'ok' else ''}",
        )


def _doubled(own: TrailSet, published: TrailSet) -> Iterator[Finding]:
    """Tell that own trails take the place of published ones."""
    keys = list(doubled(own, published))
    if keys:
        named = ", ".join(keys[:MAX_TOLD])
        yield Finding(
            "ok", f"own trails: {len(keys)} stand in front of published ones, such as {named}"
        )
