cimport cython

cdef unsigned long long BUCKETS, WAYS, SLOTS, BYTES, UNIT, UNITS, MARKS, MAX_DATAGRAM, ONE
cdef unsigned long long KEY, LAST, TOTAL, COVERED, VERSION, PROTOCOL, SOURCE_HIGH, SOURCE_LOW, DESTINATION_HIGH, DESTINATION_LOW, VLANS, TUNNEL, PATH, PATH_WORDS, WORDS
cdef size_t S_OVERLAPPING, S_REFUSED

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

    @cython.locals(first="unsigned long long", i="unsigned long long", found="unsigned long long", at="unsigned long long")
    cdef int find(self, unsigned long long key) except -1 nogil
    @cython.locals(at="unsigned long long", i="unsigned long long")
    cdef int note(self, unsigned long long version, unsigned long long protocol, unsigned long long source_high, unsigned long long source_low, unsigned long long destination_high, unsigned long long destination_low, unsigned long long vlans, unsigned long long tunnel) except -1 nogil
    cdef unsigned long long word(self, unsigned long long which) except? 1 nogil
    @cython.locals(at="unsigned long long", i="unsigned long long")
    cdef int recall(self) except -1 nogil
    @cython.locals(at="unsigned long long", size="unsigned long long")
    cdef int add(self, unsigned long long offset, int more, unsigned long long protocol, unsigned long long start, unsigned long long end, unsigned long long now_us) except -1 nogil
    @cython.locals(marks="unsigned long long", to="unsigned long long", overlaps=int, done="unsigned long long", bit="unsigned long long", i="unsigned long long")
    cdef int _copy(self, unsigned long long unit, unsigned long long start, unsigned long long size) except -1 nogil
    @cython.locals(wanted="unsigned long long")
    cdef int _is_whole(self, unsigned long long at) except -1 nogil
    @cython.locals(marks="unsigned long long", unit="unsigned long long", size="unsigned long long", total="unsigned long long")
    cdef unsigned long long reach(self) except? 1 nogil
    cdef int close(self) except -1 nogil
    @cython.locals(first="unsigned long long", oldest="unsigned long long", i="unsigned long long")
    cdef int crowded(self) except -1 nogil
    @cython.locals(i="unsigned long long")
    cdef int idle(self, unsigned long long from_slot, unsigned long long before_us) except -1 nogil
