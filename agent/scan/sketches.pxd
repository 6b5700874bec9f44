cimport cython

cdef unsigned long long WAYS, WORDS, FIRST, LAST, COUNT, AMOUNT, MARKED, SET, BITMAP, STALE_SECONDS, RANK, ONE

@cython.final
cdef class Sketches:
    cdef unsigned long long mask
    cdef readonly unsigned long long share, evictions
    cdef unsigned long long[::1] table

    @cython.locals(at="unsigned long long", i="unsigned long long", place="unsigned long long", bit="unsigned long long")
    cpdef unsigned long long note(self, unsigned long long key, unsigned long long item, unsigned long long amount, unsigned long long mark, unsigned long long second, unsigned long long window) except? 0 nogil
    @cython.locals(first="unsigned long long", at="unsigned long long", way="unsigned long long")
    cpdef object find(self, unsigned long long key)
    @cython.locals(first="unsigned long long", best="unsigned long long", lowest="unsigned long long", way="unsigned long long", at="unsigned long long", stale=int, rank="unsigned long long")
    cdef unsigned long long _find(self, unsigned long long key, unsigned long long second) except? 1 nogil
