"""Tell in events that an output has failed for long, and that it works again."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from agent.faults import Faults
from agent.model import Event, Evidence

LIMIT = 120.0
"""Seconds of failure that need no event: a receiver restarts within them."""

CALM = 15.0
"""Seconds without an error after which an output works: a refused datagram is noticed late."""


class Sign(NamedTuple):
    """How an output does: open or not, errors so far, the label of the last, what waits."""

    connected: bool
    errors: int
    error: str
    waiting: int


@dataclass(slots=True)
class _Seen:
    errors: int
    bad_since: float | None = None
    bad_at: float = 0.0


class Failures:
    """Remembers since when each output fails. Times are monotonic seconds."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._seen: dict[str, _Seen] = {}

    def tell(self, signs: Mapping[str, Sign], now: float, now_us: int) -> Iterator[Event]:
        """Yield what is news of outputs, named by the keys."""
        for name, sign in signs.items():
            seen = self._seen.setdefault(name, _Seen(sign.errors))
            if not sign.connected or sign.errors != seen.errors:
                seen.bad_at = now
                if seen.bad_since is None:
                    seen.bad_since = now
                elif now - seen.bad_since >= LIMIT:
                    yield from self._begin(name, sign, int(now - seen.bad_since), now_us)
            elif seen.bad_since is not None and now - seen.bad_at >= CALM:
                seen.bad_since = None
                what = f"output {name} works again"
                evidence: Evidence = {"output": name, "waiting": sign.waiting}
                yield from self._faults.end(_key(name), now_us, what, evidence)
            seen.errors = sign.errors
        for gone in self._seen.keys() - signs.keys():
            del self._seen[gone]
            what = f"output {gone} is no longer configured"
            yield from self._faults.end(_key(gone), now_us, what, {"output": gone})

    def _begin(self, name: str, sign: Sign, seconds: int, now_us: int) -> Iterator[Event]:
        what = f"output {name} has failed for {seconds} seconds ({sign.error})"
        remedy = f"see maltrail-agent test-outputs {name}"
        evidence: Evidence = {"output": name, "error": sign.error, "waiting": sign.waiting}
        yield from self._faults.begin(_key(name), now_us, what, remedy, evidence)


def _key(name: str) -> str:
    return f"output {name}"
