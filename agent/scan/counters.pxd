cimport cython
from agent.scan.hashing cimport Keyed

cdef unsigned long long WAYS, WORDS, LOW32, LOW24, HOT_ENTRIES, KEY, MICROSECONDS, QUEUE, WAIT_WORDS, USED, PORTS, KEY4, SIX, ONE, FULL_RANK

@cython.final
cdef class Distinct:
    cdef Keyed keyed
    cdef unsigned long long mask, items, size, stride, window, hot_count, waiting, touched
    cdef unsigned long long[::1] queue
    cdef readonly unsigned long long evictions
    cdef public unsigned long long level
    cdef unsigned long long[::1] table
    cdef unsigned char[::1] hot_flags
    cdef unsigned long long[::1] hot_list

    @cython.locals(h="unsigned long long", at="unsigned long long")
    cdef int note(self, unsigned long long now_us, unsigned long long source_high, unsigned long long source_low, unsigned long long destination_high, unsigned long long destination_low, unsigned long long ports, unsigned long long item) except -1 nogil
    @cython.locals(touched="unsigned long long", i="unsigned long long", at="unsigned long long", entry="unsigned long long", place="unsigned long long", tag="unsigned long long")
    cdef int settle(self) except -1 nogil
    cdef inline unsigned long long _place(self, unsigned long long entry) except? 1 nogil
    cdef inline unsigned long long _tag(self, unsigned long long entry) except? 999 nogil
    @cython.locals(h="unsigned long long", now_us="unsigned long long", second="unsigned long long", word="unsigned long long", at="unsigned long long", count="unsigned long long", tag="unsigned long long")
    cdef int _add(self, unsigned long long waiting, unsigned long long entry) except -1 nogil
    @cython.locals(first="unsigned long long", best="unsigned long long", tags="unsigned long long", lowest="unsigned long long", way="unsigned long long", word="unsigned long long", age="unsigned long long", rank="unsigned long long")
    cdef unsigned long long _entry(self, unsigned long long h, unsigned long long second, int certain) except? 1 nogil
    @cython.locals(at="unsigned long long", start="unsigned long long", used="unsigned long long", place="unsigned long long", count="unsigned long long", i="unsigned long long", value="unsigned long long")
    cdef unsigned long long _note(self, unsigned long long entry, unsigned long long second, unsigned long long item) except? 999 nogil
    @cython.locals(at="unsigned long long", ports="unsigned long long", value="unsigned long long", i="unsigned long long")
    cdef object _row(self, unsigned long long entry)
