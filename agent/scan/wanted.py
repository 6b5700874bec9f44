"""What behaviours want to be shown of requests, responses and names; scanners make gates of it."""

from collections.abc import Iterable
from typing import NamedTuple


class Wanted(NamedTuple):
    """What one behaviour, or all of them together, want to see. Nothing else is shown to Python.

    Requests are shown that hold one of `literals` in target or body (lower case, at least four
    characters, decoded twice, blanks as one space), that ask for a file with one of `extensions`
    (with the dot), that go to a `host_by_address`, lack a Host (`without_host`), or name a whole
    URL as target (`to_proxy`). `agents` shows User-Agents, `responses` are literals of responses.
    Questions are shown whose first label is longer than `long_label`, negative answers whose
    registered label has at least `absent_label` characters; 0 is for none. Messages are shown of a
    domain with at least so many different names within their windows: asked for by anybody
    (`exhausting_names`), absent for one client (`absent_names`), long ones asked for by one client
    (`tunnel_names`); and of a pair with so many different echo requests (`tunnel_pings`). `servers`
    are names of TLS servers; `server_port` shows all hellos to that port.
    """

    literals: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    host_by_address: bool = False
    without_host: bool = False
    to_proxy: bool = False
    agents: bool = False
    responses: tuple[str, ...] = ()
    long_label: int = 0
    absent_label: int = 0
    exhausting_names: int = 0
    absent_names: int = 0
    tunnel_names: int = 0
    tunnel_pings: int = 0
    servers: tuple[str, ...] = ()
    server_port: int = 0


def together(wants: Iterable[Wanted]) -> Wanted:
    """Return what several behaviours want, the wider where two differ."""
    parts = [Wanted(), *wants]
    return Wanted(
        literals=_union(part.literals for part in parts),
        extensions=_union(part.extensions for part in parts),
        host_by_address=any(part.host_by_address for part in parts),
        without_host=any(part.without_host for part in parts),
        to_proxy=any(part.to_proxy for part in parts),
        agents=any(part.agents for part in parts),
        responses=_union(part.responses for part in parts),
        long_label=_least(part.long_label for part in parts),
        absent_label=_least(part.absent_label for part in parts),
        exhausting_names=_least(part.exhausting_names for part in parts),
        absent_names=_least(part.absent_names for part in parts),
        tunnel_names=_least(part.tunnel_names for part in parts),
        tunnel_pings=_least(part.tunnel_pings for part in parts),
        servers=_union(part.servers for part in parts),
        server_port=max(part.server_port for part in parts),
    )


def _least(parts: Iterable[int]) -> int:
    return min((part for part in parts if part), default=0)


def _union(parts: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(sorted({text for part in parts for text in part}))
