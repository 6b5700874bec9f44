"""Run the behaviours: counted keys in, hits out, each key told once a window."""

import ipaddress
from collections import OrderedDict
from collections.abc import Iterable, Sequence

from agent import config, plugins
from agent.allow import AllowList
from agent.detections import Detection, Finding, Table
from agent.direction import Home
from agent.model import BEHAVIOUR_PREFIX, Endpoint, Hit
from agent.protocols import label
from agent.scan.counters import Distinct, DistinctRow
from agent.scopes import Judged
from agent.severity import SeverityTable

TCP = 6
MAX_MUTED = 65_536
"""Keys that were told and wait for their window's end; the oldest may be told again early."""
ENTRY_BYTES = 72 + 8 + 1
"""Bytes of one key of a counter besides its values of eight bytes each."""
MAX_ENTRIES = 32_768
"""Keys of one counter: more pairs than a host talks to in half a minute, as wide as a /17."""
REFERENCE = "(heuristic)"


def load(options: config.Options) -> dict[str, Detection]:
    """Make the behaviours that are switched on; raise ConfigError for a key nobody knows."""
    known = plugins.names("agent.detections")
    for key in options:
        if key not in (*known, "enabled"):
            raise config.ConfigError(
                f"detections.{key}: unknown behaviour; there are: {', '.join(known)}"
            )
    if options.get("enabled", True) is False:
        return {}
    made: dict[str, Detection] = {}
    for name in known:
        module = plugins.load("agent.detections", name)
        settings = config.convert(options.get(name) or {}, module.Config, f"detections.{name}")
        if settings.enabled:
            made[name] = module.Detection(settings)
    return made


def counter(
    detections: Iterable[Detection], tables_mb: int, workers: int, seed: int
) -> Distinct | None:
    """Make one worker's counter for the behaviours, or None where none needs it.

    With several workers the kernel spreads one scanner's flows over them, so each looks at keys
    that hold their share of the threshold; `Behaviours.judge` merges.
    """
    needs: list[Table] = [detection.table for detection in detections]
    if not needs:
        return None
    items = max(table.items for table in needs)
    room = tables_mb * (1 << 20) // 2 // workers // (ENTRY_BYTES + 8 * items)
    return Distinct(
        seed,
        min(MAX_ENTRIES, room),
        items,
        max(table.window for table in needs),
        min(table.level for table in needs) // workers,
    )


class Behaviours:
    """Judges rows of all workers; belongs to one thread."""

    def __init__(
        self,
        detections: dict[str, Detection],
        allow: AllowList,
        home: Home,
        severity: SeverityTable,
    ) -> None:
        self.allow = allow
        self.counters: Sequence[Distinct] = ()
        self._detections = detections
        self._home = home
        self._severity = severity
        self._muted: OrderedDict[tuple[str, int], int] = OrderedDict()

    def judge(self, rows: Iterable[DistinctRow], interface: str = "") -> list[Hit]:
        """Return a hit for each behaviour that a row tells of for the first time in its window."""
        hits = []
        for row in rows:
            merged = self._merge(row)
            for name, detection in self._detections.items():
                if self._is_muted(name, row):
                    continue
                finding = detection.judge(merged)
                if finding:
                    self._mute(name, row, detection.table.window)
                    hits += self._hit(name, finding, merged, interface)
        return hits

    def _merge(self, row: DistinctRow) -> DistinctRow:
        """Unite a row with what other workers counted for the same key."""
        items = dict(row.items)
        last = row.last_us
        for counter_ in self.counters:
            other = counter_.find(row.key)
            if other:
                last = max(last, other.last_us)
                for value, second in other.items.items():
                    items[value] = max(second, items.get(value, 0))
        return row._replace(items=items, last_us=last)

    def _is_muted(self, name: str, row: DistinctRow) -> bool:
        until = self._muted.get((name, row.key))
        return until is not None and row.last_us < until

    def _mute(self, name: str, row: DistinctRow, window: int) -> None:
        self._muted.pop((name, row.key), None)
        self._muted[name, row.key] = row.last_us + window * 1_000_000
        if len(self._muted) > MAX_MUTED:
            self._muted.popitem(last=False)

    def _hit(self, name: str, finding: Finding, row: DistinctRow, interface: str) -> list[Hit]:
        source = str(ipaddress.ip_address(row.source))
        destination = str(ipaddress.ip_address(row.destination))
        if self.allow.allows_address(source):
            return []
        class_id = BEHAVIOUR_PREFIX + name
        direction = self._home.direction(source, destination)
        hit = Hit(
            class_id=class_id,
            type=finding.type,
            trail=source,
            indicator=source,
            observed=source,
            where="behaviour",
            info=finding.info,
            reference=REFERENCE,
            source=Endpoint(source, row.source_port),
            destination=Endpoint(destination, row.destination_port),
            protocol=label(TCP),
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
        if self.allow.allows_hit(Judged(hit, hit.source, hit.destination), source):
            return []
        return [hit]
