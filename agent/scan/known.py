"""Flows whose last head matched nothing: while a worker is overloaded their heads are passed over.

A flow is a client, a server and its port, each direction for itself. Nothing is learned while a
worker keeps up. A flow of which anything is shown is forgotten.
"""

try:
    import cython
except ImportError:
    from agent.scan import nocython as cython  # type: ignore[no-redef]

from array import array

if not cython.compiled:  # else the same from the .pxd
    PLACES = 8192
    """Flows remembered; a newer one takes the place of another with the same low bits."""
    ALL = 2


class Known:
    """A table of hashes. `learns` and `skips` are what the worker's level of shedding says.

    With `skips` 1 heads of known flows are passed over, with 2 all.
    """

    def __init__(self) -> None:
        self.words = memoryview(array("Q", [0] * PLACES))
        self.learns = 0
        self.skips = 0

    def has(self, h: int) -> int:
        """Tell whether the heads of the flow with this hash are passed over."""
        if self.skips == 0:
            return 0
        return 1 if self.skips == ALL or self.words[h & (PLACES - 1)] == h else 0

    def learn(self, h: int) -> int:
        """Remember that a head of the flow was read and matched nothing; return 0."""
        self.words[h & (PLACES - 1)] = h
        return 0

    def forget(self, h: int) -> int:
        """Read the heads of the flow again; return 0."""
        if self.words[h & (PLACES - 1)] == h:
            self.words[h & (PLACES - 1)] = 0
        return 0

    def clear(self) -> int:
        """Forget all flows; return 0."""
        i = 0
        while i < PLACES:
            self.words[i] = 0
            i += 1
        return 0
