"""The entries of one severity band in memory: for outputs without a journal, and its stand-in."""

from collections import deque
from collections.abc import Sequence

from agent.deliver.entry import Entry

OVERHEAD = 200
"""Bytes that Python needs for an entry besides its content."""


class MemoryLine:
    """Two ends of one line: what was popped and what waits; `bytes` counts both."""

    def __init__(self) -> None:
        self.bytes = 0
        self._popped: deque[Entry] = deque()
        self._waiting: deque[Entry] = deque()

    @property
    def events(self) -> int:
        """How many are not settled."""
        return len(self._popped) + len(self._waiting)

    def append(self, entry: Entry) -> None:
        """Keep an entry behind all others."""
        self._waiting.append(entry)
        self.bytes += _size(entry)

    def head(self) -> Entry | None:
        """Return the next entry, or None."""
        return self._waiting[0] if self._waiting else None

    def pop(self) -> Entry:
        """Take the next entry."""
        entry = self._waiting.popleft()
        self._popped.append(entry)
        return entry

    def settle(self) -> None:
        """Forget the first of what was popped."""
        self.bytes -= _size(self._popped.popleft())

    def rewind(self) -> None:
        """Put back everything popped and not settled."""
        self._waiting.extendleft(reversed(self._popped))
        self._popped.clear()

    def drop_oldest(self) -> bool:
        """Give up the first that was not popped; tell whether there was one."""
        if not self._waiting:
            return False
        self.bytes -= _size(self._waiting.popleft())
        return True

    def give_up(self) -> Sequence[Entry]:
        """Empty the line of what was not popped, and return that."""
        entries = tuple(self._waiting)
        self._waiting.clear()
        self.bytes -= sum(map(_size, entries))
        return entries


def _size(entry: Entry) -> int:
    return len(entry.data) + OVERHEAD
