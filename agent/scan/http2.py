"""HTTP/2 in the clear (RFC 9113): requests of a connection's first bytes, written as HTTP/1.1.

A connection that begins with the preface is read from there on, as HPACK (RFC 7541) needs all
header blocks before the one that is asked for. One request at a time is written to a text of our
own, in the form that RFC 9113 section 8.3 gives, so that the reader of HTTP/1.1 reads it.

Blocks are bounded in number and size, and so is the table that they share.
"""

try:
    import cython
except ImportError:
    from agent.scan import nocython as cython  # type: ignore[no-redef]

from array import array

from agent.scan import carried

if not cython.compiled:  # else the same from the .pxd
    PREFACE_SIZE = 24
    FRAME_HEADER = 9
    HEADERS = 1
    CONTINUATION = 9
    END_HEADERS = 4
    PADDED = 8
    PRIORITY = 0x20
    MAX_BLOCKS = carried.MAX_BLOCKS
    MAX_BLOCK = 8192
    """Bytes of one header block; servers take as much."""
    MAX_WRITTEN = 8192
    MAX_FIELDS = 128
    """Fields of one block."""
    TABLE_BYTES = 4096
    """Of the dynamic table that everybody begins with (RFC 7541 section 4.2, RFC 9113 6.5.2)."""
    ENTRY_COST = 32  # RFC 7541 section 4.1
    MAX_ENTRIES = TABLE_BYTES // ENTRY_COST
    STATIC_SIZE = 61
    MAX_TEXT = 4096
    """Bytes of one name or value."""
    END_OF_STRING = 256
    LEAF = 1 << 15

    METHOD = 1
    AUTHORITY = 2
    PATH = 3
    OTHER = 4
NODES = 512

STATIC = (
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
)
"""RFC 7541 appendix A."""

CODE_LENGTHS = (
    (5, b"012aceiost"),
    (6, b" %-./3456789=A_bdfghlmnpru"),
    (7, b":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz"),
    (8, b"&*,;XZ"),
    (10, b'!"()?'),
    (11, b"'+|"),
    (12, b"#>"),
    (13, b"\x00$@[]~"),
    (14, b"^}"),
    (15, b"<`{"),
    (19, bytes.fromhex("5cc3d0")),
    (20, bytes.fromhex("808283a2b8c2e0e2")),
    (21, bytes.fromhex("99a1a7acb0b1b3d1d8d9e3e5e6")),
    (22, bytes.fromhex("8184858688929a9ca0a3a4a9aaadb2b5b9babbbdbec4c6e4e8e9")),
    (23, bytes.fromhex("0187898a8b8c8d8f93959697989b9d9ea5a6a8aeafb4b6b7bcbfc5e7ef")),
    (24, bytes.fromhex("098e9091949fabced7e1eced")),
    (25, bytes.fromhex("c7cfeaeb")),
    (26, bytes.fromhex("c0c1c8c9cacdd2d5dadbeef0f2f3ff")),
    (27, bytes.fromhex("cbccd3d4d6dddedff1f4f5f6f7f8fafbfcfdfe")),
    (28, bytes.fromhex("020304050607080b0c0e0f1011121314151718191a1b1c1d1e1f7fdcf9")),
    (30, bytes.fromhex("0a0d16")),
)
"""RFC 7541 appendix B as lengths of codes: the codes are those of a canonical code, so that shorter
ones and, among equals, smaller bytes come first. The end of a string is the last, of 30 bits."""


def code_tree() -> list[int]:
    """Return the tree of the code: two words a node, each the next node or LEAF and a byte."""
    coded = [(size, byte) for size, text in CODE_LENGTHS for byte in text]
    tree = [0, 0]
    code, before = 0, coded[0][0]
    for size, symbol in [*coded, (30, END_OF_STRING)]:
        code <<= size - before
        before = size
        node = 0
        for bit in range(size - 1, 0, -1):
            place = 2 * node + (code >> bit & 1)
            if tree[place] == 0:
                tree[place] = len(tree) // 2
                tree += [0, 0]
            node = tree[place]
        tree[2 * node + (code & 1)] = LEAF | symbol
        code += 1
    return tree + [0] * (2 * NODES - len(tree))


def static_table() -> tuple[bytes, list[int]]:
    """Return all static names and values in one text, and where each begins, with the end."""
    texts = [part.encode() for row in STATIC for part in row]
    places = [sum(map(len, texts[:number])) for number in range(len(texts) + 1)]
    return b"".join(texts), places


class Http2Reader:
    """Reads the beginning of one connection at a time; nothing is kept between two of them."""

    def __init__(self) -> None:
        self.data = memoryview(b"")
        self.written = memoryview(bytearray(MAX_WRITTEN))
        self.readable = self.written
        self.written_end = 0
        self.tree = memoryview(array("H", code_tree()))
        text, places = static_table()
        self.static = memoryview(text)
        self.static_at = memoryview(array("Q", places))
        self.block = memoryview(bytearray(MAX_BLOCK))
        self.block_end = 0
        self.is_cut = 0
        # The dynamic table: entries in a ring, their bytes one behind the other in `pool`.
        self.pool = memoryview(bytearray(2 * TABLE_BYTES))
        self.pool_end = 0
        self.entry_at = memoryview(array("Q", [0] * MAX_ENTRIES))
        self.entry_name = memoryview(array("Q", [0] * MAX_ENTRIES))
        self.entry_size = memoryview(array("Q", [0] * MAX_ENTRIES))
        self.first = 0
        self.entries = 0
        self.used = 0
        self.limit = TABLE_BYTES
        self.at = 0
        self.offset = 0
        self.name = memoryview(bytearray(MAX_TEXT))
        self.name_end = 0
        self.value = memoryview(bytearray(MAX_TEXT))
        self.value_end = 0
        # Of the block that is read: where the request's parts stand in `parts`.
        self.parts = memoryview(bytearray(3 * MAX_TEXT))
        self.method_end = 0
        self.path_end = 0
        self.authority_end = 0
        self.fields = memoryview(bytearray(MAX_WRITTEN))
        self.fields_end = 0
        self.has_host = 0

    def count(self, start: int, end: int) -> int:
        """Return how many header blocks data[start:end] holds whole, at most MAX_BLOCKS."""
        at = start + PREFACE_SIZE
        found = 0
        while at + FRAME_HEADER <= end and found < MAX_BLOCKS:
            kind = self.data[at + 3]
            flags = self.data[at + 4]
            at += FRAME_HEADER + self._three(at)
            if at <= end and flags & END_HEADERS and (kind == HEADERS or kind == CONTINUATION):
                found += 1
        return found

    def begin(self, start: int) -> None:
        """Go to the first frame behind the preface, with an empty table."""
        self.at = start + PREFACE_SIZE
        self.first = 0
        self.entries = 0
        self.used = 0
        self.pool_end = 0
        self.limit = TABLE_BYTES

    def next_request(self, end: int, last: int) -> int:
        """Read the next header block of data[:end] and write the request; its size, or 0.

        0 is also what a block that cannot be read comes to, behind which nothing can. One that is
        too large, or with `last` one that is cut, is read as far as it goes.
        """
        if self._next_block(end, last) == 0:
            return 0
        if self._read_block() == 0:
            self.at = end
            if self.is_cut == 0:
                return 0
        return self._write()

    def _next_block(self, end: int, last: int) -> int:
        """Join the next header block; return 0 where there is none."""
        self.block_end = 0
        self.is_cut = 0
        while self.at + FRAME_HEADER <= end:
            at = self.at
            size = self._three(at)
            kind = self.data[at + 3]
            flags = self.data[at + 4]
            stop = at + FRAME_HEADER + size
            if stop > end:
                if last == 0:
                    return 0
                self.is_cut = 1
                stop = end
            self.at = stop
            at += FRAME_HEADER
            if kind != HEADERS and kind != CONTINUATION:
                continue
            if kind == HEADERS:
                if flags & PADDED and at < stop:
                    padding = self.data[at]
                    at += 1
                    stop = stop - padding if at + padding <= stop else at
                if flags & PRIORITY:
                    at = at + 5 if at + 5 <= stop else stop
            while at < stop:
                if self.block_end >= MAX_BLOCK:
                    self.is_cut = 1
                    return 1
                self.block[self.block_end] = self.data[at]
                self.block_end += 1
                at += 1
            if flags & END_HEADERS:
                return 1
        return self.is_cut

    def _read_block(self) -> int:
        """Read all fields of the block, RFC 7541 section 6; return 0 where one is none."""
        self.method_end = 0
        self.path_end = 0
        self.authority_end = 0
        self.fields_end = 0
        self.has_host = 0
        place = 0
        fields = 0
        while place < self.block_end:
            fields += 1
            c = self.block[place]
            if fields > MAX_FIELDS:
                return 0
            if c & 0x80:
                place = self._indexed(place)
            elif c & 0xE0 == 0x20:
                place = self._resize(place)
                if place == 0:
                    return 0
                continue
            else:
                place = self._literal(place)
            if place == 0:
                return 0
            self._take_field()
        return 1

    def _indexed(self, place: int) -> int:
        """Read a field that is in a table; return the place behind it, 0 for none."""
        place = self._integer(place, 7)
        if place == 0 or self._recall(self.offset, 1) == 0:
            return 0
        return place

    def _literal(self, place: int) -> int:
        """Read a field whose value is written out; return the place behind it, 0 for none."""
        keeps = self.block[place] & 0x40
        place = self._integer(place, 6 if keeps else 4)
        if place == 0:
            return 0
        if self.offset:
            if self._recall(self.offset, 0) == 0:
                return 0
        else:
            place = self._string(place, 0)
            if place == 0:
                return 0
        place = self._string(place, 1)
        if place and keeps:
            self._insert()
        return place

    def _resize(self, place: int) -> int:
        """Take a new size of the table, RFC 7541 section 6.3; return the place behind it."""
        place = self._integer(place, 5)
        if place == 0 or self.offset > TABLE_BYTES:
            return 0
        self.limit = self.offset
        self._evict(0)
        return place

    def _integer(self, place: int, bits: int) -> int:
        """Read a number to `offset`, RFC 7541 section 5.1; return the place behind it, or 0."""
        if place >= self.block_end:
            return 0
        most = (1 << bits) - 1
        self.offset = self.block[place] & most
        place += 1
        if self.offset < most:
            return place
        shift = 0
        while place < self.block_end and shift <= 21:
            c = self.block[place]
            self.offset += (c & 127) << shift
            place += 1
            shift += 7
            if c & 0x80 == 0:
                return place
        return 0

    def _string(self, place: int, is_value: int) -> int:
        """Read a text to `name` or `value`; return the place behind it, 0 for none."""
        if place >= self.block_end:
            return 0
        is_coded = self.block[place] & 0x80
        place = self._integer(place, 7)
        if place == 0 or self.offset > self.block_end - place:
            return 0
        stop = place + self.offset
        size = (
            self._decode(place, stop, is_value) if is_coded else self._copy(place, stop, is_value)
        )
        if is_value:
            self.value_end = size
        else:
            self.name_end = size
        return stop

    def _copy(self, place: int, stop: int, is_value: int) -> int:
        """Copy block[place:stop], cut to MAX_TEXT; return the size."""
        size = 0
        while place < stop and size < MAX_TEXT:
            if is_value:
                self.value[size] = self.block[place]
            else:
                self.name[size] = self.block[place]
            size += 1
            place += 1
        return size

    def _decode(self, place: int, stop: int, is_value: int) -> int:
        """Decode block[place:stop], cut to MAX_TEXT; return the size."""
        size = 0
        node = 0
        while place < stop:
            c = self.block[place]
            bit = 8
            while bit > 0:
                bit -= 1
                following = self.tree[2 * node + ((c >> bit) & 1)]
                if following & LEAF == 0:
                    node = following
                    continue
                symbol = following & (LEAF - 1)
                node = 0
                if symbol == END_OF_STRING or size >= MAX_TEXT:
                    return size
                if is_value:
                    self.value[size] = symbol
                else:
                    self.name[size] = symbol
                size += 1
            place += 1
        return size

    def _recall(self, number: int, with_value: int) -> int:
        """Copy an entry's name, and its value too, from a table; return 0 where there is none."""
        if number == 0:
            return 0
        if number <= STATIC_SIZE:
            at = self.static_at[2 * number - 2]
            stop = self.static_at[2 * number - 1]
            last = self.static_at[2 * number]
            self.name_end = 0
            while at < stop:
                self.name[self.name_end] = self.static[at]
                self.name_end += 1
                at += 1
            if with_value:
                self.value_end = 0
                while at < last:
                    self.value[self.value_end] = self.static[at]
                    self.value_end += 1
                    at += 1
            return 1
        number -= STATIC_SIZE + 1
        if number >= self.entries:
            return 0
        entry = (self.first + self.entries - 1 - number) % MAX_ENTRIES
        at = self.entry_at[entry]
        stop = at + self.entry_name[entry]
        last = at + self.entry_size[entry]
        self.name_end = 0
        while at < stop:
            self.name[self.name_end] = self.pool[at]
            self.name_end += 1
            at += 1
        if with_value:
            self.value_end = 0
            while at < last:
                self.value[self.value_end] = self.pool[at]
                self.value_end += 1
                at += 1
        return 1

    def _insert(self) -> None:
        """Put the field that was read into the dynamic table, RFC 7541 section 4.4."""
        size = self.name_end + self.value_end
        self._evict(size + ENTRY_COST)
        if size + ENTRY_COST <= self.limit:
            self._append(size)

    def _append(self, size: int) -> None:
        if self.pool_end + size > 2 * TABLE_BYTES:
            self._compact()
        entry = (self.first + self.entries) % MAX_ENTRIES
        self.entry_at[entry] = self.pool_end
        self.entry_name[entry] = self.name_end
        self.entry_size[entry] = size
        self.entries += 1
        self.used += size + ENTRY_COST
        i = 0
        while i < self.name_end:
            self.pool[self.pool_end] = self.name[i]
            self.pool_end += 1
            i += 1
        i = 0
        while i < self.value_end:
            self.pool[self.pool_end] = self.value[i]
            self.pool_end += 1
            i += 1

    def _evict(self, size: int) -> None:
        """Give up the oldest entries until `size` more have room."""
        while self.entries and self.used + size > self.limit:
            self.used -= self.entry_size[self.first] + ENTRY_COST
            self.first = (self.first + 1) % MAX_ENTRIES
            self.entries -= 1

    def _compact(self) -> None:
        """Move what the entries hold to the pool's beginning."""
        to = 0
        i = 0
        while i < self.entries:
            entry = (self.first + i) % MAX_ENTRIES
            at = self.entry_at[entry]
            stop = at + self.entry_size[entry]
            self.entry_at[entry] = to
            while at < stop:
                self.pool[to] = self.pool[at]
                to += 1
                at += 1
            i += 1
        self.pool_end = to

    def _take_field(self) -> None:
        """Keep the field that was read: a part of the request line, the host, or a line."""
        kind = self._kind()
        if kind == METHOD:
            self.method_end = self._keep_part(0)
        elif kind == AUTHORITY:
            self.authority_end = self._keep_part(1)
        elif kind == PATH:
            self.path_end = self._keep_part(2)
        elif kind == OTHER and self.fields_end + self.name_end + self.value_end + 4 < MAX_WRITTEN:
            if self.name_end == 4 and self.name[0] == 104 and self.name[1] == 111:
                self.has_host = 1
            i = 0
            while i < self.name_end:
                self._put_field(self.name[i])
                i += 1
            self._put_field(58)
            self._put_field(32)
            i = 0
            while i < self.value_end:
                self._put_field(self.value[i])
                i += 1
            self.fields[self.fields_end] = 13
            self.fields[self.fields_end + 1] = 10
            self.fields_end += 2

    def _put_field(self, c: int) -> None:
        """Write a byte of a field; what would end its line is no part of one (section 8.2.1)."""
        self.fields[self.fields_end] = 63 if c < 32 else c
        self.fields_end += 1

    def _keep_part(self, which: int) -> int:
        """Keep the value as a part of the request; bytes that would end a word are replaced."""
        i = 0
        while i < self.value_end:
            c = self.value[i]
            self.parts[which * MAX_TEXT + i] = 63 if c <= 32 else c
            i += 1
        return i

    def _kind(self) -> int:
        """Tell which pseudo-header field the name is, by its first letters; 0 for another one."""
        if self.name_end == 0:
            return 0
        if self.name[0] != 58:
            return OTHER
        if self.name_end == 7 and self.name[1] == 109:
            return METHOD
        if self.name_end == 10 and self.name[1] == 97:
            return AUTHORITY
        if self.name_end == 5 and self.name[1] == 112:
            return PATH
        return 0

    def _write(self) -> int:
        """Write the request that the block meant as HTTP/1.1; return its size, 0 for none."""
        self.written_end = 0
        if self.method_end == 0 or (self.path_end == 0 and self.authority_end == 0):
            return 0  # a response, or trailers
        size = self.method_end + self.path_end + 2 * self.authority_end + 32
        if size + self.fields_end > MAX_WRITTEN:
            self.fields_end = 0
        if size > MAX_WRITTEN:
            return 0
        self._put_part(0, self.method_end)
        self._put(32)
        if self.path_end:
            self._put_part(2, self.path_end)
        else:
            self._put_part(1, self.authority_end)  # CONNECT, section 8.5
        self._put(32)
        self._put(72)
        self._put(84)
        self._put(84)
        self._put(80)
        self._put(47)
        self._put(50)
        self._put(13)
        self._put(10)
        if self.authority_end and self.has_host == 0:
            self._put(104)
            self._put(111)
            self._put(115)
            self._put(116)
            self._put(58)
            self._put(32)
            self._put_part(1, self.authority_end)
            self._put(13)
            self._put(10)
        i = 0
        while i < self.fields_end:
            self._put(self.fields[i])
            i += 1
        self._put(13)
        self._put(10)
        return self.written_end

    def _put(self, c: int) -> None:
        self.written[self.written_end] = c
        self.written_end += 1

    def _put_part(self, which: int, size: int) -> None:
        i = 0
        while i < size:
            self._put(self.parts[which * MAX_TEXT + i])
            i += 1

    def _three(self, at: int) -> int:
        return (self.data[at] << 16) | (self.data[at + 1] << 8) | self.data[at + 2]
