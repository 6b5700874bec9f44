"""What an interface lost before a capture could see it.

An interface also says that it dropped what was captured but nobody on this host speaks: frames with
two tags, MPLS or PPPoE of a mirror, all of them. So what it dropped counts as far as it had more
packets than were captured.
"""

from pathlib import Path

SYSFS = Path("/sys/class/net")
ALL = "any"
"""libpcap's name for all interfaces."""


class InterfaceLoss:
    """Totals since a handle was opened, when the interface had had `wire` packets."""

    def __init__(self, wire: int) -> None:
        self._unread = wire
        self._wire = wire
        self._ignored = 0
        self._lost = 0

    def lost(self, dropped: int, received: int, wire: int, *, filtered: bool) -> int:
        """Take totals, `wire` read before the others; return the packets lost so far.

        While `filtered` packets are left out on purpose, so that nobody can tell.
        """
        before, self._wire = self._wire, wire  # a queue may lie between both counters
        if filtered:
            self._unread = wire - received
            self._ignored = dropped - self._lost
        else:
            missing = before - received - self._unread
            self._lost = max(self._lost, min(dropped - self._ignored, missing))
        return self._lost


def on_wire(name: str, sysfs: Path = SYSFS) -> int | None:
    """Return how many packets an interface had in both directions, None where nobody counts."""
    if name == ALL:
        each = [on_wire(entry.name, sysfs) for entry in sysfs.iterdir()]
        return sum(count for count in each if count is not None)
    folder = sysfs / name / "statistics"
    try:
        return sum(int((folder / which).read_text()) for which in ("rx_packets", "tx_packets"))
    except (OSError, ValueError):
        return None
