cimport cython

cdef extern from *:  # the .py's constants as the C compiler sees them
    const unsigned long long PLACES "8192ULL", WINDOW_US "1000ULL", TIME_BITS "24ULL", TIME_MASK "0xffffffULL"

@cython.final
cdef class Duplicates:
    cdef unsigned long long[::1] words

    @cython.locals(place="unsigned long long", word="unsigned long long", passed="unsigned long long")
    cdef int is_copy(self, unsigned long long digest, unsigned long long now_us) except -1 nogil
