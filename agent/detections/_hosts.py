"""Values that are hosts: an IPv4 address as a number, or the hash of an IPv6 address."""

import ipaddress
from collections import Counter
from collections.abc import Iterable, Sequence

from agent.detections._limits import SAMPLES

ICMP = 1
LABELS = {1: "icmp", 6: "tcp", 17: "udp"}

WORM_PORTS = frozenset({135, 139, 445, 1433, 3389, 6379, 6892, 6893, 6901})
"""Rule H-5: SMB, SQL Server, remote desktop, Redis, and ports that worms listened on."""


def sample(hosts: Sequence[int], kept: int, version: int) -> str:
    """Return the first addresses as text; nothing where more were seen than `kept`.

    Which ones are kept then depends on how many workers counted.
    """
    if version != 4 or len(hosts) >= kept:
        return ""
    return ",".join(str(ipaddress.IPv4Address(host)) for host in hosts[:SAMPLES])


def densest(hosts: Iterable[int]) -> list[int]:
    """Return those of the IPv4 hosts that lie in the network of 256 with most of them."""
    found = list(hosts)
    (network, _), *_ = Counter(host >> 8 for host in found).most_common(1) or [(0, 0)]
    return [host for host in found if host >> 8 == network]
