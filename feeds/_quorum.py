"""Which addresses do enough independent vague lists name? Eight bytes an address and list."""

import heapq
import ipaddress
import socket
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from hashlib import blake2b
from itertools import groupby

MAX_ADDRESSES = 1_000_000
"""Addresses of all vague lists together; sorting them takes 50 MB for a moment. The largest public
lists hold some 200,000."""


class Quorum:
    """Counts voices for bare addresses; mirrors of one publisher are one voice."""

    def __init__(self, needed: int) -> None:
        self._needed = needed
        self._votes: dict[str, array[int]] = {}
        self._elected: array[int] = array("Q")

    def vote(self, voice: str, keys: Iterable[str]) -> None:
        """Count one voice for every bare address among `keys`; raise ValueError beyond the cap."""
        ballot = self._votes.get(voice, array("Q"))
        ballot.extend(number for key in keys if (number := _number(key)) is not None)
        if len(ballot) + sum(map(len, self._votes.values())) > MAX_ADDRESSES:
            raise ValueError(f"vague lists name more than {MAX_ADDRESSES} addresses")
        self._votes[voice] = array("Q", (number for number, _ in groupby(sorted(ballot))))

    def close(self) -> None:
        """Count, and forget who voted."""
        counted = groupby(heapq.merge(*self._votes.values()))
        self._elected = array(
            "Q", (number for number, votes in counted if sum(1 for _ in votes) >= self._needed)
        )
        self._votes.clear()

    def admits(self, key: str) -> bool:
        """Tell whether `key` is no bare address, or one with enough voices."""
        number = _number(key)
        if number is None:
            return True
        at = bisect_left(self._elected, number)
        return at < len(self._elected) and self._elected[at] == number


def _number(key: str) -> int | None:
    """Return 64 bits that stand for a bare address, None for any other key.

    IPv4 is exact; of IPv6 a hash. Two listed addresses with one hash lend each other a voice.
    """
    if "/" in key or not (key[:1].isdigit() or ":" in key):
        return None
    try:
        return int.from_bytes(socket.inet_pton(socket.AF_INET, key), "big")
    except OSError:
        pass  # not IPv4; what follows is rare
    try:
        address = ipaddress.ip_address(key.strip("[]"))
    except ValueError:
        return None
    if address.version == 4:
        return int(address)
    return int.from_bytes(blake2b(address.packed, digest_size=8).digest(), "big") | 1 << 63
