"""A shelf of behaviours: one file, one behaviour, class `behaviour-<file name>`.

A file has a `Config` (the keys under `detections.<file name>`, with `enabled`) and a class
`Detection(config)`, of one of two sorts:

- those that judge counted keys have `table`, what the scanner has to count for them, and
  `judge(row)`, which returns a Finding when a key's values tell of the behaviour, else None;
- those that judge rates have `rate`, and `limit(normal)` and `info(service)`: how many packets a
  second are too many for a host that normally has `normal`, and what that is called.

A behaviour does no I/O, keeps no clock (rows carry times) and reports nothing itself: the runner
words hits, asks the allow-list and mutes a key that was told for as long as the window lasts.
"""

from collections.abc import Mapping, Set
from typing import Literal, NamedTuple, Protocol, runtime_checkable

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
    - names: hashes of names by what the scanner noted them for.

    `level` is how many a key may hold before it is looked at, `items` how many are kept. With
    `slow_window` a key is also looked at when it holds more than `slow_level` values within those
    seconds that nothing answered.
    """

    counter: Literal["probes", "udp_ports", "hosts", "infected", "paths", "names"]
    window: int
    level: int
    items: int
    slow_window: int = 0
    slow_level: int = 0


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
    were answered. `from_home` tells whether the source is ours.
    """

    last_us: int
    items: Mapping[int, int]
    answered: Set[int] = frozenset()
    now_us: int = 0
    protocol: int = 6
    port: int = 0
    version: int = 4
    from_home: bool = False

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
    window shows it.
    """

    type: str
    info: str
    evidence: Mapping[str, str | int | float]
    trail: str = ""
    slow: bool = False


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


Detection = KeyDetection | RateDetection
