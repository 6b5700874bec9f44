cimport cython
from agent.scan cimport prefetch
from agent.scan.hashing cimport Keyed

cdef extern from *:  # the .py's constants as the C compiler sees them
    const unsigned long long BUCKETS "512ULL", WAYS "4ULL", WORDS "8ULL", HOT_KEYS "1024ULL"
    const unsigned long long NEVER "0xffffffffffffffffULL", KEY "30ULL", SPREAD "0x9e3779b97f4a7c15ULL"
    const unsigned long long TOP "58ULL", ONE "1ULL", WAY_BITS "2ULL", LAST_WAY "3ULL", COUNTS "4ULL"
    const unsigned long long WORDS_AT "8ULL", BUCKET "48ULL", HIGHS_AT "40ULL", SIX "0x1000000ULL", LOW32 "0xffffffffULL"

@cython.final
cdef class Rates:
    cdef Keyed keyed
    cdef unsigned long long[::1] levels
    cdef unsigned long long[::1] table
    cdef unsigned long long[::1] hot_list
    cdef unsigned long long hot_count
    cdef readonly unsigned long long evictions, saturated

    @cython.locals(h="unsigned long long", at="unsigned long long")
    cpdef unsigned long long expect(self, unsigned long long kind, unsigned long long service, unsigned long long high, unsigned long long low) noexcept nogil
    @cython.locals(entry="unsigned long long", tag="unsigned long long", at="unsigned long long", word="unsigned long long", count="unsigned long long")
    cpdef unsigned long long count(self, unsigned long long h, unsigned long long now_us, unsigned long long second, unsigned long long kind, unsigned long long service, unsigned long long high, unsigned long long low, unsigned long long source_high, unsigned long long source_low, unsigned long long ports) noexcept nogil
    @cython.locals(what="unsigned long long")
    cdef unsigned long long _hash(self, unsigned long long kind, unsigned long long service, unsigned long long high, unsigned long long low) noexcept nogil
    @cython.locals(h="unsigned long long", tag="unsigned long long", word="unsigned long long")
    cpdef int take_back(self, unsigned long long second, unsigned long long kind, unsigned long long service, unsigned long long high, unsigned long long low) noexcept nogil
    @cython.locals(first="unsigned long long", tag="unsigned long long", best="unsigned long long", best_count="unsigned long long", way="unsigned long long", word="unsigned long long", count="unsigned long long")
    cdef unsigned long long _entry(self, unsigned long long h, unsigned long long second) noexcept nogil
    cdef inline unsigned long long _highs(self, unsigned long long entry) noexcept nogil
    cdef inline unsigned long long _tag(self, unsigned long long entry) noexcept nogil
    cdef inline unsigned long long _place(self, unsigned long long entry) noexcept nogil
    cdef int _heat(self, unsigned long long entry, unsigned long long second) noexcept nogil
    @cython.locals(entry="unsigned long long", tag="unsigned long long", at="unsigned long long", now="unsigned long long", before="unsigned long long", meta="unsigned long long", highs="unsigned long long", six="unsigned long long")
    cpdef object find(self, unsigned long long key, unsigned long long second)
