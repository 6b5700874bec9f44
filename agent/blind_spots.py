"""Tell in events that traffic cannot be read, is one-sided, stays away, or contradicts itself."""

from collections.abc import Iterator, Mapping

from agent import coverage
from agent.faults import Faults
from agent.model import Event

WINDOW_SECONDS = 60.0
"""How much traffic is judged at a time."""
SILENT_WINDOWS = 5
"""Windows without a packet that are told: even a quiet link has its ARP. What a switch sends by
itself comes also where the mirror was taken away."""

KEYS = ("undecodable", "one-sided", "absent", "contradictory")


class BlindSpots:
    """Judges what was counted between two calls, a window apart."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._before: Mapping[str, int] = {}
        self._silent = 0

    def tell(self, counters: Mapping[str, int], now_us: int) -> Iterator[Event]:
        """Yield what is news; `counters` are totals, as in coverage.Counted."""
        window = {name: value - self._before.get(name, 0) for name, value in counters.items()}
        self._before = dict(counters)
        seen = window["packets"] - window[coverage.FROM_SWITCH]
        self._silent = 0 if seen else self._silent + 1
        found = {trouble.key: trouble for trouble in coverage.troubles(window)}
        if self._silent >= SILENT_WINDOWS:
            what = f"no packet was captured for {int(SILENT_WINDOWS * WINDOW_SECONDS)} seconds"
            if window["packets"]:
                what += " but what a switch sends by itself (LLDP, spanning tree)"
            remedy = "look at cable, mirror port and capture.filter"
            found["absent"] = coverage.Trouble("absent", what, remedy)
        contradicting = window["fragments_overlapping"]
        if contradicting:
            what = (
                f"{contradicting} IP fragments contradict others; "
                "receivers may get something else than was read here"
            )
            remedy = "capture fragments and see who sends them: it hides from sensors"
            found["contradictory"] = coverage.Trouble("contradictory", what, remedy)
        for key in KEYS:
            trouble = found.get(key)
            if trouble:
                yield from self._faults.begin(_key(key), now_us, trouble.what, trouble.remedy)
            elif seen and not self._is_too_little(key, window):
                yield from self._faults.end(_key(key), now_us, f"traffic is no longer {key}")

    def _is_too_little(self, key: str, window: Mapping[str, int]) -> bool:
        """Tell whether a window says nothing about a fault that lasts."""
        if key == "undecodable":
            return window["packets"] < coverage.ENOUGH_PACKETS
        flows = ("tls_hellos", "dns_queries", "tcp_accepts", "dns_responses")
        return key == "one-sided" and all(window[name] < coverage.ENOUGH_FLOWS for name in flows)


def _key(key: str) -> str:
    return f"traffic {key}"
