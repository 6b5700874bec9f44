cimport cython

cdef extern from *:  # the .py's constants as the C compiler sees them
    const unsigned long long PLACES "8192ULL", ALL "2ULL"

@cython.final
cdef class Known:
    cdef unsigned long long[::1] words
    cdef int learns, skips

    cdef int has(self, unsigned long long h) except -1 nogil
    cdef int learn(self, unsigned long long h) except -1 nogil
    cdef int forget(self, unsigned long long h) except -1 nogil
    @cython.locals(i="unsigned long long")
    cdef int clear(self) except -1 nogil
