cimport cython

cdef unsigned long long ROWS

@cython.final
cdef class Unread:
    cdef unsigned long long[::1] keys
    cdef unsigned long long[::1] counts
    cdef unsigned long long rest, adds

    @cython.locals(key="unsigned long long", i="unsigned long long")
    cdef int note(self, unsigned long long layer, unsigned long long number) except -1 nogil
    cpdef list rows(self)
