"""Trail sets, scanner and matcher wired as in the agent, so that tests go from frames to hits."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from agent.allow import AllowList, Entry
from agent.config import Allowed, Networks
from agent.config import AllowList as AllowSettings
from agent.direction import Home
from agent.match import Matcher
from agent.model import Hit, Source, Trail
from agent.scan.scanner import Scanner
from agent.sets import merged_filters
from agent.severity import SeverityTable
from agent.trails.build import Builder
from agent.trails.find import Trails
from agent.trails.set import TrailSet
from tests import packets

Rows = Mapping[str, str]
"""Key -> info, as a list would give them."""

NOTHING: Rows = MappingProxyType({})
REFERENCE = "(test)"


def fill(builder: Builder, rows: Rows, dialect: Literal["own", "maltrail"]) -> None:
    """Add rows and insist that each of them can match."""
    for key, info in rows.items():
        trail = Trail(
            key=key, info=info, reference=REFERENCE, source=Source("test"), dialect=dialect
        )
        assert builder.add(trail) is None, f"{key} can never match"


def trail_set(rows: Rows, dialect: Literal["own", "maltrail"] = "maltrail") -> TrailSet:
    """Build a set in memory."""
    builder = Builder(0)
    fill(builder, rows, dialect)
    return TrailSet(builder.to_bytes(), "test")


def write_set(path: Path, rows: Rows) -> Path:
    """Build a set file."""
    builder = Builder(0)
    fill(builder, rows, "maltrail")
    builder.write(path)
    return path


def trails(published: Rows, own: Rows = NOTHING) -> Trails:
    """Return what look-ups ask: published rows in Maltrail's dialect, own ones in ours."""
    return Trails(trail_set(own, "own"), trail_set(published))


def allow_list(*names: str, builtin: bool = False) -> AllowList:
    """Return an allow-list of domains and networks."""
    entries = [
        {"network": name} if name[0].isdigit() or ":" in name else {"domain": name}
        for name in names
    ]
    settings = AllowSettings(
        builtin=builtin,
        files=(),
        entries=tuple(Allowed(**entry) for entry in entries),  # type: ignore[arg-type]
    )
    return AllowList.load(settings, packets.START_US)


class Wired:
    """One scanner and one matcher over the same trails."""

    def __init__(self, published: Rows, own: Rows = NOTHING, allowed: Iterable[str] = ()) -> None:
        self.trails = trails(published, own)
        self.allow = allow_list(*allowed)
        self.matcher = Matcher(self.trails, self.allow, Home(Networks().home), SeverityTable())
        own_set, published_set = self.trails.own, self.trails.published
        filters = merged_filters(own_set, published_set)
        self.scanner = Scanner(own_set.buffer, published_set.buffer, filters)

    def hits(self, *frames: bytes) -> list[Hit]:
        """Return what these frames lead to."""
        self.scanner.scan(packets.batch(frames))
        self.scanner.finish()
        sightings = self.scanner.drain(True, "test0")
        return [hit for sighting in sightings for hit in self.matcher.match(sighting)]

    def told(self, *frames: bytes) -> list[tuple[str, str, str]]:
        """Return where, type and trail of what these frames lead to."""
        return [(hit.where, hit.type, hit.trail) for hit in self.hits(*frames)]

    def entry(self, text: str) -> Entry:
        """Return the allow-list's entry of that text."""
        return next(entry for entry in self.allow if entry.text == text)
