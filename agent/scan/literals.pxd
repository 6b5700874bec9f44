cimport cython

cdef extern from *:  # the .py's constants as the C compiler sees them
    const unsigned long long PRIME "0x9e3779b1ULL", LOW32 "0xffffffffULL"

@cython.final
cdef class Literals:
    cdef readonly int words
    cdef const unsigned char[::1] pool
    cdef const unsigned char[::1] jumps
    cdef unsigned int[::1] heads
    cdef unsigned long long[::1] entries

    @cython.locals(i=size_t, jump=size_t)
    cpdef int find(self, const unsigned char[::1] data, size_t at, size_t end) except -1 nogil
    @cython.locals(window="unsigned long long", i=size_t, c="unsigned char", entry="unsigned long long", place="unsigned long long", size="unsigned long long", begin="unsigned long long", offset="unsigned long long")
    cdef int _is_word(self, const unsigned char[::1] data, size_t at, size_t last, size_t end) except -1 nogil
    @cython.locals(i="unsigned long long", c="unsigned char")
    cdef int _equal(self, const unsigned char[::1] data, unsigned long long at, unsigned long long word, unsigned long long size) except -1 nogil
