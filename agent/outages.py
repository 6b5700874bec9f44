"""Tell in events that an interface is not captured, and that it is again."""

from collections.abc import Collection, Iterator, Mapping

from agent.faults import Faults
from agent.model import Event

GRACE = 10.0
"""Seconds without capture that need no event: a restart of networking takes a few."""


class Outages:
    """Remembers since when each interface is not captured. Times are monotonic seconds."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._since: dict[str, float] = {}

    def tell(
        self, missing: Mapping[str, str], captured: Collection[str], now: float, now_us: int
    ) -> Iterator[Event]:
        """Yield what is news of interfaces: `missing` ones come with the reason.

        One that is neither missing nor captured was taken away, and is no longer meant to be.
        """
        for name, reason in missing.items():
            if now - self._since.setdefault(name, now) >= GRACE:
                what = f"nothing is captured on {name}: {reason}"
                remedy = "capture begins again by itself when that is mended"
                yield from self._faults.begin(_key(name), now_us, what, remedy, {"interface": name})
        for name in self._since.keys() - missing.keys():
            del self._since[name]
            is_back = name in captured
            what = f"{name} is captured again" if is_back else f"{name} is gone"
            yield from self._faults.end(_key(name), now_us, what, {"interface": name})


def _key(name: str) -> str:
    return f"interface {name}"
