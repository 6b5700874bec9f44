cimport cython

cdef extern from *:  # the .py's constants as the C compiler sees them
    const unsigned long long WAYS "4ULL", WORDS "20ULL", COUNT "1ULL", AMOUNT "2ULL", MARKED "3ULL"
    const unsigned long long BITMAP "4ULL", TAGS "8ULL", BUCKET "88ULL", STALE_SECONDS "3600ULL"
    const unsigned long long RANK "0x100000000ULL", ONE "1ULL", LOW32 "0xffffffffULL"
    const unsigned long long FOR_EVER "0xffffffffffffffffULL"

@cython.final
cdef class Sketches:
    cdef unsigned long long mask
    cdef readonly unsigned long long share, evictions
    cdef unsigned long long[::1] table

    @cython.locals(bucket="unsigned long long", way="unsigned long long", tag="unsigned long long", at="unsigned long long", i="unsigned long long", place="unsigned long long", bits="unsigned long long")
    cpdef unsigned long long note(self, unsigned long long key, unsigned long long item, unsigned long long amount, unsigned long long mark, unsigned long long second, unsigned long long window) except? 0 nogil
    @cython.locals(bucket="unsigned long long", at="unsigned long long", way="unsigned long long")
    cpdef object find(self, unsigned long long key)
    cdef inline unsigned long long _age(self, unsigned long long second, unsigned long long since) noexcept nogil
    @cython.locals(best="unsigned long long", lowest="unsigned long long", way="unsigned long long", word="unsigned long long", rank="unsigned long long")
    cdef unsigned long long _way(self, unsigned long long bucket, unsigned long long key, unsigned long long second) except? 999 nogil
