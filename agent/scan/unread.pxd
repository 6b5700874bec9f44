cimport cython

cdef extern from *:  # the .py's constants as the C compiler sees them
    const unsigned long long ROWS "64ULL"

@cython.final
cdef class Unread:
    cdef unsigned long long[::1] keys
    cdef unsigned long long[::1] counts
    cdef unsigned long long rest, adds

    @cython.locals(key="unsigned long long", i="unsigned long long")
    cdef int note(self, unsigned long long layer, unsigned long long number) except -1 nogil
    cpdef list rows(self)
