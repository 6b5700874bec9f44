cimport cython
from agent.scan cimport octets, prefetch
from agent.scan.hashing cimport Keyed
from agent.scan.names cimport Hosts, Names

cdef extern from *:  # the .py's constants as the C compiler sees them
    const unsigned long long PRIME "0x9e3779b97f4a7c15ULL", MASK "0xffffffffffffffffULL"
    const unsigned long long LOW32 "0xffffffffULL", GATE_PRIME "0x9e3779b1ULL", GATE_PRIME2 "0x85ebca6bULL"
    const unsigned long long GATE_WORDS "1024ULL"
    const long long DOMAIN "0LL", IP4 "1LL", IP4_PORT "2LL", IP6 "3LL", IP6_PORT "4LL", NET4 "5LL", NET6 "6LL"
    const long long URL "7LL", PATH "8LL", OWN_ROWS "0x100000000LL"
    const unsigned long long ONE "1ULL", HYPHEN "45ULL", SLASH "47ULL", QUESTION_MARK "63ULL"
    const unsigned long long NUMBER_SIGN "35ULL", SUFFIXES "3ULL", ADDRESS4 "13ULL", HOST "14ULL"
    const unsigned long long PATH_PARTS "15ULL", QUESTIONS "512ULL", TABLES "13ULL", WORD "8ULL"
    const unsigned long long DOT_BYTES "0x2e2e2e2e2e2e2e2eULL", DOT_MARK "0x80ULL"
    const unsigned long long WORD_STARTS "0xfffffffffffffff8ULL", SHAPE "2ULL", HASHES "3ULL", DOTS "3ULL", CANDIDATE_AT "2ULL", PLACES_AT "16ULL"
    const unsigned long long PLACE_MASK "0xffffULL", HOST_SHIFT "50ULL", KEY_SHIFT "56ULL", ENTRY "8ULL"

cdef class Lookup:
    cdef readonly Keyed keyed
    cdef readonly unsigned long long keys
    cdef const unsigned char[::1] raw
    cdef const unsigned long long[::1] words
    cdef unsigned char[::1] text
    cdef unsigned long long pool, rows, directory, networks, literals, literal_words, agent_literals, agent_literal_words

    @cython.locals(entry="unsigned long long", slots="unsigned long long", mask="unsigned long long", index="unsigned long long", left="unsigned long long", tag="unsigned long long", slot="unsigned long long", row="unsigned long long", key="unsigned long long", size="unsigned long long")
    cdef long long text_row(self, unsigned long long table, unsigned long long h, size_t a, size_t a_end, size_t b, size_t b_end) except? -2 nogil
    @cython.locals(entry="unsigned long long", slots="unsigned long long", mask="unsigned long long", index="unsigned long long", left="unsigned long long", slot="unsigned long long")
    cdef int has_tag(self, unsigned long long table, unsigned long long h) except? -2 nogil
    @cython.locals(entry="unsigned long long", slots="unsigned long long", mask="unsigned long long", index="unsigned long long", left="unsigned long long", tag="unsigned long long", slot="unsigned long long", row="unsigned long long", key="unsigned long long")
    cdef long long number_row(self, unsigned long long table, unsigned long long h, unsigned long long high, unsigned long long low, unsigned long long extra) except? -2 nogil
    @cython.locals(low="unsigned long long", row="long long")
    cdef long long address4_row(self, unsigned long long address, long long port) except? -2 nogil
    @cython.locals(h="unsigned long long", row="long long")
    cdef long long address6_row(self, unsigned long long high, unsigned long long low, long long port) except? -2 nogil
    @cython.locals(top="unsigned long long", lengths="unsigned long long", i="unsigned long long", count="unsigned long long", length="unsigned long long", masked="unsigned long long", low="unsigned long long", row="long long")
    cdef long long network4_row(self, unsigned long long address) except? -2 nogil
    @cython.locals(top="unsigned long long", lengths="unsigned long long", i="unsigned long long", count="unsigned long long", length="unsigned long long", masked_high="unsigned long long", masked_low="unsigned long long", h="unsigned long long", row="long long")
    cdef long long network6_row(self, unsigned long long high, unsigned long long low) except? -2 nogil
    @cython.locals(row="unsigned long long", last="unsigned long long", count="unsigned long long", before="unsigned long long", word="unsigned long long", at="unsigned long long", h="unsigned long long")
    cdef unsigned long long _write_firsts(self, unsigned long long table, unsigned long long[::1] hashes) except? 999
    @cython.locals(address="unsigned long long", end="unsigned long long")
    cdef unsigned long long _first_address(self, unsigned long long at) except? 0
    @cython.locals(h="unsigned long long", i="unsigned long long")
    cdef unsigned long long _first_host(self, unsigned long long at, unsigned long long end) except? 0
    @cython.locals(h="unsigned long long", i=size_t)
    cdef unsigned long long hash_text(self, unsigned long long table, size_t start, size_t end) except? 0 nogil
    @cython.locals(i=size_t)
    cdef int _equal(self, unsigned long long at, size_t a, size_t a_end, size_t b, size_t b_end) except? -2 nogil
    @cython.locals(i="unsigned long long", found="unsigned long long")
    cdef int _same_number(self, unsigned long long at, unsigned long long size, unsigned long long high, unsigned long long low, unsigned long long extra) except? -2 nogil

@cython.locals(size="unsigned long long", first="unsigned long long")
cdef unsigned long long _parts(Keyed keyed, const unsigned char[::1] data, size_t start, size_t end) except? 0 nogil

@cython.final
cdef class Filters:
    cdef readonly object buffer
    cdef readonly unsigned long long[::1] words
    cdef readonly unsigned long long[::1] plan
    cdef readonly unsigned long long[::1] gate
    cdef readonly unsigned long long ungated, agents_ungated
    cdef readonly unsigned long long[::1] agent_gate
    cdef readonly unsigned long long[::1] networks
    cdef readonly int agents, certificates, fingerprints

    @cython.locals(i="unsigned long long", h="unsigned long long", at="unsigned long long")
    cdef object _mark(self, unsigned long long table, unsigned long long[::1] hashes)

@cython.final
cdef class Sets:
    cdef Lookup own, published
    cdef Keyed keyed
    cdef Names names
    cdef Hosts hosts
    cdef unsigned char[::1] text
    cdef long long row
    cdef unsigned long long candidate, ungated, agents_ungated
    cdef unsigned long long[::1] agent_gate
    cdef size_t host_start, host_end
    cdef int agents, certificates, fingerprints, has_urls, has_root, asking
    cdef unsigned long long packet, wanted, asked
    cdef unsigned long long[::1] places
    cdef unsigned long long[::1] hashes
    cdef unsigned long long dots, name_hash
    cdef unsigned long long[::1] states
    cdef unsigned long long[::1] suffix_at
    cdef unsigned long long[::1] suffix_hash
    cdef const unsigned char[::1] readable
    cdef unsigned long long[::1] literals
    cdef unsigned long long[::1] networks
    cdef unsigned long long[::1] words
    cdef unsigned long long[::1] plan
    cdef unsigned long long[::1] gate

    @cython.locals(found=int, passed="unsigned long long", window="unsigned long long", bit="unsigned long long", h="unsigned long long", i=size_t, c="unsigned long long")
    cdef int domain(self, size_t start, size_t end) except? -2 nogil
    @cython.locals(found=int, at=size_t, i=size_t, last=size_t, marks="unsigned long long")
    cdef int _parents(self, size_t start, size_t end) except? -2 nogil
    cdef int expect_name(self, unsigned long long key) except -1 nogil
    cdef int name(self, unsigned long long key, size_t start, size_t end) except? -2 nogil
    @cython.locals(found=int)
    cdef int host(self, size_t start, size_t end) except? -2 nogil
    cdef int expect_host(self, unsigned long long key, size_t start, size_t end) except -1 nogil
    cdef int ask_host(self, unsigned long long key, size_t start, size_t end) except -1 nogil
    @cython.locals(shape="unsigned long long", i="unsigned long long")
    cdef int _remember(self, size_t start) except -1 nogil
    @cython.locals(shape="unsigned long long", i="unsigned long long")
    cdef int _recall(self, size_t start) except -1 nogil
    @cython.locals(plain="unsigned long long", with_hyphen="unsigned long long", with_digit="unsigned long long", hyphens="unsigned long long", digits="unsigned long long", first="unsigned long long", place="unsigned long long", window="unsigned long long", bit="unsigned long long", i=size_t, c="unsigned long long")
    cdef unsigned long long _passes(self, size_t start, size_t end) except? 2 nogil
    @cython.locals(passed="unsigned long long", window="unsigned long long", bit="unsigned long long", i=size_t, c="unsigned long long")
    cdef int may_be_agent(self, size_t start, size_t end) except? -2 nogil
    @cython.locals(i=size_t)
    cdef int begin_host(self, size_t start, size_t end) except -1 nogil
    cdef int begin_path(self, size_t start) except -1 nogil
    @cython.locals(passed="unsigned long long", word="unsigned long long", bit="unsigned long long")
    cdef int may_matter(self, size_t start, size_t end) except -1 nogil
    @cython.locals(h="unsigned long long", i=size_t, c="unsigned long long")
    cdef unsigned long long first_segment(self, size_t start, size_t end) except? 0 nogil
    @cython.locals(found=int)
    cdef int path(self, size_t start, size_t end) except? -2 nogil
    @cython.locals(found=int)
    cdef int root(self, size_t at) except? -2 nogil
    @cython.locals(h="unsigned long long", i=size_t)
    cdef int _url(self, size_t start, size_t end) except? -2 nogil
    @cython.locals(bits="unsigned long long", place="unsigned long long")
    cdef inline int _may_hold(self, unsigned long long table, unsigned long long h) except? -2 nogil
    cdef int begin_group(self) except -1 nogil
    cdef int want(self) except -1 nogil
    @cython.locals(bits="unsigned long long", place="unsigned long long", h="unsigned long long", i="unsigned long long")
    cdef int answer(self) except -1 nogil
    cdef int _has_tag(self, unsigned long long table, unsigned long long h) except? -2 nogil
    cdef int exact(self, unsigned long long table, size_t start, size_t end) except? -2 nogil
    @cython.locals(found=int, low="unsigned long long", row="long long")
    cdef int address4(self, unsigned long long address, long long port) except? -2 nogil
    @cython.locals(found="unsigned long long")
    cdef int ask4(self, unsigned long long source, unsigned long long destination) except -1 nogil
    @cython.locals(found=int, h="unsigned long long", row="long long")
    cdef int address6(self, unsigned long long high, unsigned long long low, long long port) except? -2 nogil
    cdef inline int _text(self, unsigned long long table, unsigned long long h, size_t a, size_t a_end, size_t b, size_t b_end) except? -2 nogil
    @cython.locals(row="long long")
    cdef int _find_text(self, unsigned long long table, unsigned long long h, size_t a, size_t a_end, size_t b, size_t b_end) except? -2 nogil
    @cython.locals(row="long long")
    cdef int _number(self, unsigned long long table, unsigned long long h, unsigned long long high, unsigned long long low, unsigned long long extra) except? -2 nogil
