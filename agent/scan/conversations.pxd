cimport cython
from agent.scan cimport prefetch

cdef extern from *:  # the .py's constants as the C compiler sees them
    const unsigned long long BUCKETS "16384ULL", WAYS "4ULL", IDLE_SECONDS "120ULL", LOW24 "0xffffffULL"
    const unsigned long long TAG "0xffffffff00000000ULL", FORWARD "1ULL", ANSWERED "2ULL", LIVE "4ULL"
    const int OPENED "1", WAITS "2", ANSWER "3", KNOWN "0"

@cython.final
cdef class Conversations:
    cdef unsigned long long[::1] table

    cdef int expect(self, unsigned long long h) noexcept nogil
    @cython.locals(at="unsigned long long", best="unsigned long long", best_age="unsigned long long", way="unsigned long long", word="unsigned long long", age="unsigned long long")
    cpdef int see(self, unsigned long long h, unsigned long long second, unsigned long long forward) noexcept nogil
    cdef int _go_on(self, unsigned long long at, unsigned long long word, unsigned long long second, unsigned long long forward) noexcept nogil
