"""Who opened a conversation over UDP, and whether it was answered: one word each, none in Python.

The table has a fixed size. A new conversation takes the place of the one in its bucket that was
silent longest. What is no longer known counts as new again, opened by whoever speaks next.
"""

try:
    import cython
except ImportError:
    from agent.scan import nocython as cython  # type: ignore[no-redef]

from agent.scan import prefetch
from agent.scan.memory import together

if not cython.compiled:  # else the same from the .pxd
    BUCKETS = 16384  # a power of two
    WAYS = 4
    IDLE_SECONDS = 120  # RFC 4787 section 4.3: what a translator keeps at least
    LOW24 = 0xFFFFFF
    TAG = 0xFFFFFFFF00000000
    FORWARD = 1  # the lower end opened it
    ANSWERED = 2
    LIVE = 4

    OPENED = 1
    WAITS = 2
    ANSWER = 3
    KNOWN = 0


class Conversations:
    """Conversations by a hash that is the same for both directions."""

    def __init__(self) -> None:
        self.table = together(BUCKETS * WAYS * 8).cast("Q")

    @cython.boundscheck(False)
    def expect(self, h: int) -> None:
        """Ask for what is known of a conversation, of which a datagram will be seen."""
        prefetch.word(self.table, (h & (BUCKETS - 1)) * WAYS)

    @cython.boundscheck(False)
    def see(self, h: int, second: int, forward: int) -> int:
        """Take note of a datagram; `forward` tells which end sent it.

        Return OPENED for the first one, WAITS for another one of the opener that nothing answered
        yet, ANSWER for the first answer, KNOWN for what comes after it.
        """
        at = (h & (BUCKETS - 1)) * WAYS
        best = at
        best_age = 0
        way = 0
        while way < WAYS:
            word = self.table[at]
            age = (second - (word >> 8)) & LOW24
            if word & TAG == h & TAG and word & LIVE and age <= IDLE_SECONDS:
                return self._go_on(at, word, second, forward)
            if word & LIVE == 0:
                age = LOW24 + 1
            if age > best_age:
                best = at
                best_age = age
            at += 1
            way += 1
        self.table[best] = (h & TAG) | ((second & LOW24) << 8) | LIVE | forward
        return OPENED

    @cython.boundscheck(False)
    @cython.boundscheck(False)
    def _go_on(self, at: int, word: int, second: int, forward: int) -> int:
        word = (word & TAG) | ((second & LOW24) << 8) | (word & 255)
        if word & ANSWERED:
            self.table[at] = word
            return KNOWN
        if word & FORWARD == forward:
            self.table[at] = word
            return WAITS
        self.table[at] = word | ANSWERED
        return ANSWER
