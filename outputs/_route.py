"""Which receiver is tried next: in the order given, those that failed of late last.

Strategy: a failure is remembered for the resolved address, so that the next one of the same name
has its turn, and only for a while, so that the first receiver is gone back to. Names are resolved
whenever their turn comes, never kept. Time is an argument.
"""

import socket
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from outputs._address import Address

RETURN_AFTER = 300.0
"""Seconds after which a receiver that failed is preferred again: rarely enough not to flap."""

MAX_FAILED = 256
"""Resolved addresses whose failures are remembered: more than any name should have."""

SocketAddress = tuple[str | int | bytes, ...]


class Target(NamedTuple):
    """One resolved address; `rank` is the place of its receiver in the order given."""

    address: Address
    rank: int
    family: socket.AddressFamily
    place: SocketAddress


class Route:
    """Remembers what failed; not for several threads."""

    def __init__(self, addresses: Sequence[Address], kind: socket.SocketKind) -> None:
        self.addresses = tuple(addresses)
        self._kind = kind
        self._failed: dict[SocketAddress, float] = {}

    def targets(self, now: float) -> Iterator[Target]:
        """Yield where to connect, best first; raise OSError where no name can be resolved."""
        late: list[Target] = []
        resolved = False
        unresolved: OSError | None = None
        for rank, address in enumerate(self.addresses):
            try:
                found = self.resolve(rank, address)
            except OSError as error:
                unresolved = error
                continue
            resolved = True
            for target in found:
                if now - self._failed.get(target.place, -RETURN_AFTER) < RETURN_AFTER:
                    late.append(target)
                else:
                    yield target
        yield from sorted(late, key=lambda target: self._failed.get(target.place, 0.0))
        if unresolved is not None and not resolved:
            raise unresolved

    def failed(self, target: Target, now: float) -> None:
        """Remember that this one did not work."""
        if len(self._failed) >= MAX_FAILED:
            self._failed.clear()
        self._failed[target.place] = now

    def resolve(self, rank: int, address: Address) -> list[Target]:
        """Return all addresses of one receiver; raise OSError."""
        try:
            found = socket.getaddrinfo(address.host, address.port, type=self._kind)
        except OSError as error:
            raise OSError(f"{address}: {error.strerror or error}") from error
        return [Target(address, rank, family, place) for family, _, _, _, place in found]
