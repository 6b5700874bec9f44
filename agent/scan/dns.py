"""DNS messages (RFC 1035): the name and type of the question, addresses and names of the answers.

Names are written to the scratch text in lower case with dots; dnslib decodes what a hit shows.
"""

try:
    import cython
except ImportError:
    from agent.scan import nocython as cython  # type: ignore[no-redef]

from agent.scan import layout, octets

# Eight bytes are looked at in one word, as in `http`.
ONES = 0x0101010101010101

if not cython.compiled:  # else the same from the .pxd
    HIGH_BITS = 0x80 * ONES
    LOW_BITS = 0x7F * ONES
    FROM_0 = (128 - 48) * ONES
    TO_9 = (127 - 57) * ONES
    FROM_HYPHEN = (128 - 45) * ONES
    TO_HYPHEN = (127 - 45) * ONES
    UNDERSCORES = 95 * ONES
    WORD = octets.WORD
    PRIME = layout.HASH_PRIME

    NAME_AT = 0
    ANSWER_AT = 6000  # behind everything that HTTP writes
    MAX_NAME = 253
    HEADER = 12
    A = 1
    CNAME = 5
    AAAA = 28
    IN = 1
    QUERY = 0
    NOTIFY = 4  # RFC 1996
    UPDATE = 5  # RFC 2136
    UNICAST = 0x7FFF  # the top bit of a class is mDNS's, RFC 6762 section 5.4
    MAX_ANSWERS = 32
    """Records read of one message: more than a resolver packs into a datagram of today's sizes."""
    MAX_POINTERS = 8
    END = 0
    ADDRESS4 = 1
    ADDRESS6 = 2
    ALIAS = 3
    OTHER = 4


class DnsReader:
    """Reads one message at a time; `length` is that of the name in the scratch text.

    `key` tells names apart that were read: a hash under `seed` of their labels and these's sizes.
    """

    def __init__(self, text: bytearray) -> None:
        if len(text) < ANSWER_AT + MAX_NAME + WORD:
            raise ValueError(f"a text of {len(text)} bytes has no room for names")
        self.data = memoryview(b"")
        self.text = memoryview(text)
        self.seed = 0
        self.key = 0
        self.length = 0
        self.type_at = 0
        self.response = 0
        self.opcode = 0
        self.at = 0
        self.answers = 0
        self.value_at = 0
        self.alias = 0

    def read(self, start: int, end: int) -> int:
        """Read the first question of data[start:end]; return 1 where it has a name we can match.

        Queries, notifications, updates (their zone) and responses to them that are not truncated,
        rule T-8.6. A name with other characters than those of keys cannot match and is passed over.
        """
        self.length = 0
        if start + HEADER + 5 > end:
            return 0
        if self.data[start + 2] & 2 or (self.data[start + 4] == 0 and self.data[start + 5] == 0):
            return 0
        self.opcode = (self.data[start + 2] >> 3) & 15
        if self.opcode != QUERY and self.opcode != NOTIFY and self.opcode != UPDATE:
            return 0
        self.response = self.data[start + 2] >> 7
        at = start + HEADER
        length = 0
        self.key = PRIME
        while True:
            if at >= end:
                return 0
            label = self.data[at]
            at += 1
            if label == 0:
                break
            # A question cannot point elsewhere, so 0xC0 and above are no lengths either.
            if label > 63 or at + label > end or length + label > MAX_NAME:
                return 0
            if length:
                self.text[NAME_AT + length] = 46
                length += 1
            if self._write_label(NAME_AT + length, at, label) == 0:
                return 0
            length += label
            at += label
        if length == 0 or at + 4 > end:
            return 0
        self.type_at = at
        self.length = length
        return 1

    def is_nameless(self, start: int, end: int) -> int:
        """Tell whether what `read` refused is a sound message all the same.

        It asks for the root, or is an answer cut to fit a datagram, which comes again over TCP.
        """
        if start + HEADER + 5 > end or (self.data[start + 4] == 0 and self.data[start + 5] == 0):
            return 0
        self.opcode = (self.data[start + 2] >> 3) & 15
        if self.opcode != QUERY and self.opcode != NOTIFY and self.opcode != UPDATE:
            return 0
        self.response = self.data[start + 2] >> 7
        if self.response and self.data[start + 2] & 2:
            return 1
        return 1 if self.data[start + 2] & 2 == 0 and self.data[start + HEADER] == 0 else 0

    def is_likely(self, start: int, end: int) -> int:
        """Tell whether data[start:end], on any port, is one question of class IN or its answer.

        Few other protocols have a zero where all four counts' high bytes are, one question, and a
        well-formed name right behind.
        """
        if start + HEADER + 5 > end or self.data[start + 2] & 0x7A:
            return 0
        if self.data[start + 4] or self.data[start + 5] != 1 or self.data[start + 6]:
            return 0
        if self.data[start + 8] or self.data[start + 10]:
            return 0
        if self.data[start + 2] >> 7 == 0 and self.data[start + 7]:
            return 0  # a query with answers
        if self.read(start, end) == 0:
            return 0
        kind = ((self.data[self.type_at + 2] << 8) | self.data[self.type_at + 3]) & UNICAST
        return 1 if kind == IN else 0

    def begin_answers(self, start: int) -> None:
        """Go to the first answer behind the question that was read; more questions have none."""
        self.at = self.type_at + 4
        self.answers = (self.data[start + 6] << 8) | self.data[start + 7]
        if self.data[start + 4] or self.data[start + 5] != 1:
            self.answers = 0
        if self.answers > MAX_ANSWERS:
            self.answers = MAX_ANSWERS

    def next_answer(self, start: int, end: int) -> int:
        """Read the next answer; return what it is, END behind the last one.

        An address begins at `value_at`, an alias is text[ANSWER_AT:ANSWER_AT + alias].
        """
        if self.answers == 0:
            return END
        self.answers -= 1
        at = self._skip_name(self.at, end)
        if at == 0 or at + 10 > end:
            return END
        kind = (self.data[at] << 8) | self.data[at + 1]
        size = (self.data[at + 8] << 8) | self.data[at + 9]
        at += 10
        if at + size > end:
            return END
        self.at = at + size
        self.value_at = at
        if kind == A and size == 4:
            return ADDRESS4
        if kind == AAAA and size == 16:
            return ADDRESS6
        if kind == CNAME and self._write_name(start, at, end):
            return ALIAS
        return OTHER

    def begin_records(self, start: int) -> None:
        """Go to the first record of an update: its prerequisites, then what it changes."""
        self.begin_answers(start)
        more = (self.data[start + 8] << 8) | self.data[start + 9]
        self.answers = self.answers + more if self.answers + more < MAX_ANSWERS else MAX_ANSWERS

    def next_owner(self, start: int, end: int) -> int:
        """Read the next record's owner to text[ANSWER_AT:ANSWER_AT + alias]; 0 behind the last."""
        if self.answers == 0:
            return 0
        self.answers -= 1
        at = self._skip_name(self.at, end)
        if at == 0 or at + 10 > end:
            return 0
        self.alias = 0
        self._write_name(start, self.at, end)
        self.at = at + 10 + ((self.data[at + 8] << 8) | self.data[at + 9])
        return 1

    def word(self, at: int) -> int:
        """Return four bytes of the message as a number."""
        return (
            (self.data[at] << 24)
            | (self.data[at + 1] << 16)
            | (self.data[at + 2] << 8)
            | self.data[at + 3]
        )

    def _skip_name(self, at: int, end: int) -> int:
        """Return the place behind a name, 0 where it is none."""
        while at < end:
            label = self.data[at]
            if label == 0:
                return at + 1
            if label >= 192:
                return at + 2
            if label > 63:
                return 0
            at += 1 + label
        return 0

    def _write_name(self, start: int, at: int, end: int) -> int:
        """Write a name that may point back (RFC 1035 section 4.1.4); return 1 for one of keys."""
        length = 0
        jumps = 0
        while at < end:
            label = self.data[at]
            at += 1
            if label == 0:
                self.alias = length
                return 1 if length else 0
            if label >= 192:
                jumps += 1
                if at >= end or jumps > MAX_POINTERS:
                    return 0
                at = start + (((label & 63) << 8) | self.data[at])
                if at < start + HEADER:  # no name stands there
                    return 0
                continue
            if label > 63 or at + label > end or length + label > MAX_NAME:
                return 0
            if length:
                self.text[ANSWER_AT + length] = 46
                length += 1
            if self._write_label(ANSWER_AT + length, at, label) == 0:
                return 0
            length += label
            at += label
        return 0

    def _write_label(self, place: int, at: int, size: int) -> int:
        """Write the label data[at:at + size] in lower case; return 0 for other bytes than keys'.

        Eight bytes are written at once; of the last word what is behind the label is zero, and
        written over by what follows.
        """
        stop = at + size
        key = self.key ^ size
        while at < stop:
            if at + WORD <= stop:
                word = octets.word(self.data, at)
                odd = HIGH_BITS
            else:  # a header and more is before it, which is shifted out
                word = octets.word(self.data, stop - WORD) >> (8 * (at + WORD - stop))
                odd = HIGH_BITS >> (8 * (at + WORD - stop))
            low = word & LOW_BITS
            usual = (low + FROM_0) ^ (low + TO_9)
            usual |= (low + FROM_HYPHEN) ^ (low + TO_HYPHEN)
            letters = octets.letters(low) & ~word
            odd &= ~(usual | letters) | word
            if odd and odd & ~octets.equals(word, UNDERSCORES):
                return 0
            word |= letters >> 2
            octets.put(self.text, place, word)
            key = octets.fold(word ^ self.seed, key)
            at += WORD
            place += WORD
        self.key = key
        return 1
