cimport cython

cdef extern from *:  # the .py's constants as the C compiler sees them
    const unsigned long long PLACES "8192ULL", WINDOW_US "20000ULL", TIME_BITS "24ULL", TIME_MASK "0xffffffULL"
    const int NEW "0", COPY "1", DISPLACING "2"

@cython.final
cdef class Duplicates:
    cdef unsigned long long[::1] words

    @cython.locals(
        place="unsigned long long", word="unsigned long long", passed="unsigned long long", is_near=int
    )
    cdef int note(self, unsigned long long digest, unsigned long long now_us) except -1 nogil
