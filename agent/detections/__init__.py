"""A shelf of behaviours: one file, one behaviour, class `behaviour-<file name>`.

A file has a `Config` (the keys under `detections.<file name>`, with `enabled`) and a class
`Detection(config)`, of one of three sorts:

- those that judge counted keys have `table`, what the scanner has to count for them, and
  `judge(row)`, which returns a Finding when a key's values tell of the behaviour, else None;
- those that judge rates have `rate`, and `limit(normal)` and `info(service)`: how many packets a
  second are too many for a host that normally has `normal`, and what that is called;
- those that judge what was said have `looks_at`, `wanted`, `repeat` and `examine(seen)`.

A behaviour does no I/O, keeps no clock (rows carry times) and reports nothing itself: the runners
word hits, ask the allow-list and mute what was told for as long as the window lasts, or for
`repeat` seconds.
"""

from collections.abc import Mapping, Set
from typing import Literal, NamedTuple, Protocol, runtime_checkable

import msgspec

from agent.model import Endpoint
from agent.scan.wanted import Wanted

GRACE_SECONDS = 3
"""How long an answer may take: the second retransmission of an attempt (RFC 6298)."""


class Table(NamedTuple):
    """What to count: values per key within `window` seconds.

    `counter` names the table, and with it what keys and values are:

    - probes: TCP ports by pair of addresses, attempts and stealth probes;
    - udp_ports: UDP ports by pair of addresses, of datagrams that open a conversation, not DNS;
    - hosts: destinations by source, protocol and port, of attempts, such datagrams and pings;
    - infected: destinations by source and port, of attempts at the ports of worms (rule H-5);
    - paths: hashes of the first segments of paths by pair of addresses;
    - starts: the client's ports, one a connection, by source, destination and port, of attempts.

    `level` is how many a key may hold before it is looked at, `items` how many are kept. With
    `slow_window` a key is also looked at when it holds more than `slow_level` values within those
    seconds that nothing answered. What is looked at and tells nothing is looked at again `every` so
    many seconds.
    """

    counter: Literal["probes", "udp_ports", "hosts", "infected", "paths", "starts"]
    window: int
    level: int
    items: int
    slow_window: int = 0
    slow_level: int = 0
    every: int = 1


class Rate(NamedTuple):
    """What to count by destination: packets a second; those below `level` are not looked at.

    syn: connection attempts; udp: datagrams that nothing answers; icmp: all messages; reflected:
    answers of services that are misused for that, which nobody asked for.
    """

    kind: Literal["syn", "udp", "icmp", "reflected"]
    level: int


class Counted(NamedTuple):
    """A key of a table, merged over workers.

    `items` are values and the second in which each was seen last, `answered` those of them that
    were answered. `from_home` and `to_home` tell whether source and destination are ours;
    `destination` and `port` are those of the first attempt.
    """

    last_us: int
    items: Mapping[int, int]
    answered: Set[int] = frozenset()
    now_us: int = 0
    protocol: int = 6
    port: int = 0
    version: int = 4
    from_home: bool = False
    to_home: bool = False
    destination: str = ""

    def within(self, seconds: int) -> list[int]:
        """Return the values of the last so many seconds before the last one, in order."""
        since = self.last_us // 1_000_000 - seconds
        return sorted(value for value, second in self.items.items() if second > since)

    def failed(self, seconds: int) -> list[int]:
        """Return those of them that nothing answered in time."""
        until = self.now_us // 1_000_000 - GRACE_SECONDS
        return [
            value
            for value in self.within(seconds)
            if value not in self.answered and self.items[value] <= until
        ]


class Finding(NamedTuple):
    """A behaviour that was seen: Maltrail's type and info, and what was measured.

    `trail` is Maltrail's, the source's address where it is empty. `slow` tells that only the long
    window shows it. `indicator` is the source's address where it is empty. The rest is for what was
    said: `by_source` keeps sources apart that give the same indicator; `about` is a name for which
    the allow-list is asked, too; `for_all` mutes it for all clients; `unless_listed` leaves names
    and URLs that trails explain to them.
    """

    type: str
    info: str
    evidence: Mapping[str, str | int | float]
    trail: str = ""
    slow: bool = False
    indicator: str = ""
    where: str = "behaviour"
    observed: str = ""
    by_source: bool = False
    about: str = ""
    for_all: bool = False
    unless_listed: bool = False


@runtime_checkable
class KeyDetection(Protocol):
    """What the runner needs of a behaviour that judges keys."""

    @property
    def table(self) -> Table:
        """Return what has to be counted."""

    def judge(self, row: Counted) -> Finding | None:
        """Return what the row tells, or None."""


@runtime_checkable
class RateDetection(Protocol):
    """What the runner needs of a behaviour that judges rates."""

    @property
    def rate(self) -> Rate:
        """Return what has to be counted."""

    @property
    def seconds(self) -> int:
        """Return for how many seconds in a row there must be too many."""

    def limit(self, normal: float) -> float:
        """Return beyond how many packets a second there are too many."""

    def info(self, service: int) -> str:
        """Return the info text; `service` is the port that answers, or 0."""


class Seen(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was said, as the scanner showed it: a request, a response, a name.

    Endpoints are the packet's. `target`, `body` and `packet` are as on the wire, `path` is in lower
    case without doubled slashes, `host` in lower case (the destination's address where a request
    names none: then `has_host` is false). `name` is a DNS question's, a TLS server's or, where a
    rule looks at names, a request's host, and `where` tells which. `listed`
    are an answer's addresses that lists name, with what they say. `leaves_home` tells that the
    server is none of ours. Of what was counted for its key `distinct` tells how many different
    things there were, about, `count` how many in all, `amount` their size, `marked` how many of
    them carry data.
    """

    source: Endpoint
    destination: Endpoint
    packet: bytes
    leaves_home: bool
    method: str = ""
    target: bytes = b""
    path: str = ""
    host: str = ""
    has_host: bool = True
    is_host_address: bool = False
    agent: str = ""
    body: bytes = b""
    name: str = ""
    where: str = ""
    listed: tuple[tuple[str, str], ...] = ()
    distinct: int = 0
    count: int = 0
    amount: int = 0
    marked: int = 0


@runtime_checkable
class Examiner(Protocol):
    """What the runner needs of a behaviour that judges what was said.

    `looks_at` is what sightings it judges (agent.model.Sighting.what), `wanted` which of them the
    scanner has to show, `repeat` for how many seconds the same is not told again of a client.
    """

    @property
    def looks_at(self) -> str:
        """Return what it judges."""

    @property
    def wanted(self) -> Wanted:
        """Return what has to be shown."""

    @property
    def repeat(self) -> int:
        """Return for how many seconds it is silent about what it told."""

    def examine(self, seen: Seen) -> Finding | None:
        """Return what it tells, or None."""


Detection = KeyDetection | RateDetection | Examiner
