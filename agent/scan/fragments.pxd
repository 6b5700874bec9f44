cimport cython

cdef extern from *:  # the .py's constants as the C compiler sees them
    const unsigned long long BUCKETS "16ULL", WAYS "16ULL", SLOTS "256ULL", BYTES "16384ULL", UNIT "8ULL"
    const unsigned long long UNITS "2048ULL", MARKS "32ULL", MAX_DATAGRAM "65535ULL", ONE "1ULL", KEY "0ULL"
    const unsigned long long REPEAT_US "10000ULL", RESTS "19ULL", END "20ULL"
    const unsigned long long LAST "1ULL", TOTAL "2ULL", COVERED "3ULL", VERSION "4ULL", PROTOCOL "5ULL"
    const unsigned long long SOURCE_HIGH "6ULL", SOURCE_LOW "7ULL", DESTINATION_HIGH "8ULL"
    const unsigned long long DESTINATION_LOW "9ULL", VLANS "10ULL", TUNNEL "11ULL", PATH "12ULL"
    const unsigned long long PATH_WORDS "7ULL", WORDS "24ULL"
    const size_t S_OVERLAPPING "60UL", S_REFUSED "61UL"

@cython.final
cdef class Fragments:
    cdef const unsigned char[::1] data
    cdef unsigned long long[::1] counters
    cdef unsigned long long[::1] path
    cdef unsigned long long[::1] words
    cdef unsigned long long[::1] marks
    cdef unsigned char[::1] bytes
    cdef const unsigned char[::1] readable
    cdef readonly unsigned long long used
    cdef unsigned long long slot

    @cython.locals(first="unsigned long long", i="unsigned long long", empty=int, at="unsigned long long")
    cdef int find(self, unsigned long long key, unsigned long long now_us) except -1 nogil
    @cython.locals(last="unsigned long long")
    cdef int _is_recent(self, unsigned long long at, unsigned long long now_us) except -1 nogil
    @cython.locals(i="unsigned long long")
    cdef int _unmark(self) except -1 nogil
    @cython.locals(at="unsigned long long", i="unsigned long long")
    cdef int note(self, unsigned long long version, unsigned long long protocol, unsigned long long source_high, unsigned long long source_low, unsigned long long destination_high, unsigned long long destination_low, unsigned long long vlans, unsigned long long tunnel) except -1 nogil
    cdef unsigned long long word(self, unsigned long long which) except? 1 nogil
    @cython.locals(at="unsigned long long", i="unsigned long long")
    cdef int recall(self) except -1 nogil
    @cython.locals(at="unsigned long long", size="unsigned long long", stop="unsigned long long", differs=int)
    cdef int add(self, unsigned long long offset, int more, unsigned long long protocol, unsigned long long start, unsigned long long end, unsigned long long now_us) except -1 nogil
    @cython.locals(total="unsigned long long", differs=int)
    cdef int _ends_elsewhere(self, unsigned long long at, unsigned long long stop, int more) except -1 nogil
    @cython.locals(marks="unsigned long long", to="unsigned long long", compares="unsigned long long", differs=int, done="unsigned long long", stop="unsigned long long", bit="unsigned long long", came="unsigned long long", i="unsigned long long")
    cdef int _copy(self, unsigned long long unit, unsigned long long start, unsigned long long size) except -1 nogil
    @cython.locals(wanted="unsigned long long")
    cdef int _is_whole(self, unsigned long long at) except -1 nogil
    @cython.locals(marks="unsigned long long", unit="unsigned long long", size="unsigned long long", total="unsigned long long")
    cdef unsigned long long reach(self) except? 1 nogil
    cdef int close(self) except -1 nogil
    @cython.locals(at="unsigned long long")
    cdef int rest(self) except -1 nogil
    @cython.locals(first="unsigned long long", oldest="unsigned long long", i="unsigned long long")
    cdef int crowded(self) except -1 nogil
    @cython.locals(i="unsigned long long", at="unsigned long long")
    cdef int idle(self, unsigned long long from_slot, unsigned long long before_us) except -1 nogil
