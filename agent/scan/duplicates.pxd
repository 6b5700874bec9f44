cimport cython

cdef unsigned long long PLACES, WINDOW_US, TIME_BITS, TIME_MASK

@cython.final
cdef class Duplicates:
    cdef unsigned long long[::1] words

    @cython.locals(place="unsigned long long", word="unsigned long long", passed="unsigned long long")
    cdef int is_copy(self, unsigned long long digest, unsigned long long now_us) except -1 nogil
