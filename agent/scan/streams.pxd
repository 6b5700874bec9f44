cimport cython

cdef extern from *:  # the .py's constants as the C compiler sees them
    const unsigned long long BUCKETS "256ULL", WAYS "4ULL", SLOTS "1024ULL", SLOT_BYTES "16384ULL"
    const unsigned long long HOLES "4ULL", KEY "0ULL", KIND "1ULL", SEQUENCE "2ULL", FILLED "3ULL"
    const unsigned long long LAST "4ULL", RANGES "5ULL", VERSION "9ULL", SOURCE_HIGH "10ULL"
    const unsigned long long SOURCE_LOW "11ULL", DESTINATION_HIGH "12ULL", DESTINATION_LOW "13ULL"
    const unsigned long long PORTS "14ULL", VLANS "15ULL", PATH "16ULL", PATH_WORDS "7ULL", PART "24ULL"
    const unsigned long long TUNNEL "23ULL", WORDS "25ULL", LOW32 "0xffffffffULL", HALF "0x80000000ULL"
    const size_t S_OPENED "28UL", S_EVICTED "29UL", S_GAPS "30UL"

@cython.final
cdef class Streams:
    cdef unsigned long long[::1] counters
    cdef unsigned long long[::1] path
    cdef const unsigned char[::1] data
    cdef unsigned long long[::1] words
    cdef unsigned long long[::1] keys
    cdef unsigned char[::1] bytes
    cdef const unsigned char[::1] readable
    cdef readonly unsigned long long used
    cdef unsigned long long slot
    cdef int evicted

    @cython.locals(first="unsigned long long", i="unsigned long long")
    cdef int find(self, unsigned long long key) except -1 nogil
    @cython.locals(first="unsigned long long", i="unsigned long long", at="unsigned long long")
    cdef int open(self, unsigned long long key, unsigned long long kind, unsigned long long sequence, unsigned long long now_us) except -1 nogil
    @cython.locals(at="unsigned long long", i="unsigned long long")
    cdef int note(self, unsigned long long version, unsigned long long source_high, unsigned long long source_low, unsigned long long destination_high, unsigned long long destination_low, unsigned long long ports, unsigned long long vlans, unsigned long long tunnel) except -1 nogil
    @cython.locals(at="unsigned long long", i="unsigned long long")
    cdef unsigned long long recall(self) except? 1 nogil
    cdef unsigned long long word(self, unsigned long long which) except? 1 nogil
    cdef int mark(self, unsigned long long part) except -1 nogil
    cdef int close(self) except -1 nogil
    @cython.locals(at="unsigned long long", filled="unsigned long long", offset="unsigned long long", skip="unsigned long long", size="unsigned long long", base="unsigned long long", i="unsigned long long")
    cdef Py_ssize_t add(self, unsigned long long sequence, unsigned long long start, unsigned long long end, unsigned long long now_us) except -1 nogil
    @cython.locals(at="unsigned long long", base="unsigned long long", reach="unsigned long long", i="unsigned long long", kept="unsigned long long")
    cdef int consume(self, unsigned long long count) except -1 nogil
    @cython.locals(i="unsigned long long")
    cdef int _keep(self, unsigned long long at, unsigned long long first, unsigned long long last) except -1 nogil
    @cython.locals(again=int, i="unsigned long long", kept="unsigned long long")
    cdef unsigned long long _joined(self, unsigned long long at, unsigned long long filled) except? 1 nogil
    @cython.locals(i="unsigned long long")
    cdef int idle(self, unsigned long long from_slot, unsigned long long before_us) except -1 nogil
