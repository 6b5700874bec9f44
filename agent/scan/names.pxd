cimport cython

cdef extern from *:  # the .py's constants as the C compiler sees them
    const unsigned long long PLACES "256ULL", KEY_SHIFT "56ULL", ENTRY "8ULL", NOTED "64ULL", ONE "1ULL"
    const unsigned long long HOST_PLACES "16384ULL", HOST_SHIFT "50ULL"
    const unsigned long long KEY "0ULL", STAMP "1ULL", STAMP_BITS "6ULL"

@cython.final
cdef class Names:
    cdef unsigned long long[::1] words
    cdef unsigned long long[::1] places
    cdef unsigned long long[::1] packets
    cdef unsigned long long key, place, group, noted

    cdef int begin_group(self) except -1 nogil
    @cython.locals(stamp="unsigned long long")
    cdef int has(self, unsigned long long key, unsigned long long packet) except -1 nogil
    cdef int note(self, unsigned long long packet) except -1 nogil
    @cython.locals(i="unsigned long long", first="unsigned long long")
    cdef unsigned long long settle(self, unsigned long long wanted) except? 1 nogil

@cython.final
cdef class Hosts:
    cdef unsigned long long[::1] words
    cdef unsigned long long[::1] keys
    cdef unsigned long long[::1] packets
    cdef unsigned long long noted

    cdef int has(self, unsigned long long key) except -1 nogil
    cdef int note(self, unsigned long long key, unsigned long long packet) except -1 nogil
    @cython.locals(key="unsigned long long")
    cdef int settle(self, unsigned long long wanted) except -1 nogil
