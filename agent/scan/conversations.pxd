cimport cython

cdef unsigned long long BUCKETS, WAYS, IDLE_SECONDS, LOW24, TAG, FORWARD, ANSWERED, LIVE
cdef int OPENED, WAITS, ANSWER, KNOWN

@cython.final
cdef class Conversations:
    cdef unsigned long long[::1] table

    @cython.locals(at="unsigned long long", best="unsigned long long", best_age="unsigned long long", way="unsigned long long", word="unsigned long long", age="unsigned long long")
    cpdef int see(self, unsigned long long h, unsigned long long second, unsigned long long forward) except -1 nogil
    cdef int _go_on(self, unsigned long long at, unsigned long long word, unsigned long long second, unsigned long long forward) except -1 nogil
