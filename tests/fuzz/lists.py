"""Lists: any text as keys of either dialect, to a set and back; the gates let pass what matches.

The first byte chooses the dialect; of the lines the last is a name that somebody asks for.
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from agent.model import Source, Trail
from agent.scan import layout
from agent.scan.scanner import Scanner
from agent.sets import empty_set, merged_filters
from agent.trails import keys
from agent.trails.build import Builder
from agent.trails.find import NAME, Trails
from agent.trails.set import TrailSet
from tests import packets

MAX_KEYS = 20


class Answer(NamedTuple):
    """What became of each line, the set's rows and hash, what was found of the name."""

    lines: list[str]
    rows: list[str]
    set_id: str
    asked: object


class Target:
    """Keys in, a set and its answers out."""

    def __init__(self) -> None:
        self._published = empty_set(0)

    def answer(self, data: bytes) -> Answer:
        """Return what became of each key and of the name; raise where a gate hides a match."""
        dialect: Literal["own", "maltrail"] = "maltrail" if data[:1] > b"\x7f" else "own"
        lines = data[1:].decode("utf-8", "replace").split("\n")
        builder = Builder(0, 0)
        said = [_add(builder, line, dialect) for line in lines[:-1][:MAX_KEYS]]
        own = TrailSet(builder.to_bytes(), "own")
        rows = [own.row(number) for number in range(own.info.keys)]
        for row in rows:
            if row.kind < layout.TABLES and own.find(row.kind, row.raw) < 0:
                raise AssertionError(f"{row.key!r} is in the set and not found")
        asked = self._asked(own, lines[-1])
        return Answer(said, [repr(row) for row in rows], own.info.set_id, asked)

    def _asked(self, own: TrailSet, text: str) -> object:
        name = text.strip().lower()
        if not NAME.fullmatch(name) or len(name) > 200:
            return None
        found = Trails(own, self._published).name(name)
        scanner = Scanner(own.buffer, self._published.buffer, merged_filters(own, self._published))
        query = packets.dns_query(name)
        scanner.scan(packets.batch([packets.udp_frame("10.0.0.1", 4000, "10.0.0.2", 53, query)]))
        shown = [seen.what for seen in scanner.drain(True, "")]
        if found and not shown:
            raise AssertionError(f"{name!r} matches {found.row.key!r} and is not shown")
        return repr(found), shown


def _add(builder: Builder, line: str, dialect: Literal["own", "maltrail"]) -> str:
    trail = Trail(key=line, info="x", reference="y", source=Source("t"), dialect=dialect)
    reason = builder.add(trail)
    if reason is not None:
        return reason
    found = keys.parse(line, dialect)
    return f"{found.kind} {found.key!r} {found.flags} {keys.spell(*found)}"


def seeds() -> Iterator[bytes]:
    """Yield lists with every kind of key."""
    own = (
        "evil.org\n.below.net\n198.51.100.7\n198.51.100.7:80\n[2001:db8::1]:443\n10.0.0.0/8\n"
        "host.net/path\n/gate.php?id=\nre:ev[0-9]il-x+\nua:Evil/1\nua:re:\\\\Amass\nwww.ev1il-xx"
    )
    yield b"\x00" + own.encode()
    yield b"\xff" + b"*.evil.org\nwww.evil.org\nbad[0-9]+\\.(com|net)\nhttp://a.net/x//y/\nbad7.com"
    yield b"\x00" + "münchen.example\n例え。テスト\nre:(a|b){2,5}c\nxn--mnchen-3ya.example".encode()
