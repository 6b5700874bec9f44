"""HTTP/1 requests (RFC 9112): request line, host, agent, and the URL candidates of rule T-13.8.

The scratch text holds the host (with a port other than 80), the path in lower case, and the path
with its parameter values removed or, where it has none, with the body behind it. `candidates`
serves readers outside the packet path.
"""

try:
    import cython
except ImportError:
    from agent.scan import nocython as cython  # type: ignore[no-redef]

from array import array

from agent.scan import layout, octets

# Eight bytes are looked at in one word. To the low seven bits of each a number is added that
# carries into its high bit where the byte is as large as the first of a range, another where it is
# larger than the last (Hacker's Delight, section 6-1): 128 - first, 127 - last.
ONES = 0x0101010101010101
VERSION = memoryview(b" HTTP/")

if not cython.compiled:  # else the same from the .pxd
    HOST_AT = 0
    MAX_HOST = 255
    SLASH_AT = 510
    PATH_AT = 512
    MAX_PATH = 2048
    """Longest path that is looked at: as much as capture keeps of a packet by default."""
    BLANKED_AT = PATH_AT + MAX_PATH
    AGENT_AT = BLANKED_AT + MAX_PATH
    MAX_AGENT = 2048
    MAX_METHOD = 16
    MAX_LINES = 64
    """Header lines that are read; a request with more hides its Host on purpose, which is odd
    enough to be a matter for behaviours."""
    MAX_CANDIDATES = 8
    CONNECT = 7
    """Length of the only method of seven letters whose target is no path, RFC 9110 9.3.6."""
    HOST_SIZE = 5

    # Names of headers by their first and last eight bytes, and their letters' bit of lower case.
    AGENT_SIZE = 11
    AGENT_FIRST = int.from_bytes(b"user-age", "little")
    AGENT_FIRST_CASE = 0x2020200020202020
    AGENT_LAST = int.from_bytes(b"r-agent:", "little")
    AGENT_LAST_CASE = 0x0020202020200020
    LENGTH_SIZE = 15
    LENGTH_FIRST = int.from_bytes(b"content-", "little")
    LENGTH_FIRST_CASE = 0x0020202020202020
    LENGTH_LAST = int.from_bytes(b"-length:", "little")
    LENGTH_LAST_CASE = 0x0020202020202000
    MAX_BODY = 2048
    """Bytes of a body that are waited for: as much as a key has room for."""
    ABSENT = 0xFFFFFFFF  # no length is announced
    GET = 3  # length of the commonest methods without a body, GET and HEAD
    HEAD = 4
    GET_WORD = int.from_bytes(b"GET ", "little")
    VERSION_SIZE = 6
    VERSION_WORD = int.from_bytes(b" HTTP/", "little")
    VERSION_BYTES = 0xFFFFFFFFFFFF
    HASH_PRIME = layout.HASH_PRIME
    LOW32 = 0xFFFFFFFF

    HIGH_BITS = 0x80 * ONES
    LOW_BITS = 0x7F * ONES
    PRINTED = 33 * ONES
    FROM_HYPHEN = (128 - 45) * ONES
    TO_9 = (127 - 57) * ONES
    FROM_UNDERSCORE = (128 - 95) * ONES
    TO_UNDERSCORE = (127 - 95) * ONES
    FROM_SLASH = (128 - 47) * ONES
    TO_SLASH = (127 - 47) * ONES
    SLASHES = 47 * ONES
    WORD = octets.WORD


class HttpReader:
    """Reads one request at a time. Slices `*_at`, `*_end` are of the data, `*_size` of the text.

    `spelling` is 0 for a path of letters, digits and `/._-`, 1 where others occur, 2 where some may
    have to be decoded; `question` is the place in the text where its
    query begins, or its end; `agent_hash` tells User-Agents apart.
    """

    def __init__(self, text: bytearray) -> None:
        if len(text) < AGENT_AT + MAX_AGENT:
            raise ValueError(f"a text of {len(text)} bytes has no room for a request")
        self.data = memoryview(b"")
        self.text = memoryview(text)
        self.readable = self.text
        self.text[SLASH_AT] = 47
        self.want_agent = 0
        self.method_at = 0
        self.method_end = 0
        self.target_at = 0
        self.target_end = 0
        self.host_at = 0
        self.host_end = 0
        self.agent_at = 0
        self.agent_end = 0
        self.host_size = 0
        self.name_size = 0
        self.host_key = 0
        self.path_at = 0
        self.path_size = 0
        self.line_at = 0
        self.body_at = 0
        self.body_end = 0
        self.missing = 0
        self.spelling = 0
        self.has_blanks = 0
        self.question = 0
        self.agent_hash = 0
        self.seed = 0
        self.is_name = 0
        self.count = 0
        self.last_start = 0
        self.last_end = 0
        self.starts = memoryview(array("q", [0] * MAX_CANDIDATES))
        self.ends = memoryview(array("q", [0] * MAX_CANDIDATES))

    def read(self, start: int, end: int) -> int:
        """Read the request data[start:end]; return 1 where it is one."""
        if self._request_line(start, end) == 0:
            return 0
        self._headers(end)
        self._find_body(end)
        return 1

    def may_begin(self, at: int, end: int) -> int:
        """Tell whether data[at:end], which is no request yet, can become one."""
        start = at
        while at < end and at - start < MAX_METHOD and 65 <= self.data[at] <= 90:
            at += 1
        if at == end:
            return 1
        if at == start or self.data[at] != 32:
            return 0
        at += 1
        while at < end and self.data[at] > 32:
            at += 1
        if at == end:
            return 1
        i = 0
        while at + i < end and i < 6:
            if self.data[at + i] != VERSION[i]:
                return 0
            i += 1
        return 1 if i < 6 else 0

    def has_what_counts(self) -> int:
        """Tell whether all that is looked up stands in what is there of a request."""
        if self.host_end == self.host_at or self.is_bodiless() == 0:
            return 0
        if self.want_agent and self.agent_end == self.agent_at:
            return 0
        return 1 if self.data[self.line_at - 1] == 10 else 0

    def look(self) -> None:
        """Write what is looked up behind the host that was written: path, candidates."""
        self._write_path(self.path_at, self.target_end)
        self._find_candidates()

    def candidates(self, path: bytes, body: bytes) -> list[bytes]:
        """Return the candidates of a request in their order, for readers that hold the lock."""
        size = min(len(path), MAX_PATH)
        i = 0
        while i < size:
            self.text[PATH_AT + i] = path[i]
            i += 1
        self.path_size = size
        self.spelling = 1
        self.data = memoryview(body)
        self.body_at = 0
        self.body_end = len(body)
        self._find_candidates()
        return [bytes(self.text[self.starts[k] : self.ends[k]]) for k in range(self.count)]

    def _request_line(self, start: int, end: int) -> int:
        """Find method and target. The line must end in a version: `METHOD target HTTP/x`."""
        at = self._method(start, end)
        if at == 0:
            return 0
        self.method_at = start
        self.method_end = at
        self.has_blanks = 0
        at += 1
        self.target_at = at
        at = self._blank(at, end)
        if at == self.target_at or self._has_version(at, end) == 0:
            return self._odd_line(end)
        self.target_end = at
        return 1

    def _method(self, start: int, end: int) -> int:
        """Return the end of the method, 0 where there is none."""
        if start + WORD <= end and octets.word(self.data, start) & LOW32 == GET_WORD:
            return start + GET
        at = start
        while at < end and at - start < MAX_METHOD and 65 <= self.data[at] <= 90:
            at += 1
        if at == start or at >= end or self.data[at] != 32:
            return self._rare_method(at, start, end)
        return at

    def _has_version(self, at: int, end: int) -> int:
        """Tell whether ` HTTP/` stands at `at`."""
        if at + WORD <= end:
            return 1 if octets.word(self.data, at) & VERSION_BYTES == VERSION_WORD else 0
        if at + VERSION_SIZE > end:
            return 0
        return (
            1 if self.data[at] == 32 and self.data[at + 1] == 72 and self._is_version(at + 1) else 0
        )

    def _blank(self, at: int, end: int) -> int:
        """Return where the first blank or control character of data[at:end] stands, or `end`."""
        while at + WORD <= end:
            word = octets.word(self.data, at)
            blanks = (word - PRINTED) & ~word & HIGH_BITS  # exact up to the first
            if blanks:
                return at + octets.first(blanks)
            at += WORD
        while at < end and self.data[at] > 32:
            at += 1
        return at

    def _rare_method(self, at: int, start: int, end: int) -> int:
        """Return the end of a method with a hyphen or an underscore, 0 where there is none."""
        if at == start or at >= end or (self.data[at] != 45 and self.data[at] != 95):
            return 0
        while at < end and at - start < MAX_METHOD:
            c = self.data[at]
            if not (65 <= c <= 90 or c == 45 or c == 95):
                break
            at += 1
        return at if at < end and self.data[at] == 32 else 0

    def _odd_line(self, end: int) -> int:
        """Find the target of a request line that servers take all the same.

        It may hold blanks or be missing; where GET, HEAD or POST ask for a path the version may
        be missing, as in HTTP/0.9.
        """
        while self.target_at + 1 < end and self.data[self.target_at] == 32:
            self.target_at += 1
        at = self.target_at
        version = 0
        blanks = 0
        while at < end and self.data[at] != 10:
            c = self.data[at]
            if c == 72 and at + 5 <= end and self.data[at - 1] == 32 and self._is_version(at):
                version = at
            if c == 32:
                blanks = 1
            elif c < 32 and c != 13:
                return 0
            at += 1
        if at >= end:
            return 0
        if version:
            self.target_end = version - 1 if version > self.target_at else self.target_at
            self.has_blanks = blanks
            return 1
        if self.data[at - 1] == 13:
            at -= 1
        if blanks or at <= self.target_at or self.data[self.target_at] != 47:
            return 0
        self.target_end = at
        size = self.method_end - self.method_at
        if size == HEAD and self.data[self.method_at] == 80 and self.data[self.method_at + 1] == 79:
            return 1
        return self.is_bodiless()

    def _is_version(self, at: int) -> int:
        """Tell whether `HTTP/` stands at `at`, where five bytes are."""
        if self.data[at + 1] != 84 or self.data[at + 2] != 84:
            return 0
        return 1 if self.data[at + 3] == 80 and self.data[at + 4] == 47 else 0

    def _headers(self, end: int) -> None:
        """Find the first Host and User-Agent, in any case, up to the empty line."""
        self.host_at = 0
        self.host_end = 0
        self.agent_at = 0
        self.agent_end = 0
        at = self._next_line(self.target_end, end)
        lines = 0
        # Most requests begin with Host, and few need more: nothing behind what is wanted is read.
        while (
            at < end
            and lines < MAX_LINES
            and (self.host_end == 0 or (self.want_agent and self.agent_end == 0))
        ):
            c = self.data[at]
            if c == 13 or c == 10:
                break
            c |= 32
            following = self._next_line(at, end)
            if c == 117 and self.agent_end == 0 and self._is_agent(at, following):
                self._value(at + AGENT_SIZE, self._unfold(following, end), 1)
                self._hash_agent()
            elif c == 104 and self.host_end == 0 and self._is_host(at, following):
                self._value(at + HOST_SIZE, self._unfold(following, end), 0)
            at = following
            lines += 1
        self.line_at = at

    def _hash_agent(self) -> None:
        """Hash the agent by sixteen bytes, of the last sixteen perhaps some once more."""
        at = self.agent_at
        end = self.agent_end
        size = end - at
        octets.require(self.data, at, size)
        seed = self.seed
        h = octets.fold(seed ^ size, HASH_PRIME)
        while at + 2 * WORD < end:
            word = octets.required_word(self.data, at) ^ seed
            h = octets.fold(word, octets.required_word(self.data, at + WORD) ^ h)
            at += 2 * WORD
        if size >= 2 * WORD:
            at = end - 2 * WORD
        if size >= WORD:
            word = octets.required_word(self.data, at) ^ seed
            h = octets.fold(word, octets.required_word(self.data, end - WORD) ^ h)
        else:
            h = octets.fold(self._short_word(at, end) ^ seed, h)
        self.agent_hash = h

    def _short_word(self, at: int, end: int) -> int:
        """Return the bytes data[at:end], fewer than eight, in one word."""
        word = 0
        while at < end:
            word = (word << 8) | self.data[at]
            at += 1
        return word

    def _find_body(self, end: int) -> int:
        """Find the head's end, which is returned, 0 for none, and the body behind it.

        `missing` is 1 where bytes that belong to the request are still to come.
        """
        self.missing = 0
        head = self._head_end(self.line_at, end)
        self.body_at = head
        self.body_end = head
        if head == 0:
            self.missing = 1
            self.body_at = end
            self.body_end = end
            return 0
        if head == end and self.is_bodiless():
            return head
        size = self._content_length(head)
        if size == ABSENT:
            # What a client sends behind a POST all the same is its body; behind a GET it is the
            # next request.
            size = 0 if self.is_bodiless() else end - head
        if size > end - head:
            self.missing = 1 if end - head < MAX_BODY else 0
            size = end - head
        self.body_end = head + size
        return head

    def is_bodiless(self) -> int:
        """Tell whether the method is GET or HEAD, which announce a body if they have one."""
        size = self.method_end - self.method_at
        if size == GET and self.data[self.method_at] == 71:
            return 1
        return 1 if size == HEAD and self.data[self.method_at] == 72 else 0

    def _head_end(self, at: int, end: int) -> int:
        """Return the place behind the empty line, 0 where there is none; `at` begins a line."""
        while at < end:
            c = self.data[at]
            if c == 10:
                return at + 1
            if c == 13 and at + 1 < end and self.data[at + 1] == 10:
                return at + 2
            at = self._next_line(at, end)
        return 0

    def _content_length(self, head: int) -> int:
        """Return the length that the head up to `head` announces, ABSENT without one."""
        at = self._next_line(self.target_end, head)
        lines = 0
        while at < head and lines < MAX_LINES:
            following = self._next_line(at, head)
            c = self.data[at]
            if (c == 67 or c == 99) and self._is_length(at, following):
                return self._number(at + LENGTH_SIZE, following)
            at = following
            lines += 1
        return ABSENT

    def _number(self, at: int, end: int) -> int:
        value = 0
        while at < end and (self.data[at] == 32 or self.data[at] == 9):
            at += 1
        while at < end and 48 <= self.data[at] <= 57 and value < 1000000000:
            value = value * 10 + self.data[at] - 48
            at += 1
        return value

    def _next_line(self, at: int, end: int) -> int:
        at = octets.find(self.data, 10, at, end)
        return at + 1 if at < end else end

    def _is_host(self, at: int, end: int) -> int:
        """Tell whether the line data[at:end], which begins with h or H, begins with `host:`."""
        if at + HOST_SIZE > end or self.data[at + 4] != 58:
            return 0
        if self.data[at + 1] | 32 != 111 or self.data[at + 2] | 32 != 115:
            return 0
        return 1 if self.data[at + 3] | 32 == 116 else 0

    def _unfold(self, at: int, end: int) -> int:
        """Return where a value ends that goes on in lines that begin with a blank, RFC 9112 5.2."""
        while at < end and (self.data[at] == 32 or self.data[at] == 9):
            at = self._next_line(at, end)
        return at

    def _is_agent(self, at: int, end: int) -> int:
        """Tell whether the line data[at:end] begins with `user-agent:`."""
        if at + AGENT_SIZE > end or octets.word(self.data, at) | AGENT_FIRST_CASE != AGENT_FIRST:
            return 0
        last = octets.word(self.data, at + AGENT_SIZE - WORD)
        return 1 if last | AGENT_LAST_CASE == AGENT_LAST else 0

    def _is_length(self, at: int, end: int) -> int:
        """Tell whether the line data[at:end] begins with `content-length:`."""
        if at + LENGTH_SIZE > end or octets.word(self.data, at) | LENGTH_FIRST_CASE != LENGTH_FIRST:
            return 0
        last = octets.word(self.data, at + LENGTH_SIZE - WORD)
        return 1 if last | LENGTH_LAST_CASE == LENGTH_LAST else 0

    def _value(self, at: int, end: int, which: int) -> None:
        """Note the value data[at:end] without blanks and folds around it."""
        while at < end and self.data[at] <= 32:
            at += 1
        while end > at and self.data[end - 1] <= 32:
            end -= 1
        if which == 0:
            self.host_at = at
            self.host_end = end
        else:
            self.agent_at = at
            self.agent_end = end

    def write_host(self) -> None:
        """Write the host to the text: origin, absolute or authority form, RFC 9112 3.2."""
        at = self.target_at
        end = self.target_end
        authority = self._after_scheme(at, end)
        stop = authority
        connects = self.data[at] != 47 and self.data[at] != 42  # neither /path nor OPTIONS's *
        if authority > at or (connects and self.method_end - self.method_at == CONNECT):
            while stop < end and self.data[stop] != 47:
                stop += 1
            self._write_host(authority, stop)
        else:
            self._write_host(self.host_at, self.host_end)
        self.path_at = stop

    def _after_scheme(self, at: int, end: int) -> int:
        i = at
        while i + 2 < end and self.data[i] != 47:
            if self.data[i] == 58 and self.data[i + 1] == 47 and self.data[i + 2] == 47:
                return i + 3
            i += 1
        return at

    def _write_host(self, at: int, end: int) -> None:
        """Write the host in lower case; `name_size` is that of the name without a port."""
        self.is_name = self._write_name(at, end)
        if self.is_name == 0:
            self._write_any_host(at, end)

    def _write_any_host(self, at: int, end: int) -> None:
        size = 0
        colon = -1
        while at < end and size < MAX_HOST:
            c = self.data[at]
            if c == 64:  # what stands before @ is no host
                size = 0
                colon = -1
                at += 1
                continue
            if 65 <= c <= 90:
                c += 32
            if c == 58 and colon < 0:
                colon = size
            elif c == 93:
                colon = -1  # the colons so far were those of an IPv6 literal
            self.text[HOST_AT + size] = c
            size += 1
            at += 1
        if colon >= 0 and size - colon == 3 and self._is_eighty(colon):
            size = colon
            colon = -1
        self.name_size = colon if colon >= 0 else size
        if self.name_size > 0 and self.text[HOST_AT + self.name_size - 1] == 46:
            self.name_size -= 1
            if colon < 0:
                size -= 1
        self.host_size = size

    def _write_name(self, at: int, end: int) -> int:
        """Write a host of letters, digits, dots and hyphens in lower case; return 0 for others.

        `host_key` is a hash of it under `seed`, of the last eight bytes perhaps some once more.
        """
        if end - at < WORD or end - at > MAX_HOST:
            return 0
        place = HOST_AT
        key = octets.fold(self.seed ^ (end - at), HASH_PRIME)
        last = end - WORD
        while at < end:
            if at > last:  # the rest, with some before it once more
                place -= at - last
                at = last
            word = octets.word(self.data, at)
            low = word & LOW_BITS
            slashes = (low + FROM_SLASH) ^ (low + TO_SLASH)
            usual = ((low + FROM_HYPHEN) ^ (low + TO_9)) & ~slashes
            letters = octets.letters(low)
            if (usual | letters) & ~word & HIGH_BITS != HIGH_BITS:
                return 0
            word |= letters >> 2
            octets.put(self.text, place, word)
            key = octets.fold(word ^ self.seed, key)
            at += WORD
            place += WORD
        self.host_key = key
        self.host_size = place - HOST_AT
        if self.text[place - 1] == 46:
            self.host_size -= 1
        self.name_size = self.host_size
        return 1

    def _is_eighty(self, colon: int) -> int:
        return (
            1
            if self.text[HOST_AT + colon + 1] == 56 and self.text[HOST_AT + colon + 2] == 48
            else 0
        )

    def _write_path(self, at: int, end: int) -> None:
        """Write the path in lower case with double slashes folded, rules T-13.1 and T-13.7."""
        if self._write_usual_path(at, end) == 0:
            self._write_any_path(at, end)

    def _write_any_path(self, at: int, end: int) -> None:
        size = 0
        before = 0
        self.spelling = 2 if end - at > MAX_PATH else 0
        while at < end and size < MAX_PATH:
            c = self.data[at]
            if 65 <= c <= 90:
                c += 32
            elif not (97 <= c <= 122 or 45 <= c <= 57 or c == 95):
                self._note_spelling(c)
            if c != 47 or before != 47:
                self.text[PATH_AT + size] = c
                size += 1
                before = c
            at += 1
        self.path_size = size

    def _write_usual_path(self, at: int, end: int) -> int:
        """Write a path of eight bytes or more without double slashes and what may be decoded.

        Return 0 where it is another.
        """
        if end - at < WORD or end - at > MAX_PATH:
            return 0
        self.path_size = end - at
        self.spelling = 0
        place = PATH_AT
        last = end - WORD
        while True:
            word = octets.word(self.data, at)
            low = word & LOW_BITS
            plain = ~word & HIGH_BITS
            slashes = ((low + FROM_SLASH) ^ (low + TO_SLASH)) & plain
            if slashes & (slashes >> 8):
                return 0
            usual = (low + FROM_HYPHEN) ^ (low + TO_9)
            usual |= (low + FROM_UNDERSCORE) ^ (low + TO_UNDERSCORE)
            letters = octets.letters(low) & plain
            if (usual | letters) & plain != HIGH_BITS:
                self.spelling = 1
                if self._may_need_decoding(word):
                    return 0
            octets.put(self.text, place, word | (letters >> 2))
            if at == last:
                return 1
            # The last byte is looked at once more, for it may be the first of two slashes.
            step = WORD - 1 if at + WORD - 1 < last else last - at
            at += step
            place += step

    def _may_need_decoding(self, word: int) -> int:
        """Tell whether one of eight bytes is a blank or % * + { |, as `_note_spelling` has them."""
        while word:
            c = word & 255
            if c == 32 or c == 37 or c == 42 or c == 43 or c == 123 or c == 124:
                return 1
            word >>= 8
        return 0

    def decode(self) -> int:
        """Decode percent signs in the written path, once, and list its candidates anew.

        Return 0 where there are none.
        """
        end = PATH_AT + self.path_size
        at = self._find(37, PATH_AT, end)
        size = at - PATH_AT
        before = self.text[at - 1] if size else 0
        found = 0
        while at < end:
            c = self.text[at]
            if c == 37 and at + 2 < end:
                high = self._hex(self.text[at + 1])
                low = self._hex(self.text[at + 2])
                if high < 16 and low < 16:
                    c = high * 16 + low
                    if 65 <= c <= 90:
                        c += 32
                    at += 2
                    found = 1
            if c != 47 or before != 47:
                self.text[PATH_AT + size] = c
                size += 1
                before = c
            at += 1
        if found:
            self.path_size = size
            self._find_candidates()
        return found

    def cut(self) -> int:
        """Cut the written path at its first blank and list its candidates anew; 0 without one."""
        end = PATH_AT + self.path_size
        at = self._find(32, PATH_AT, end)
        if at == end:
            return 0
        self.path_size = at - PATH_AT
        self._find_candidates()
        return 1

    def _note_spelling(self, c: int) -> None:
        if c == 32 or c == 37 or c == 42 or c == 43 or c == 123 or c == 124:  # blank % * + { |
            self.spelling = 2
        elif self.spelling == 0:
            self.spelling = 1

    def find_agent(self, end: int) -> None:
        """Find the User-Agent of the request that was read last, where it was not wanted then."""
        if self.agent_end == 0 and self.want_agent == 0:
            self.want_agent = 1
            self._headers(end)
            self.want_agent = 0

    def write_agent(self) -> int:
        """Write the User-Agent to the text and return its size; few sets have keys of that kind."""
        size = self.agent_end - self.agent_at
        if size > MAX_AGENT:
            size = MAX_AGENT
        i = 0
        while i < size:
            self.text[AGENT_AT + i] = self.data[self.agent_at + i]
            i += 1
        return size

    def _add(self, start: int, end: int) -> None:
        """Note the candidate text[start:end]; an empty one stays out, but may be the last."""
        self.last_start = start
        self.last_end = end
        if end > start and self.count < MAX_CANDIDATES:
            self.starts[self.count] = start
            self.ends[self.count] = end
            self.count += 1

    def _find_candidates(self) -> None:
        """List the parts of path and body under which a key may stand, rule T-13.8."""
        self.count = 0
        start = PATH_AT
        end = PATH_AT + self.path_size
        whole = self._trim(start, end)
        self._add(start, whole)
        question = self._find(63, start, end) if self.spelling else end
        self.question = question
        if question < end:
            self._add_cut(start, question, end, whole)
        elif self.body_end > self.body_at and end > start:
            self._add(BLANKED_AT, BLANKED_AT + self._append_body(start, end))
        # What stands above the last candidate, and the last segment of the whole path.
        start = self.last_start
        end = self.last_end
        slash = self._last_slash(start, end)
        if self._find(47, start, slash) < slash:
            self._add(start, slash)
            tail = slash
            if start != PATH_AT or end != whole:
                tail = self._last_slash(PATH_AT, whole)
            self._add(tail, self._find(63, tail, whole) if self.spelling else whole)

    def _add_cut(self, start: int, question: int, end: int, whole: int) -> None:
        """Add the path without parameters, without their values, and the last segment of that."""
        self._add(start, self._trim(start, question))
        equals = self._find(61, start, end)
        if equals < end:
            self._add(start, equals + 1)
        blanked = BLANKED_AT + self._blank_values(start, end)
        if not self._same(blanked, whole) and not (
            equals < end and self._same(blanked, equals + 1)
        ):
            self._add(BLANKED_AT, blanked)
            slash = self._last_slash(BLANKED_AT, blanked)
            if self._find(47, BLANKED_AT, slash) < slash:
                self._add(slash, blanked)

    @cython.boundscheck(False)
    def _trim(self, start: int, end: int) -> int:
        while end > start and self.text[end - 1] == 47:
            end -= 1
        return end

    @cython.boundscheck(False)
    def _find(self, wanted: int, start: int, end: int) -> int:
        while start < end and self.text[start] != wanted:
            start += 1
        return start

    def _last_slash(self, start: int, end: int) -> int:
        """Return where the last slash of text[start:end] stands, or `start`; hosts lie before."""
        while end > start:
            marks = octets.equals(octets.word(self.readable, end - WORD), SLASHES)
            if marks:
                end -= WORD - octets.last(marks)
                return end if end > start else start
            end -= WORD
        return start

    @cython.boundscheck(False)
    def _same(self, blanked: int, end: int) -> int:
        """Tell whether the blanked text equals the path up to `end`."""
        if blanked - BLANKED_AT != end - PATH_AT:
            return 0
        i = 0
        while i < end - PATH_AT:
            if self.text[BLANKED_AT + i] != self.text[PATH_AT + i]:
                return 0
            i += 1
        return 1

    @cython.boundscheck(False)
    def _blank_values(self, start: int, end: int) -> int:
        """Write the path without the values behind `word=`; return its size."""
        size = 0
        at = start
        while at < end:
            c = self.text[at]
            self.text[BLANKED_AT + size] = c
            size += 1
            at += 1
            # The name in front is looked for in what was written: a value is no name of the next.
            if c == 61 and size > 1 and self._is_word(self.text[BLANKED_AT + size - 2]):
                while at < end and self.text[at] != 38 and self.text[at] != 61:
                    at += 1
        return size

    def _append_body(self, start: int, end: int) -> int:
        """Write the path, a question mark and the body, decoded once, in lower case."""
        size = 0
        while start < end and size < MAX_PATH - 1:
            self.text[BLANKED_AT + size] = self.text[start]
            size += 1
            start += 1
        self.text[BLANKED_AT + size] = 63
        size += 1
        at = self.body_at
        while at < self.body_end and size < MAX_PATH:
            c = self.data[at]
            if c == 37 and at + 2 < self.body_end:
                high = self._hex(self.data[at + 1])
                low = self._hex(self.data[at + 2])
                if high < 16 and low < 16:
                    c = high * 16 + low
                    at += 2
            if 65 <= c <= 90:
                c += 32
            self.text[BLANKED_AT + size] = c
            size += 1
            at += 1
        return size

    def _hex(self, c: int) -> int:
        """Return the value of a hexadecimal digit, 16 for what is none."""
        if 48 <= c <= 57:
            return c - 48
        if 97 <= c <= 102:
            return c - 87
        if 65 <= c <= 70:
            return c - 55
        return 16

    def _is_word(self, c: int) -> int:
        return 1 if 97 <= c <= 122 or 48 <= c <= 57 or c == 95 else 0
