"""Run the behaviours that judge keys: counted keys in, hits out, each key told once a window.

A key that is hot without telling anything yet is judged again each second: with several workers
the last probe may reach one that counted few, and answers need their time.
"""

import difflib
import ipaddress
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from agent import config, plugins
from agent.allow import AllowList
from agent.detections import (
    GRACE_SECONDS,
    Counted,
    Detection,
    Examiner,
    Finding,
    KeyDetection,
    RateDetection,
    Table,
)
from agent.direction import Home
from agent.model import BEHAVIOUR_PREFIX, Endpoint, Hit
from agent.protocols import label
from agent.scan.bank import Bank
from agent.scan.counters import Distinct, DistinctRow, HotKey
from agent.scan.rates import LATE_SECONDS, Rates
from agent.scan.sketches import Sketches
from agent.severity import SeverityTable

ICMP = 1
SECOND_US = 1_000_000
MAX_MUTED = 65_536
"""Keys that were told and wait for their window's end; the oldest may be told again early."""
MAX_PENDING = 8_192
"""Keys that are hot and tell nothing yet; beyond, the oldest wait until they are hot again."""
ENTRY_BYTES = 72 + 48 + 8 + 1
"""Bytes of one key of a table besides its values of eight bytes each."""
SHARES = {"probes": 4, "hosts": 4, "udp_ports": 2, "paths": 2, "infected": 1, "starts": 4}
"""Of the room: strangers fill what counts pairs and hosts, few come to the ports of worms."""
MAX_ENTRIES = 32_768
"""Keys of one table: more pairs than a host talks to in half a minute, as wide as a /17."""
REFERENCE = "(heuristic)"
BY_PORT = frozenset({"hosts", "infected"})
BY_SERVICE = frozenset({"starts"})
FAILED_ONLY = frozenset({"hosts", "udp_ports", "paths"})
OF_UDP = frozenset({"hosts", "udp_ports"})
ATTEMPTS = frozenset({"probes", "hosts", "infected", "udp_ports", "starts"})
"""Tables that a flood from random sources would fill; rates keep it out."""


def load(options: config.Options) -> dict[str, Detection]:
    """Make the behaviours that are switched on; raise ConfigError for a key nobody knows."""
    known = plugins.names("agent.detections")
    for key in options:
        if key not in (*known, "enabled"):
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"
            raise config.ConfigError(f"detections.{key}: unknown behaviour; {hint}")
    if options.get("enabled", True) is False:
        return {}
    made: dict[str, Detection] = {}
    for name in known:
        module = plugins.load("agent.detections", name)
        settings = config.convert(options.get(name) or {}, module.Config, f"detections.{name}")
        if settings.enabled:
            made[name] = module.Detection(settings)
    return made


def key_detections(detections: Mapping[str, Detection]) -> dict[str, KeyDetection]:
    """Return those that judge keys."""
    return {name: one for name, one in detections.items() if isinstance(one, KeyDetection)}


def rate_detections(detections: Mapping[str, Detection]) -> dict[str, RateDetection]:
    """Return those that judge rates."""
    return {name: one for name, one in detections.items() if isinstance(one, RateDetection)}


def counts_names(detections: Mapping[str, Detection]) -> bool:
    """Tell whether a behaviour wants names or echo requests counted."""
    wants = [one.wanted for one in detections.values() if isinstance(one, Examiner)]
    return any(
        want.exhausting_names or want.absent_names or want.tunnel_names or want.tunnel_pings
        for want in wants
    )


def bank(
    detections: Mapping[str, Detection], tables_mb: int, workers: int, seed: int, interface: str
) -> Bank:
    """Make one worker's counters, as the behaviours need them.

    Tables share a quarter of `tables_mb`.

    With several workers the kernel spreads one scanner's flows over them, so each looks at keys
    that hold their share of the threshold; `Behaviours.judge` merges.
    """
    needs: dict[str, list[Table]] = {}
    for one in key_detections(detections).values():
        needs.setdefault(one.table.counter, []).append(one.table)
    levels: dict[str, int] = {
        one.rate.kind: one.rate.level // workers for one in rate_detections(detections).values()
    }
    room = tables_mb * (1 << 20) // 4 // workers // max(1, sum(SHARES[name] for name in needs))
    return Bank(
        {
            name: _table(name, tables, SHARES[name] * room, workers, seed)
            for name, tables in needs.items()
        },
        Rates(seed, levels) if levels or ATTEMPTS & needs.keys() else None,
        sketches=Sketches(workers) if counts_names(detections) else None,
        follow_udp=bool(OF_UDP & needs.keys() or {"udp", "reflected"} & levels.keys()),
        interface=interface,
    )


def _table(name: str, needs: Sequence[Table], room: int, workers: int, seed: int) -> Distinct:
    """Make a table of `room` bytes that shows what any of those who need it wants to see."""
    items = max(table.items for table in needs)
    slow = [table for table in needs if table.slow_window]
    return Distinct(
        seed,
        min(MAX_ENTRIES, room // (ENTRY_BYTES + 8 * items)),
        items,
        max(table.window for table in needs),
        min(table.level for table in needs) // workers,
        name=name,
        slow_window=max((table.slow_window for table in slow), default=0),
        slow_level=min((table.slow_level for table in slow), default=0) // workers,
        failed_only=name in FAILED_ONLY,
        by_port=name in BY_PORT,
        by_service=name in BY_SERVICE,
    )


class _Pending(NamedTuple):
    """A hot key, where it was seen, and until when it may tell something."""

    interface: str
    until_us: int


class _Muted(NamedTuple):
    """Until when a key that was told is silent, and until when its long window is."""

    until_us: int
    slow_until_us: int


class Behaviours:
    """Judges keys of all workers; belongs to one thread."""

    def __init__(
        self,
        detections: Mapping[str, KeyDetection],
        allow: AllowList,
        home: Home,
        severity: SeverityTable,
    ) -> None:
        self.allow = allow
        self.banks: Sequence[Bank] = ()
        self._by_table: dict[str, dict[str, KeyDetection]] = {}
        for name, detection in detections.items():
            self._by_table.setdefault(detection.table.counter, {})[name] = detection
        self._lowest = {
            table: min(_lowest(one.table) for one in ones.values())
            for table, ones in self._by_table.items()
        }
        self._keep = {
            table: max(max(one.table.window, one.table.slow_window) for one in ones.values())
            for table, ones in self._by_table.items()
        }
        self._every = {
            table: min(one.table.every for one in ones.values())
            for table, ones in self._by_table.items()
        }
        self._home = home
        self._severity = severity
        self._muted: OrderedDict[tuple[str, int], _Muted] = OrderedDict()
        self._fresh: dict[tuple[str, int], _Pending] = {}
        self._pending: OrderedDict[tuple[str, int], _Pending] = OrderedDict()
        self._judged_second = 0

    def take(self, keys: Iterable[HotKey], interface: str = "") -> None:
        """Remember keys that went over their level, to be judged next."""
        for table, key, last_us in keys:
            if table in self._by_table:
                until_us = last_us + self._keep[table] * SECOND_US
                self._fresh[table, key] = _Pending(interface, until_us)

    def judge(self, now_us: int, *, last: bool = False) -> list[Hit]:
        """Return a hit for each behaviour that a hot key tells of for the first time in its window.

        `now_us` is the time up to which everything was seen; nothing follows the `last` time.
        """
        fresh, self._fresh = self._fresh, {}
        asked: dict[tuple[str, int], _Pending] = fresh
        second, before = now_us // SECOND_US, self._judged_second
        if second < before - LATE_SECONDS:  # the clock was set back: what was told is long ago
            self._muted.clear()
            self._pending.clear()
        if second != before:
            self._judged_second = second
            self._forget(now_us)
            asked = {**self._pending, **fresh}
        rows = []
        for (table, key), pending in asked.items():
            every = self._every[table]
            is_due = every == 1 or last or second // every != before // every
            merged = self._merge(table, key) if is_due else None
            if merged:
                rows.append((merged, pending))
                self._pending.pop((table, key), None)
            else:
                self._pending[table, key] = pending
        rows.sort(key=lambda each: (each[0].first_us, each[0].table, each[0].key))
        return [hit for row, pending in rows for hit in self._judge(row, pending, now_us)]

    def end(self, now_us: int) -> list[Hit]:
        """Judge what is left at the end of the input: nothing will answer any more."""
        return self.judge(now_us + GRACE_SECONDS * SECOND_US, last=True)

    def _forget(self, now_us: int) -> None:
        """Drop pending keys whose time is over, and the oldest beyond what is kept."""
        over = [key for key, pending in self._pending.items() if pending.until_us < now_us]
        for key in over:
            del self._pending[key]
        while len(self._pending) > MAX_PENDING:
            self._pending.popitem(last=False)

    def _merge(self, table: str, key: int) -> DistinctRow | None:
        """Unite what all workers counted for a key; None where they hold too little."""
        if sum(each.counted(table, key) for each in self.banks) <= self._lowest[table]:
            return None
        found = [row for each in self.banks if (row := each.find(table, key))]
        if len(found) < 2:
            return found[0] if found else None
        items: dict[int, int] = {}
        for row in found:
            for value, second in row.items.items():
                items[value] = max(second, items.get(value, 0))
        first = min(found, key=lambda row: (row.first_us, row.destination, row.source_port))
        return first._replace(
            items=items,
            answered=frozenset().union(*(row.answered for row in found)),
            last_us=max(row.last_us for row in found),
        )

    def _judge(self, row: DistinctRow, pending: _Pending, now_us: int) -> list[Hit]:
        """Ask all behaviours of a table; keep the key where one of them may tell later."""
        hits = []
        counted: Counted | None = None
        for name, detection in self._by_table[row.table].items():
            muted = self._muted.get((name, row.key), _Muted(0, 0))
            if row.last_us < muted.until_us:
                continue
            counted = counted or self._counted(row, now_us)
            finding = detection.judge(counted)
            if finding is None or (finding.slow and row.last_us < muted.slow_until_us):
                self._pending[row.table, row.key] = pending
                continue
            self._mute(name, row, detection.table, muted, finding)
            hits += self._hit(name, finding, row, pending.interface)
        return hits

    def _counted(self, row: DistinctRow, now_us: int) -> Counted:
        """Return what behaviours may know of a key."""
        source = str(ipaddress.ip_address(row.source))
        destination = str(ipaddress.ip_address(row.destination))
        return Counted(
            last_us=row.last_us,
            items=row.items,
            answered=row.answered,
            now_us=now_us,
            protocol=row.protocol,
            port=row.destination_port,
            version=4 if len(row.source) == 4 else 6,
            from_home=self._home.is_home(source),
            to_home=self._home.is_home(destination),
            destination=destination,
        )

    def _mute(
        self, name: str, row: DistinctRow, table: Table, muted: _Muted, finding: Finding
    ) -> None:
        until_us = row.last_us + table.window * SECOND_US
        slow_until_us = row.last_us + max(table.window, table.slow_window) * SECOND_US
        if finding.slow:
            until_us = muted.until_us
        self._muted.pop((name, row.key), None)
        self._muted[name, row.key] = _Muted(until_us, slow_until_us)
        if len(self._muted) > MAX_MUTED:
            self._muted.popitem(last=False)

    def _hit(self, name: str, finding: Finding, row: DistinctRow, interface: str) -> list[Hit]:
        source = str(ipaddress.ip_address(row.source))
        destination = str(ipaddress.ip_address(row.destination))
        if self.allow.allows_address(source):
            return []
        class_id = BEHAVIOUR_PREFIX + name
        direction = self._home.direction(source, destination)
        has_ports = row.protocol != ICMP
        return [
            Hit(
                class_id=class_id,
                type=finding.type,
                trail=finding.trail or source,
                indicator=finding.indicator or source,
                observed=finding.indicator or source,
                where="behaviour",
                info=finding.info,
                reference=REFERENCE,
                source=Endpoint(source, row.source_port if has_ports else None),
                destination=Endpoint(destination, row.destination_port if has_ports else None),
                protocol=label(row.protocol),
                first_us=row.first_us,
                last_us=row.last_us,
                count=1,
                direction=direction,
                outcome="unknown",
                severity_id=self._severity.judge(
                    class_id, finding.info, False, direction, "unknown", row.destination_port
                ),
                interface=interface,
                evidence=finding.evidence,
            )
        ]


def _lowest(table: Table) -> int:
    return min(table.level, table.slow_level) if table.slow_window else table.level
