"""Tell in events that a journal does not work, and when it works again."""

from collections.abc import Iterator, Mapping

from agent.faults import Faults
from agent.model import Event
from agent.notices import AgentNotices


class Troubles:
    """Remembers of which outputs a trouble was told."""

    def __init__(self, notices: AgentNotices) -> None:
        self._notices = notices
        self._faults = Faults(notices)
        self._known: set[str] = set()

    def tell(self, troubles: Mapping[str, str], now_us: int) -> Iterator[Event]:
        """Yield an event for each output whose trouble came or went; nothing means all is well."""
        for name, trouble in troubles.items():
            if trouble:
                what = f"the journal of output {name} cannot be written: {trouble}"
                remedy = "events are kept in memory; make room, or make the folder writable"
                yield from self._faults.begin(name, now_us, what, remedy, {"output": name})
            else:
                what = f"the journal of output {name} is written again"
                yield from self._faults.end(name, now_us, what, {"output": name})
        for gone in self._known - troubles.keys():
            self._faults.forget(gone)
        self._known = set(troubles)

    def left_behind(self, left: Mapping[str, int], now_us: int) -> Iterator[Event]:
        """Yield an event for each folder (with its bytes) that no output sends from."""
        for folder, size in left.items():
            what = f"{folder} holds {size} bytes of unsent events, and no output has this journal"
            remedy = "name its output in the configuration again to send them, or delete the folder"
            yield self._notices.degraded(now_us, what, remedy, {"folder": folder, "bytes": size})
