"""Look keys up in one mapped trail set, and in two sets at once.

A probe costs one word of a filter for nearly every foreign key; what passes the filter is found
in a table of (tag, row) slots and compared with the full key, so a hash never decides alone.
Text keys are slices of the scratch text that the parsers write; addresses are numbers.
"""

try:
    import cython
except ImportError:
    from agent.scan import nocython as cython  # type: ignore[no-redef]

from array import array

from agent.scan import layout, octets, prefetch
from agent.scan.hashing import Keyed
from agent.scan.memory import huge_pages
from agent.scan.names import Hosts, Names

if not cython.compiled:  # else the same from the .pxd
    PRIME = layout.HASH_PRIME
    MASK = layout.WORD_MASK
    DOMAIN = layout.DOMAIN
    IP4 = layout.IP4
    IP4_PORT = layout.IP4_PORT
    IP6 = layout.IP6
    IP6_PORT = layout.IP6_PORT
    NET4 = layout.NET4
    NET6 = layout.NET6
    URL = layout.URL
    PATH = layout.PATH
    OWN_ROWS = layout.OWN_ROWS
    DOT_BYTES = 0x2E2E2E2E2E2E2E2E
    DOT_MARK = 0x80
    WORD_STARTS = 0xFFFF_FFFF_FFFF_FFF8
    HYPHEN = 45
    ONE = 1
    WORD = octets.WORD
    LOW32 = 0xFFFFFFFF
    GATE_PRIME = layout.GATE_PRIME
    GATE_PRIME2 = layout.GATE_PRIME2
    GATE_WORDS = layout.GATE_WORDS

    TABLES = layout.TABLES
    SLASH = 47
    QUESTION_MARK = 63
    NUMBER_SIGN = 35
    SUFFIXES = 3
    """Last labels of a name that are noted: what is registered in example.co.uk."""

    # Filters beside those of the tables: what of a key is asked for before the whole of it is.
    ADDRESS4 = layout.TABLES  # IPv4 addresses listed bare or with a port
    HOST = layout.TABLES + 1  # hosts of URLs, with their ports, hashed as names are
    PATH_PARTS = layout.TABLES + 2  # paths by their size and what `_parts` takes of them

    # What is kept of a name in `Names`: dots, then the candidate's bit, then where suffixes begin;
    # the hashes of the whole and of the suffixes.
    SHAPE = 2
    HASHES = 3
    DOTS = 3  # up to SUFFIXES, in two bits
    CANDIDATE_AT = 2
    PLACES_AT = 16
    PLACE_MASK = 0xFFFF

    HOST_SHIFT = 64 - 14  # as in `names`
    KEY_SHIFT = 64 - 8
    ENTRY = 8

    QUESTIONS = 512
    """Of one group of packets: a dozen each and some more. The packet of one that finds no room is
    looked up at once."""

TEXT_BYTES = 8192
"""Scratch text of one scanner: a name, a path, the path with its values blanked, an agent."""


class Lookup:
    """One set. `text` is the scratch text whose slices are looked up; buffers stay referenced."""

    def __init__(self, buffer: layout.Buffer, text: bytearray) -> None:
        header = layout.unpack_header(bytes(memoryview(buffer)[: layout.HEADER_BYTES]))
        self.keyed = Keyed(header.seed)
        self.keys = header.keys
        self.raw = memoryview(buffer)
        self.words = memoryview(buffer).cast("Q")
        self.text = memoryview(text)
        sections = header.sections
        self.pool = sections[layout.SECTION_POOL][0]
        self.rows = sections[layout.SECTION_ROWS][0] // 8
        self.directory = sections[layout.SECTION_DIRECTORY][0] // 8
        self.networks = sections[layout.SECTION_NETWORKS][0] // 8
        self.literals = sections[layout.SECTION_GATE][0] // 8
        self.literal_words = sections[layout.SECTION_GATE][1] // 8
        self.agent_literals = sections[layout.SECTION_AGENTS][0] // 8
        self.agent_literal_words = sections[layout.SECTION_AGENTS][1] // 8

    def text_row(self, table: int, h: int, a: int, a_end: int, b: int, b_end: int) -> int:
        """Return the row of the key text[a:a_end] + text[b:b_end] with hash `h`, or -1."""
        entry = self.directory + table * 6
        slots = self.words[entry + 2]
        mask = self.words[entry + 3]
        index = h & mask
        tag = h >> 32
        size = a_end - a + b_end - b
        left = mask + 1
        while left > 0:  # bounded even where a damaged file has no empty slot
            left -= 1
            slot = self.words[slots + index]
            if slot == 0:
                return -1
            if slot >> 32 == tag:
                row = (slot & LOW32) - 1
                key = self.words[self.rows + row * 2]
                if (key >> 32) & 0xFFFF == size and self._equal(
                    self.pool + (key & LOW32), a, a_end, b, b_end
                ):
                    return row
            index = (index + 1) & mask
        return -1

    def has_tag(self, table: int, h: int) -> int:
        """Tell whether half of the hash `h` is in a table, which is cheaper than the whole key."""
        entry = self.directory + table * 6
        slots = self.words[entry + 2]
        mask = self.words[entry + 3]
        index = h & mask
        left = mask + 1
        while left > 0:  # bounded even where a damaged file has no empty slot
            left -= 1
            slot = self.words[slots + index]
            if slot == 0:
                return 0
            if slot >> 32 == h >> 32:
                return 1
            index = (index + 1) & mask
        return 0

    def number_row(self, table: int, h: int, high: int, low: int, extra: int) -> int:
        """Return the row of an address key with hash `h`, or -1; see layout for its bytes."""
        entry = self.directory + table * 6
        slots = self.words[entry + 2]
        mask = self.words[entry + 3]
        index = h & mask
        tag = h >> 32
        left = mask + 1
        while left > 0:  # bounded even where a damaged file has no empty slot
            left -= 1
            slot = self.words[slots + index]
            if slot == 0:
                return -1
            if slot >> 32 == tag:
                row = (slot & LOW32) - 1
                key = self.words[self.rows + row * 2]
                if self._same_number(
                    self.pool + (key & LOW32), (key >> 32) & 0xFFFF, high, low, extra
                ):
                    return row
            index = (index + 1) & mask
        return -1

    def address4_row(self, address: int, port: int) -> int:
        """Return the row of an IPv4 address, with its port before without, or of its network."""
        row = -1
        if port >= 0:
            low = (address << 16) | port
            row = self.number_row(IP4_PORT, self.keyed.number(IP4_PORT, low), 0, low, 0)
        if row < 0:
            row = self.number_row(IP4, self.keyed.number(IP4, address), 0, address, 0)
        return row if row >= 0 else self.network4_row(address)

    def address6_row(self, high: int, low: int, port: int) -> int:
        """Return the row of an IPv6 address, with its port before without, or of its network."""
        row = -1
        if port >= 0:
            h = self.keyed.numbers(IP6_PORT, high, low, port)
            row = self.number_row(IP6_PORT, h, high, low, port)
        if row < 0:
            row = self.number_row(IP6, self.keyed.numbers(IP6, high, low, 0), high, low, 0)
        return row if row >= 0 else self.network6_row(high, low)

    def network4_row(self, address: int) -> int:
        """Return the row of the longest listed network around an IPv4 address, or -1."""
        top = address >> 16
        if (self.words[self.networks + (top >> 6)] >> (top & 63)) & 1 == 0:
            return -1
        lengths = self.networks + 2048
        i = 0
        count = self.words[lengths]
        while i < count:
            i += 1
            length = self.words[lengths + i]
            masked = address & ((LOW32 << (32 - length)) & LOW32)
            low = (masked << 8) | length
            row = self.number_row(NET4, self.keyed.number(NET4, low), 0, low, 0)
            if row >= 0:
                return row
        return -1

    def network6_row(self, high: int, low: int) -> int:
        """Return the row of the longest listed network around an IPv6 address, or -1."""
        top = high >> 48
        if (self.words[self.networks + 1024 + (top >> 6)] >> (top & 63)) & 1 == 0:
            return -1
        lengths = self.networks + 2048 + 34
        i = 0
        count = self.words[lengths]
        while i < count:
            i += 1
            length = self.words[lengths + i]
            if length == 0:
                masked_high = 0
                masked_low = 0
            elif length <= 64:
                masked_high = high & ((MASK << (64 - length)) & MASK)
                masked_low = 0
            else:
                masked_high = high
                masked_low = low & ((MASK << (128 - length)) & MASK)
            h = self.keyed.numbers(NET6, masked_high, masked_low, length)
            row = self.number_row(NET6, h, masked_high, masked_low, length)
            if row >= 0:
                return row
        return -1

    def find(self, table: int, key: bytes) -> int:
        """Return the row of a key as it lies in the pool, or -1; for readers that hold the lock."""
        size = len(key)
        if size == 0 or size > TEXT_BYTES or table >= layout.TABLES:
            return -1
        if layout.ADDRESS_BYTES.get(table, size) != size:
            return -1
        h = self.hash_key(table, key)
        if table in (IP4, IP4_PORT, NET4):
            return self.number_row(table, h, 0, int.from_bytes(key, "big"), 0)
        if table in (IP6, IP6_PORT, NET6):
            high = int.from_bytes(key[:8], "big")
            low = int.from_bytes(key[8:16], "big")
            return self.number_row(table, h, high, low, int.from_bytes(key[16:], "big"))
        return self.text_row(table, h, 0, size, 0, 0)

    def address(self, address: bytes, port: int) -> int:
        """Return the row of a packed address, with its port before without, or of its network.

        `port` is -1 where there is none, and the row where nothing explains the address.
        """
        if len(address) == 4:
            return self.address4_row(int.from_bytes(address, "big"), port)
        return self.address6_row(
            int.from_bytes(address[:8], "big"), int.from_bytes(address[8:], "big"), port
        )

    def network(self, address: bytes) -> int:
        """Return the row of the longest listed network around a packed address, or -1."""
        if len(address) == 4:
            return self.network4_row(int.from_bytes(address, "big"))
        return self.network6_row(
            int.from_bytes(address[:8], "big"), int.from_bytes(address[8:], "big")
        )

    def filter_words(self, table: int) -> memoryview:
        """Return the filter of a table."""
        entry = self.directory + table * 6
        first = self.words[entry]
        return memoryview(self.words)[first : first + self.words[entry + 1] + 1]

    def hashes(self) -> list[tuple[int, int]]:
        """Return hash and table of every key; for small sets."""
        found = []
        for row in range(self.keys):
            word = self.words[self.rows + row * 2]
            table = (word >> 48) & 0xFF
            if table < layout.TABLES:
                start = self.pool + (word & LOW32)
                key = bytes(self.raw[start : start + ((word >> 32) & 0xFFFF)])
                found.append((self.hash_key(table, key), table))
        return found

    def firsts(self, table: int) -> "array[int]":
        """Return hashes of the addresses or URL hosts that keys begin with, of parts of paths."""
        hashes = array("Q", bytes(8 * self.words[self.directory + table * 6 + 5]))
        return hashes[: self._write_firsts(table, memoryview(hashes))]

    def _write_firsts(self, table: int, hashes: memoryview) -> int:
        """Write the hashes, of equal neighbours one; return how many there are.

        Keys are sorted, so that most of what begins alike is next to each other.
        """
        row = self.words[self.directory + table * 6 + 4]
        last = row + self.words[self.directory + table * 6 + 5]
        count = 0
        before = 0
        while row < last:
            word = self.words[self.rows + row * 2]
            at = self.pool + (word & LOW32)
            if table == URL:
                h = self._first_host(at, at + ((word >> 32) & 0xFFFF))
            elif table == PATH:
                h = _parts(self.keyed, self.raw, at, at + ((word >> 32) & 0xFFFF))
            else:
                h = self._first_address(at)
            if count == 0 or h != before:
                hashes[count] = h
                count += 1
                before = h
            row += 1
        return count

    def _first_address(self, at: int) -> int:
        """Return the hash of the four bytes of an IPv4 address in the file."""
        address = 0
        end = at + 4
        while at < end:
            address = (address << 8) | self.raw[at]
            at += 1
        return self.keyed.number(ADDRESS4, address)

    def _first_host(self, at: int, end: int) -> int:
        """Return the hash of a URL's host, as `Sets.begin_host` makes it of one on the wire."""
        i = octets.find(self.raw, SLASH, at, end)
        h = self.keyed.begin(DOMAIN)
        while i > at:
            i -= 1
            h = ((h ^ self.raw[i]) * PRIME) & MASK
        return self.keyed.finish(h)

    def hash_key(self, table: int, key: bytes) -> int:
        """Return the hash of a key as it lies in the pool."""
        if table in (IP6, IP6_PORT, NET6):
            high = int.from_bytes(key[:8], "big")
            low = int.from_bytes(key[8:16], "big")
            return self.keyed.numbers(table, high, low, int.from_bytes(key[16:], "big"))
        if table in (IP4, IP4_PORT, NET4):
            return self.keyed.number(table, int.from_bytes(key, "big"))
        for i in range(len(key)):
            self.text[i] = key[i]
        return self.hash_text(table, 0, len(key))

    def has(self, table: int) -> bool:
        """Tell whether a table has keys at all."""
        return self.words[self.directory + table * 6 + 5] > 0

    def gate_words(self) -> list[int]:
        """Return the bitmaps of pattern literals and the word that tells of ungated patterns."""
        size = layout.GATE_MAPS * layout.GATE_WORDS + 1
        if self.literal_words != size:  # a gate of another layout lets every name pass
            return [0] * (size - 1) + [1]
        return [self.words[self.literals + i] for i in range(size)]

    def agent_words(self) -> list[int]:
        """Return the bitmaps of User-Agent literals and the word that tells of ungated patterns."""
        size = layout.AGENT_MAPS * layout.GATE_WORDS + 1
        if self.agent_literal_words == 0:
            return [0] * size
        if self.agent_literal_words != size:
            return [0] * (size - 1) + [1]
        return [self.words[self.agent_literals + i] for i in range(size)]

    def network_words(self) -> list[int]:
        """Return the bitmaps of the first 16 bits of networks, version 4, then 6."""
        return [self.words[self.networks + i] for i in range(layout.NETWORK_LENGTHS4)]

    @cython.boundscheck(False)
    def hash_text(self, table: int, start: int, end: int) -> int:
        """Return the hash of text[start:end] as a key of `table`."""
        h = self.keyed.begin(table)
        if table == DOMAIN:
            i = end
            while i > start:
                i -= 1
                h = ((h ^ self.text[i]) * PRIME) & MASK
        else:
            i = start
            while i < end:
                h = ((h ^ self.text[i]) * PRIME) & MASK
                i += 1
        return self.keyed.finish(h)

    def _equal(self, at: int, a: int, a_end: int, b: int, b_end: int) -> int:
        i = a
        while i < a_end:
            if self.raw[at] != self.text[i]:
                return 0
            at += 1
            i += 1
        i = b
        while i < b_end:
            if self.raw[at] != self.text[i]:
                return 0
            at += 1
            i += 1
        return 1

    def _same_number(self, at: int, size: int, high: int, low: int, extra: int) -> int:
        i = 0
        found = 0
        if size < 16:
            while i < size:
                found = (found << 8) | self.raw[at + i]
                i += 1
            return 1 if found == low else 0
        while i < 8:
            found = (found << 8) | self.raw[at + i]
            i += 1
        if found != high:
            return 0
        found = 0
        while i < 16:
            found = (found << 8) | self.raw[at + i]
            i += 1
        if found != low:
            return 0
        found = 0
        while i < size:
            found = (found << 8) | self.raw[at + i]
            i += 1
        return 1 if found == extra else 0


def _parts(keyed: Keyed, data: memoryview, start: int, end: int) -> int:
    """Return a hash of the size and the first, middle and last eight bytes of data[start:end].

    Paths of up to 24 bytes are told apart for certain, others but for a few that look alike, at
    once rather than byte by byte. Eight bytes may be read where there are fewer.
    """
    size = end - start
    if size < WORD:
        first = octets.word(data, start) & ((ONE << (8 * size)) - 1)
        return keyed.numbers(PATH_PARTS | (size << 8), first, 0, 0)
    octets.require(data, start, size)
    return keyed.numbers(
        PATH_PARTS | (size << 8),
        octets.required_word(data, start),
        octets.required_word(data, start + (size >> 1) - WORD // 2),
        octets.required_word(data, end - WORD),
    )


class Filters:
    """The filters of two sets under one seed, merged, in huge pages where the system has them.

    One for all workers. A probe of it is a cache miss at worst, not a walk of page tables too.
    With `everything` each name, request, hello and certificate is shown as if it might be listed.
    """

    def __init__(self, own: Lookup, published: Lookup, everything: bool = False) -> None:
        if own.keyed.seed != published.keyed.seed:
            raise ValueError("the two sets must share one seed")
        sizes = [len(published.filter_words(table)) for table in range(layout.TABLES)]
        firsts = {
            ADDRESS4: [one.firsts(table) for one in (own, published) for table in (IP4, IP4_PORT)],
            HOST: [own.firsts(URL), published.firsts(URL)],
            PATH_PARTS: [own.firsts(PATH), published.firsts(PATH)],
        }
        # Twice the room of other filters: what passes here is read again, not only looked up.
        sizes += [2 * layout.filter_words(sum(map(len, parts))) for parts in firsts.values()]
        plan = array("Q")
        total = 0
        for words in sizes:
            plan.extend([total, words - 1])
            total += words
        self.buffer = huge_pages(8 * total)
        merged = memoryview(self.buffer).cast("Q")
        for table in range(layout.TABLES):
            part = published.filter_words(table)
            first = plan[2 * table]
            merged[first : first + len(part)] = part
        self.words = merged
        self.plan = memoryview(plan)
        for h, table in own.hashes():
            self._mark(table, memoryview(array("Q", [h])))
        for filters, parts in firsts.items():
            for hashes in parts:
                self._mark(filters, memoryview(hashes))
        gates = [own.gate_words(), published.gate_words()]
        self.ungated = gates[0][-1] | gates[1][-1] | everything
        self.gate = memoryview(array("Q", [a | b for a, b in zip(*gates, strict=True)][:-1]))
        both = (own, published)
        agents = [own.agent_words(), published.agent_words()]
        self.agents_ungated = agents[0][-1] | agents[1][-1]
        self.agent_gate = memoryview(array("Q", [a | b for a, b in zip(*agents, strict=True)][:-1]))
        self.agents = int(any(map(any, agents)) or any(s.has(layout.USER_AGENT) for s in both))
        self.certificates = int(everything or any(side.has(layout.CERTIFICATE) for side in both))
        self.fingerprints = int(
            everything
            or any(side.has(table) for side in both for table in (layout.JA3, layout.JA4))
        )
        networks = [own.network_words(), published.network_words()]
        self.networks = memoryview(array("Q", [a | b for a, b in zip(*networks, strict=True)]))

    def _mark(self, table: int, hashes: memoryview) -> None:
        """Let keys with these hashes pass a filter."""
        i = 0
        while i < len(hashes):
            h = hashes[i]
            at = self.plan[table * 2] + (h & self.plan[table * 2 + 1])
            self.words[at] |= (ONE << ((h >> 48) & 63)) | (ONE << ((h >> 54) & 63))
            i += 1


class Sets:
    """The site's own set and the published one, asked together.

    Text, gates and filters are ours and of known sizes, so that reads of them are not checked one
    by one: parsers say where they wrote (writes are checked), a bitmap has a bit for every number
    of 16 bits, a filter a word for every masked hash. What the set files hold is checked at every
    read.

    Each question answers whether something is listed, which is rare; `row` then tells the most
    specific row (own rows are numbered from OWN_ROWS), by which floods are folded.

    A filter's word is hardly ever in a near cache, so packets come in groups. In a first round
    (`asking`) questions of all packets are only noted and their words asked for; `answer` then
    reads the words, which came meanwhile, and sets the bit in `wanted` of each packet that may hold
    something listed. Only those are looked up in a second round.
    """

    def __init__(self, own: Lookup, published: Lookup, filters: Filters) -> None:
        self.own = own
        self.published = published
        self.keyed = self.published.keyed
        self.text = self.published.text
        self.row = 0
        self.candidate = 0
        self.ungated = filters.ungated
        self.gate = filters.gate
        self.words = filters.words
        self.plan = filters.plan
        self.agents = filters.agents
        self.agents_ungated = filters.agents_ungated
        self.agent_gate = filters.agent_gate
        self.certificates = filters.certificates
        self.fingerprints = filters.fingerprints
        self.networks = filters.networks
        self.host_start = 0
        self.host_end = 0
        self.has_urls = 0
        self.asking = 0
        self.packet = 0  # number in its group
        self.wanted = 0
        self.asked = 0
        # Each a filter's word | packet << 32 | table << 40.
        self.places = memoryview(array("Q", bytes(8 * QUESTIONS)))
        self.hashes = memoryview(array("Q", bytes(8 * QUESTIONS)))
        self.dots = 0
        self.name_hash = 0
        self.states = memoryview(array("Q", bytes(8 * (TEXT_BYTES + 1))))
        self.suffix_at = memoryview(array("Q", bytes(8 * SUFFIXES)))
        self.suffix_hash = memoryview(array("Q", bytes(8 * SUFFIXES)))
        self.readable = self.text
        self.literals = memoryview(array("Q", bytes(8 * GATE_WORDS)))  # a bitmap, see `may_matter`
        self.names = Names()
        self.hosts = Hosts()
        self.has_root = int(any(one.find(PATH, b"/") >= 0 for one in (own, published)))

    @cython.boundscheck(False)
    def domain(self, start: int, end: int) -> int:
        """Tell whether text[start:end] or a parent of it is a listed name.

        On the way `candidate` is set where the name holds a literal that some pattern needs, and
        where its last labels begin (`suffix_at`) and how they hash (`suffix_hash`, with `name_hash`
        for the whole) is noted for those who count names.
        """
        passed = self.ungated
        window = 0
        h = self.keyed.begin(DOMAIN)
        self.states[end] = h
        i = end
        while i > start:  # without a branch for dots, which are where nobody can foretell
            i -= 1
            c = self.text[i]
            h = ((h ^ c) * PRIME) & MASK
            self.states[i] = h
            window = (window >> 8) | (c << 24)
            bit = ((window * GATE_PRIME) & LOW32) >> 16
            passed |= self.gate[bit >> 6] >> (bit & 63)
        passed &= 1
        if passed and self.ungated == 0:
            passed = self._passes(start, end)
        self.candidate = passed
        self.name_hash = self.keyed.finish(h)
        found = self._parents(start, end)
        return found | self._text(DOMAIN, self.name_hash, start, end, 0, 0)

    @cython.boundscheck(False)
    def _parents(self, start: int, end: int) -> int:
        """Tell whether a parent of text[start:end] is listed, the last label first; note `dots`.

        `states` has the hash of what begins at each place, but for its finish.
        """
        found = 0
        self.dots = 0
        if start == end:
            return 0
        at = start + ((end - start - 1) & WORD_STARTS)
        marks = octets.equals(octets.word(self.readable, at), DOT_BYTES)
        marks &= MASK >> (8 * (at + WORD - end))
        while True:
            while marks:
                last = octets.last(marks)
                marks ^= DOT_MARK << (8 * last)
                i = at + last + 1
                if self.dots < SUFFIXES:
                    self.suffix_at[self.dots] = i
                    self.suffix_hash[self.dots] = self.states[i]
                    self.dots += 1
                found |= self._text(DOMAIN, self.keyed.finish(self.states[i]), i, end, 0, 0)
            if at == start:
                return found
            at -= WORD
            marks = octets.equals(octets.word(self.readable, at), DOT_BYTES)

    def expect_name(self, key: int) -> None:
        """Get ready to ask for a name with a key, see `Names`."""
        prefetch.word(self.names.words, (key >> KEY_SHIFT) * ENTRY)

    def name(self, key: int, start: int, end: int) -> int:
        """Tell the same of a name with a key, see `Names`: most are not read in the first round."""
        if self.asking == 0:
            return self.domain(start, end)
        if self.names.has(key, self.packet):
            self._recall(start)
            return 0
        self.domain(start, end)
        return self._remember(start)

    def host(self, start: int, end: int) -> int:
        """Tell the same of a host, which is that of the paths that come; few have any URL."""
        self.host_start = start
        self.host_end = end
        found = self.domain(start, end)
        self.has_urls = self._may_hold(HOST, self.name_hash)
        return found

    def expect_host(self, key: int, start: int, end: int) -> None:
        """Get ready to ask for a host with a key, see `Hosts`, and for its paths before."""
        self.host_start = start
        self.host_end = end
        self.has_urls = 0
        prefetch.word(self.hosts.words, key >> HOST_SHIFT)

    def ask_host(self, key: int, start: int, end: int) -> int:
        """Ask what `host` tells; most hosts are not read."""
        if self.hosts.has(key):
            self.candidate = 0
            return 0
        self.host(start, end)
        if self.candidate == 0:
            self.hosts.note(key, self.packet)
        return 0

    @cython.boundscheck(False)
    def _remember(self, start: int) -> int:
        """Keep what `domain` noted of the name that begins at text[start]."""
        if self.names.note(self.packet) == 0:
            return 0
        shape = self.dots | (self.candidate << CANDIDATE_AT)
        i = 0
        while i < SUFFIXES:
            shape |= ((self.suffix_at[i] - start) & PLACE_MASK) << (PLACES_AT * (i + 1))
            self.names.words[self.names.place + HASHES + 1 + i] = self.suffix_hash[i]
            i += 1
        self.names.words[self.names.place + SHAPE] = shape
        self.names.words[self.names.place + HASHES] = self.name_hash
        return 0

    @cython.boundscheck(False)
    def _recall(self, start: int) -> None:
        """Note the same once more."""
        shape = self.names.words[self.names.place + SHAPE]
        self.dots = shape & DOTS
        self.candidate = (shape >> CANDIDATE_AT) & 1
        i = 0
        while i < SUFFIXES:
            self.suffix_at[i] = start + ((shape >> (PLACES_AT * (i + 1))) & PLACE_MASK)
            self.suffix_hash[i] = self.names.words[self.names.place + HASHES + 1 + i]
            i += 1
        self.name_hash = self.names.words[self.names.place + HASHES]

    @cython.boundscheck(False)
    def _passes(self, start: int, end: int) -> int:
        """Tell whether text[start:end] holds what a pattern needs besides its literal.

        Few names come here; many of them only because their last label is a literal.
        """
        plain = 0
        with_hyphen = 0
        with_digit = 0
        hyphens = 0
        digits = 0
        window = 0
        i = end
        while i > start:
            i -= 1
            c = self.text[i]
            if c == HYPHEN:
                hyphens = 1
            elif 48 <= c <= 57:
                digits = 1
            window = (window >> 8) | (c << 24)
            bit = ((window * GATE_PRIME) & LOW32) >> 16
            first = self.gate[bit >> 6] >> (bit & 63)
            bit = ((window * GATE_PRIME2) & LOW32) >> 16
            place = bit >> 6
            bit &= 63
            plain |= first & (self.gate[GATE_WORDS + place] >> bit)
            with_hyphen |= first & (self.gate[2 * GATE_WORDS + place] >> bit)
            with_digit |= first & (self.gate[3 * GATE_WORDS + place] >> bit)
        return (plain | (with_hyphen & hyphens) | (with_digit & digits)) & 1

    @cython.boundscheck(False)
    def may_be_agent(self, start: int, end: int) -> int:
        """Tell whether text[start:end] holds, in any case, a literal that some pattern needs."""
        passed = self.agents_ungated
        window = 0
        i = start
        while i < end:
            c = self.text[i]
            if 65 <= c <= 90:
                c += 32
            window = ((window << 8) | c) & LOW32
            bit = ((window * GATE_PRIME) & LOW32) >> 16
            if (self.agent_gate[bit >> 6] >> (bit & 63)) & 1:
                bit = ((window * GATE_PRIME2) & LOW32) >> 16
                passed |= (self.agent_gate[GATE_WORDS + (bit >> 6)] >> (bit & 63)) & 1
            i += 1
        return 1 if passed else 0

    def begin_host(self, start: int, end: int) -> None:
        """Take text[start:end] as the host of the paths that come.

        A host on the wire may hold a slash, that of a key ends there.
        """
        i = octets.find(self.readable, SLASH, start, end)
        self.has_urls = self._may_hold(HOST, self.published.hash_text(DOMAIN, start, i))
        self.host_start = start
        self.host_end = end

    @cython.boundscheck(False)
    def begin_path(self, start: int) -> None:
        """Take text[start:] as where the paths that come begin."""
        if self.text[start] != SLASH:  # no path: it goes on with the host
            self.has_urls = 1

    @cython.boundscheck(False)
    def may_matter(self, start: int, end: int) -> int:
        """Tell whether four bytes of text[start:end] may be those of a literal.

        Every second window of four is looked at, as the bitmap has two of each literal; the last
        may go on with whatever stands behind.
        """
        passed = 0
        octets.require(self.readable, start, end + 4 - start)
        while start + 4 <= end:
            word = octets.required_word(self.readable, start)
            bit = (((word & LOW32) * GATE_PRIME) & LOW32) >> 16
            passed |= self.literals[bit >> 6] >> (bit & 63)
            bit = ((((word >> 16) & LOW32) * GATE_PRIME) & LOW32) >> 16
            passed |= self.literals[bit >> 6] >> (bit & 63)
            bit = (((word >> 32) * GATE_PRIME) & LOW32) >> 16
            passed |= self.literals[bit >> 6] >> (bit & 63)
            start += 6
        return passed & 1

    @cython.boundscheck(False)
    def first_segment(self, start: int, end: int) -> int:
        """Return the hash of the path text[start:end] up to its second slash or query."""
        h = ((self.keyed.begin(PATH) ^ self.text[start]) * PRIME) & MASK
        i = start + 1
        while i < end:
            c = self.text[i]
            if c == SLASH or c == QUESTION_MARK or c == NUMBER_SIGN:
                break
            h = ((h ^ c) * PRIME) & MASK
            i += 1
        return self.keyed.finish(h)

    def path(self, start: int, end: int) -> int:
        """Tell whether text[start:end] is a listed path, alone or behind the host."""
        found = 0
        if self._may_hold(PATH_PARTS, _parts(self.keyed, self.readable, start, end)):
            found = self.exact(PATH, start, end)
        if self.has_urls:
            found |= self._url(start, end)
        return found

    def root(self, at: int) -> int:
        """Tell whether `/`, which stands at text[at], is listed, alone or behind the host."""
        found = self.exact(PATH, at, at + 1) if self.has_root else 0
        if self.has_urls:
            found |= self._url(at, at + 1)
        return found

    def _url(self, start: int, end: int) -> int:
        """Tell whether text[start:end] behind the host is a listed URL."""
        h = self.keyed.begin(URL)
        i = self.host_start
        while i < self.host_end:
            h = ((h ^ self.text[i]) * PRIME) & MASK
            i += 1
        i = start
        while i < end:
            h = ((h ^ self.text[i]) * PRIME) & MASK
            i += 1
        h = self.keyed.finish(h)
        return self._text(URL, h, self.host_start, self.host_end, start, end)

    def exact(self, table: int, start: int, end: int) -> int:
        """Tell whether text[start:end] is a key of a text table."""
        return self._text(table, self.published.hash_text(table, start, end), start, end, 0, 0)

    @cython.boundscheck(False)
    def address4(self, address: int, port: int) -> int:
        """Tell whether an IPv4 address is listed, bare, with this port, or by network."""
        found = 0
        if self._may_hold(ADDRESS4, self.keyed.number(ADDRESS4, address)):
            found = self._number(IP4, self.keyed.number(IP4, address), 0, address, 0)
            if port >= 0:
                low = (address << 16) | port
                found |= self._number(IP4_PORT, self.keyed.number(IP4_PORT, low), 0, low, 0)
        if (self.networks[address >> 22] >> ((address >> 16) & 63)) & 1 == 0:
            return found
        if self.asking:
            return 1
        row = self.own.network4_row(address)
        if row >= 0:
            self.row = OWN_ROWS + row
            found = 1
        row = self.published.network4_row(address)
        if row >= 0:
            self.row = row
            found = 1
        return found

    @cython.boundscheck(False)
    def ask4(self, source: int, destination: int) -> int:
        """Ask for a packet's IPv4 addresses with any port; return 1 where networks may hold one."""
        self._may_hold(ADDRESS4, self.keyed.number(ADDRESS4, source))
        self._may_hold(ADDRESS4, self.keyed.number(ADDRESS4, destination))
        found = self.networks[source >> 22] >> ((source >> 16) & 63)
        return (found | self.networks[destination >> 22] >> ((destination >> 16) & 63)) & 1

    @cython.boundscheck(False)
    def address6(self, high: int, low: int, port: int) -> int:
        """Tell whether an IPv6 address is listed, bare, with this port, or by network."""
        h = self.keyed.numbers(IP6, high, low, 0)
        found = self._number(IP6, h, high, low, 0)
        if port >= 0:
            h = self.keyed.numbers(IP6_PORT, high, low, port)
            found |= self._number(IP6_PORT, h, high, low, port)
        if (self.networks[GATE_WORDS + (high >> 54)] >> ((high >> 48) & 63)) & 1 == 0:
            return found
        if self.asking:
            return 1
        row = self.own.network6_row(high, low)
        if row >= 0:
            self.row = OWN_ROWS + row
            found = 1
        row = self.published.network6_row(high, low)
        if row >= 0:
            self.row = row
            found = 1
        return found

    @cython.boundscheck(False)
    def _may_hold(self, table: int, h: int) -> int:
        """Tell whether the filter of a table knows the hash `h`; while asking, note that only."""
        place = self.plan[table * 2] + (h & self.plan[table * 2 + 1])
        if self.asking == 0:
            bits = (ONE << ((h >> 48) & 63)) | (ONE << ((h >> 54) & 63))
            return 1 if self.words[place] & bits == bits else 0
        if self.asked < QUESTIONS:
            self.places[self.asked] = place | (self.packet << 32) | (table << 40)
            self.hashes[self.asked] = h
            self.asked += 1
            prefetch.word(self.words, place)
        else:
            self.wanted |= ONE << self.packet
        return 0

    def begin_group(self) -> None:
        """Forget what was asked and wanted."""
        self.asked = 0
        self.wanted = 0
        self.names.begin_group()

    def want(self) -> None:
        """Have the packet looked up in the second round."""
        self.wanted |= ONE << self.packet

    @cython.boundscheck(False)
    def answer(self) -> None:
        """Read all words that were asked for; set the bits of packets in `wanted`."""
        i = 0
        while i < self.asked:
            place = self.places[i]
            h = self.hashes[i]
            bits = (ONE << ((h >> 48) & 63)) | (ONE << ((h >> 54) & 63))
            if self.words[place & LOW32] & bits == bits and self._has_tag(place >> 40, h):
                self.wanted |= ONE << ((place >> 32) & 63)
            i += 1
        if self.wanted:
            self.wanted = self.names.settle(self.wanted)
        if self.hosts.noted:
            self.hosts.settle(self.wanted)

    def _has_tag(self, table: int, h: int) -> int:
        """Tell whether a key with hash `h` is in a table of either set, but for a rare mistake.

        What only begins keys is in no table.
        """
        if table >= TABLES:
            return 1
        return self.own.has_tag(table, h) | self.published.has_tag(table, h)

    def _text(self, table: int, h: int, a: int, a_end: int, b: int, b_end: int) -> int:
        """Tell whether text[a:a_end] and text[b:b_end], of hash `h`, are a key of a table."""
        return self._find_text(table, h, a, a_end, b, b_end) if self._may_hold(table, h) else 0

    def _find_text(self, table: int, h: int, a: int, a_end: int, b: int, b_end: int) -> int:
        row = self.own.text_row(table, h, a, a_end, b, b_end)
        if row >= 0:
            self.row = OWN_ROWS + row
            return 1
        row = self.published.text_row(table, h, a, a_end, b, b_end)
        if row >= 0:
            self.row = row
            return 1
        return 0

    def _number(self, table: int, h: int, high: int, low: int, extra: int) -> int:
        if self._may_hold(table, h) == 0:
            return 0
        row = self.own.number_row(table, h, high, low, extra)
        if row >= 0:
            self.row = OWN_ROWS + row
            return 1
        row = self.published.number_row(table, h, high, low, extra)
        if row >= 0:
            self.row = row
            return 1
        return 0
