cimport cython
from agent.scan cimport prefetch
from agent.scan.hashing cimport Keyed

cdef extern from *:  # the .py's constants as the C compiler sees them
    const unsigned long long WAYS "8ULL", WAY_BITS "3ULL", LAST_WAY "7ULL", WORDS "9ULL"
    const unsigned long long LOW32 "0xffffffffULL", LOW24 "0xffffffULL", LOW20 "0xfffffULL"
    const unsigned long long HOT_ENTRIES "1024ULL", KEY "29ULL", QUEUE "32ULL", WAIT_WORDS "9ULL"
    const unsigned long long USED "40ULL", PORTS "0xffffffffffULL", PROTOCOL "33ULL", KEY4 "30ULL"
    const unsigned long long KEY_PORT "31ULL", KEY_SERVICE "32ULL", SIX "0x100000000ULL", ONE "1ULL"
    const unsigned long long FULL_RANK "0x100000000ULL", RANKS "0xffffff00ULL", LOW16 "65535ULL", ANSWER "0x10000000000ULL"
    const unsigned long long MAX_MARKED "64ULL", HEAD "48ULL", SINGLE_TAGS "2ULL", SINGLES "16ULL"
    const unsigned long long SINGLE_BITS "2ULL", MICROSECONDS "0xf4240ULL", PROTOCOL_AT "20ULL"
    const unsigned long long SINGLE_PRINTS "1ULL", TAGS "8ULL", PARTS "6ULL", PRINT "56ULL", BYTE "255ULL"
    const unsigned long long EACH "0x101010101010101ULL", TOPS "0x8080808080808080ULL", LIVE "1ULL"
    const unsigned long long MARKED "2ULL", NOWHERE "0x7fffffffffffffffULL"

@cython.final
cdef class Distinct:
    cdef Keyed keyed
    cdef readonly object name
    cdef readonly unsigned long long memory, window, slow_window, items
    cdef unsigned long long mask, size, keep, failed_only, by_port, by_service, has_singles, hot_count, waiting
    cdef unsigned long long[::1] queue
    cdef readonly unsigned long long evictions, saturated
    cdef readonly unsigned long long level, slow_level
    cdef unsigned long long[::1] heads
    cdef unsigned long long[::1] table
    cdef unsigned char[::1] hot_flags
    cdef unsigned long long[::1] hot_list

    @cython.locals(h="unsigned long long", at="unsigned long long", head="unsigned long long")
    cdef int note(self, unsigned long long now_us, unsigned long long source_high, unsigned long long source_low, unsigned long long destination_high, unsigned long long destination_low, unsigned long long ports, unsigned long long item) except -1 nogil
    @cython.locals(i="unsigned long long")
    cdef int settle(self) except -1 nogil
    cdef inline unsigned long long _place(self, unsigned long long entry) except? 999 nogil
    cdef inline unsigned long long _tag(self, unsigned long long entry) except? 999 nogil
    @cython.locals(different="unsigned long long")
    cdef inline int _may_hold(self, unsigned long long prints, unsigned long long h) except -1 nogil
    cdef inline int _print(self, unsigned long long place, unsigned long long way, unsigned long long value) except -1 nogil
    cdef inline unsigned long long _place_of_single(self, unsigned long long single) except? 999 nogil
    @cython.locals(place="unsigned long long")
    cdef inline unsigned long long _single_tag(self, unsigned long long single) except? 999 nogil
    @cython.locals(place="unsigned long long", shift="unsigned long long")
    cdef inline int _put_single_tag(self, unsigned long long single, unsigned long long tag) except -1 nogil
    @cython.locals(place="unsigned long long", shift="unsigned long long")
    cdef inline int _put_part(self, unsigned long long single, unsigned long long part) except -1 nogil
    @cython.locals(head="unsigned long long", way="unsigned long long")
    cdef inline int _is_single(self, unsigned long long single, unsigned long long h) except -1 nogil
    @cython.locals(h="unsigned long long", item="unsigned long long", entry="unsigned long long")
    cdef int _add(self, unsigned long long waiting) except -1 nogil
    @cython.locals(h="unsigned long long", second="unsigned long long", at="unsigned long long", tag="unsigned long long", age="unsigned long long", count="unsigned long long")
    cdef int _add_to(self, unsigned long long waiting, unsigned long long entry) except -1 nogil
    @cython.locals(h="unsigned long long", now_us="unsigned long long", item="unsigned long long", second="unsigned long long", single="unsigned long long", is_known=int, tag="unsigned long long", at="unsigned long long", age="unsigned long long", flags="unsigned long long", ports="unsigned long long", prints="unsigned long long")
    cdef unsigned long long _add_single(self, unsigned long long waiting) except? 999 nogil
    @cython.locals(entry="unsigned long long", head="unsigned long long", at="unsigned long long", word="unsigned long long", tag="unsigned long long", last="unsigned long long", is_answered="unsigned long long", ports="unsigned long long", protocol="unsigned long long")
    cdef unsigned long long _promote(self, unsigned long long h, unsigned long long second, unsigned long long single) except? 999 nogil
    @cython.locals(used="unsigned long long", i="unsigned long long")
    cdef int _answer(self, unsigned long long at, unsigned long long item) except -1 nogil
    @cython.locals(single="unsigned long long")
    cdef int _answer_single(self, unsigned long long h, unsigned long long item) except -1 nogil
    @cython.locals(head="unsigned long long", first="unsigned long long", way="unsigned long long", word="unsigned long long")
    cdef unsigned long long _held(self, unsigned long long h) except? 999 nogil
    @cython.locals(tags="unsigned long long", best="unsigned long long", lowest="unsigned long long", way="unsigned long long", word="unsigned long long", age="unsigned long long", rank="unsigned long long")
    cdef unsigned long long _give_way(self, unsigned long long h, unsigned long long second) except? 999 nogil
    @cython.locals(head="unsigned long long", first="unsigned long long", way="unsigned long long")
    cdef unsigned long long _find_single(self, unsigned long long h) except? 999 nogil
    cdef inline unsigned long long _rank(self, unsigned long long tag, unsigned long long now) except? 999 nogil
    @cython.locals(tags="unsigned long long", now="unsigned long long", oldest="unsigned long long", way="unsigned long long", word="unsigned long long", rank="unsigned long long")
    cdef unsigned long long _oldest_single(self, unsigned long long h, unsigned long long second) except? 999 nogil
    @cython.locals(at="unsigned long long", start="unsigned long long", used="unsigned long long", answered="unsigned long long", place="unsigned long long", known="unsigned long long", fast="unsigned long long", slow="unsigned long long", failed="unsigned long long", lives="unsigned long long", last="unsigned long long", i="unsigned long long", value="unsigned long long")
    cdef unsigned long long _note(self, unsigned long long entry, unsigned long long second, unsigned long long item) except? 999 nogil
    cdef int _heat(self, unsigned long long entry) except -1 nogil
    @cython.locals(single="unsigned long long", entry="unsigned long long")
    cpdef object find(self, unsigned long long key)
    @cython.locals(at="unsigned long long", ports="unsigned long long", value="unsigned long long", i="unsigned long long", six="unsigned long long", key="unsigned long long")
    cdef object _row(self, unsigned long long entry)
    @cython.locals(at="unsigned long long", tag="unsigned long long", ports="unsigned long long", item="unsigned long long", first_us="unsigned long long", addresses="unsigned long long", first="unsigned long long", last="unsigned long long")
    cdef object _row_of_single(self, unsigned long long key, unsigned long long single)
