cimport cython
from agent.scan.hashing cimport Keyed

cdef unsigned long long WAYS, WAY_BITS, LAST_WAY, WORDS, LOW32, LOW24, HOT_ENTRIES, KEY, QUEUE, WAIT_WORDS, USED, PORTS, PROTOCOL, KEY4, KEY_PORT, KEY_SERVICE, SIX, ONE, FULL_RANK, LOW16, ANSWER, MAX_MARKED

@cython.final
cdef class Distinct:
    cdef Keyed keyed
    cdef readonly object name
    cdef readonly unsigned long long memory, window, slow_window, items
    cdef unsigned long long mask, size, stride, keep, failed_only, by_port, by_service, hot_count, waiting, touched
    cdef unsigned long long[::1] queue
    cdef readonly unsigned long long evictions, saturated
    cdef public unsigned long long level, slow_level
    cdef unsigned long long[::1] table
    cdef unsigned char[::1] hot_flags
    cdef unsigned long long[::1] hot_list

    @cython.locals(h="unsigned long long", at="unsigned long long")
    cdef int note(self, unsigned long long now_us, unsigned long long source_high, unsigned long long source_low, unsigned long long destination_high, unsigned long long destination_low, unsigned long long ports, unsigned long long item) except -1 nogil
    @cython.locals(touched="unsigned long long", i="unsigned long long", at="unsigned long long", entry="unsigned long long", place="unsigned long long", tag="unsigned long long")
    cdef int settle(self) except -1 nogil
    cdef inline unsigned long long _place(self, unsigned long long entry) except? 1 nogil
    cdef inline unsigned long long _tag(self, unsigned long long entry) except? 999 nogil
    @cython.locals(h="unsigned long long", now_us="unsigned long long", item="unsigned long long", age="unsigned long long", second="unsigned long long", word="unsigned long long", at="unsigned long long", count="unsigned long long", tag="unsigned long long")
    cdef int _add(self, unsigned long long waiting, unsigned long long entry) except -1 nogil
    @cython.locals(used="unsigned long long", i="unsigned long long")
    cdef int _answer(self, unsigned long long at, unsigned long long item) except -1 nogil
    @cython.locals(first="unsigned long long", best="unsigned long long", tags="unsigned long long", lowest="unsigned long long", way="unsigned long long", word="unsigned long long", age="unsigned long long", rank="unsigned long long")
    cdef unsigned long long _entry(self, unsigned long long h, unsigned long long second, int certain) except? 1 nogil
    @cython.locals(at="unsigned long long", start="unsigned long long", used="unsigned long long", answered="unsigned long long", place="unsigned long long", known="unsigned long long", fast="unsigned long long", slow="unsigned long long", failed="unsigned long long", lives="unsigned long long", last="unsigned long long", i="unsigned long long", value="unsigned long long")
    cdef unsigned long long _note(self, unsigned long long entry, unsigned long long second, unsigned long long item) except? 999 nogil
    cdef int _heat(self, unsigned long long entry) except -1 nogil
    @cython.locals(h="unsigned long long", first="unsigned long long", way="unsigned long long")
    cdef Py_ssize_t _find(self, unsigned long long key) except? -2
    @cython.locals(at="unsigned long long", ports="unsigned long long", value="unsigned long long", i="unsigned long long", six="unsigned long long", key="unsigned long long")
    cdef object _row(self, unsigned long long entry)
