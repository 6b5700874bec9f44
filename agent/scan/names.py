"""Names asked for lately of which no filter knew anything, so that they need not be read again.

Most names come again soon: an answer repeats its question, a page has many parts. They are told
apart by a key: a keyed hash of 64 bits that the parser makes of the words of eight bytes that it
has in hand. It decides alone, as filters do: of two names with one key the second would not be
read, which whoever does not know the seed cannot bring about.
"""

try:
    import cython
except ImportError:
    from agent.scan import nocython as cython  # type: ignore[no-redef]

from array import array

from agent.scan.memory import pages

if not cython.compiled:  # else the same from the .pxd
    PLACES = 256
    """Names remembered, in 16 kB; a newer one takes the place of another. What lies in a large
    table is waited for longer than reading a name takes."""
    KEY_SHIFT = 64 - 8  # the place is the upper bits of the key
    HOST_PLACES = 16384
    """Hosts remembered, in 128 kB: eight in a cache line, which so are asked for often."""
    HOST_SHIFT = 64 - 14
    ENTRY = 8  # words of a place, a cache line
    KEY = 0  # 0 for none
    STAMP = 1  # number of the group << STAMP_BITS | number in `places`; the rest is the owner's
    STAMP_BITS = 6
    NOTED = 1 << STAMP_BITS
    """Names noted in one group: two for each packet; more are not remembered."""
    ONE = 1


class Names:
    """Names with what is known of each; `place` is where in `words` the one asked for last lies.

    A name noted in a group of packets is unknown for certain only when the group's filters were
    read. Until then packets that ask for it again follow the first: `settle` has them looked up
    where that one is, and forgets the name.
    """

    def __init__(self) -> None:
        self.words = pages(8 * PLACES * ENTRY).cast("Q")
        self.places = memoryview(array("Q", bytes(8 * NOTED)))
        self.packets = memoryview(array("Q", bytes(8 * NOTED)))  # a bit for each that asks
        self.key = 0
        self.place = 0
        self.group = 0
        self.noted = 0

    def begin_group(self) -> None:
        """Take the names noted so far for unknown, and begin with none."""
        self.noted = 0
        self.group += 1

    @cython.boundscheck(False)
    def has(self, key: int, packet: int) -> int:
        """Tell whether the name with this key is unknown, or will be unless `packet` follows."""
        self.place = (key >> KEY_SHIFT) * ENTRY
        self.key = key | ONE
        if self.words[self.place + KEY] != self.key:
            return 0
        stamp = self.words[self.place + STAMP]
        if stamp >> STAMP_BITS == self.group:
            self.packets[stamp & (NOTED - 1)] |= ONE << packet
        return 1

    @cython.boundscheck(False)
    def note(self, packet: int) -> int:
        """Note the name that `has` did not find; return 0 where there is no room."""
        if self.noted == NOTED:
            return 0
        self.words[self.place + KEY] = self.key
        self.words[self.place + STAMP] = (self.group << STAMP_BITS) | self.noted
        self.places[self.noted] = self.place
        self.packets[self.noted] = ONE << packet
        self.noted += 1
        return 1

    @cython.boundscheck(False)
    def settle(self, wanted: int) -> int:
        """Return `wanted`, the packets to be looked up, with those that follow one of them."""
        i = 0
        while i < self.noted:
            first = self.packets[i] & (~self.packets[i] + 1)  # nobody asked for it before
            if wanted & first:
                wanted |= self.packets[i]
                self.words[self.places[i] + KEY] = 0
            i += 1
        return wanted


class Hosts:
    """The keys of hosts of requests, without a candidate, of which no filter knew anything.

    Nothing else is kept of them, and those of a group are unknown from its end on.
    """

    def __init__(self) -> None:
        self.words = pages(8 * HOST_PLACES).cast("Q")
        self.keys = memoryview(array("Q", bytes(8 * NOTED)))
        self.packets = memoryview(array("Q", bytes(8 * NOTED)))
        self.noted = 0

    @cython.boundscheck(False)
    def has(self, key: int) -> int:
        """Tell whether the host with this key is unknown."""
        return 1 if self.words[key >> HOST_SHIFT] == key | ONE else 0

    @cython.boundscheck(False)
    def note(self, key: int, packet: int) -> None:
        """Note a host that a packet asks for."""
        if self.noted < NOTED:
            self.keys[self.noted] = key
            self.packets[self.noted] = packet
            self.noted += 1

    @cython.boundscheck(False)
    def settle(self, wanted: int) -> None:
        """Remember the hosts noted in this group but for those of packets that are `wanted`."""
        while self.noted:
            self.noted -= 1
            key = self.keys[self.noted]
            if (wanted >> self.packets[self.noted]) & 1 == 0:
                self.words[key >> HOST_SHIFT] = key | ONE
