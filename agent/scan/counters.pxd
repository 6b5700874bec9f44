cimport cython
from agent.scan cimport prefetch
from agent.scan.hashing cimport Keyed

cdef extern from *:  # the .py's constants as the C compiler sees them
    const unsigned long long WAYS "8ULL", WAY_BITS "3ULL", LAST_WAY "7ULL", WORDS "9ULL"
    const unsigned long long LOW32 "0xffffffffULL", LOW24 "0xffffffULL", LOW20 "0xfffffULL"
    const unsigned long long HOT_ENTRIES "1024ULL", KEY "29ULL", LINE "8ULL"
    const unsigned long long USED "40ULL", PORTS "0xffffffffffULL", PROTOCOL "33ULL", KEY4 "30ULL"
    const unsigned long long KEY_PORT "31ULL", KEY_SERVICE "32ULL", SIX "0x100000000ULL", ONE "1ULL"
    const unsigned long long FULL_RANK "0x100000000ULL", LATER "0x10000000000ULL", LOW16 "65535ULL"
    const unsigned long long MAX_MARKED "64ULL", HEAD "48ULL", SINGLE_TAGS "2ULL", SINGLES "16ULL"
    const unsigned long long SINGLE_BITS "2ULL", MICROSECONDS "0xf4240ULL", PROTOCOL_AT "20ULL"
    const unsigned long long SINGLE_PRINTS "1ULL", TAGS "8ULL", PARTS "6ULL", PRINT "56ULL", BYTE "255ULL"
    const unsigned long long EACH "0x101010101010101ULL", TOPS "0x8080808080808080ULL", NEVER "0ULL"
    const unsigned long long MARKED "0x80000000ULL", NOWHERE "0x7fffffffffffffffULL"

@cython.final
cdef class Distinct:
    cdef Keyed keyed
    cdef readonly object name
    cdef readonly unsigned long long memory, window, slow_window, items
    cdef unsigned long long mask, size, keep, failed_only, by_port, by_service, has_singles, hot_count
    cdef readonly unsigned long long evictions, saturated
    cdef readonly unsigned long long level, slow_level
    cdef unsigned long long[::1] heads
    cdef unsigned int[::1] singles
    cdef unsigned short[::1] parts
    cdef unsigned long long[::1] table
    cdef unsigned char[::1] hot_flags
    cdef unsigned long long[::1] hot_list

    @cython.locals(h="unsigned long long", head="unsigned long long")
    cpdef unsigned long long approach(self, unsigned long long source_high, unsigned long long source_low, unsigned long long destination_high, unsigned long long destination_low, unsigned long long ports) noexcept nogil
    @cython.locals(entry="unsigned long long", at="unsigned long long", tag="unsigned long long", age="unsigned long long", count="unsigned long long")
    cpdef int add(self, unsigned long long h, unsigned long long now_us, unsigned long long second, unsigned long long source_high, unsigned long long source_low, unsigned long long destination_high, unsigned long long destination_low, unsigned long long ports, unsigned long long item) noexcept nogil
    @cython.locals(entry="unsigned long long")
    cpdef int answer(self, unsigned long long h, unsigned long long item) noexcept nogil
    cdef inline unsigned long long _place(self, unsigned long long entry) noexcept nogil
    cdef inline unsigned long long _tag(self, unsigned long long entry) noexcept nogil
    @cython.locals(different="unsigned long long")
    cdef inline unsigned long long _may_hold(self, unsigned long long prints, unsigned long long h) noexcept nogil
    cdef inline int _print(self, unsigned long long place, unsigned long long way, unsigned long long value) noexcept nogil
    cdef inline unsigned long long _place_of_single(self, unsigned long long single) noexcept nogil
    cdef inline unsigned long long _tag_of_single(self, unsigned long long single) noexcept nogil
    cdef inline unsigned long long _part_of_single(self, unsigned long long single) noexcept nogil
    cdef inline unsigned long long _seen(self, unsigned long long single) noexcept nogil
    @cython.locals(head="unsigned long long")
    cdef inline int _is_single(self, unsigned long long single, unsigned long long h) noexcept nogil
    @cython.locals(single="unsigned long long", tag="unsigned long long", at="unsigned long long", word="unsigned long long")
    cdef unsigned long long _add_single(self, unsigned long long h, unsigned long long now_us, unsigned long long second, unsigned long long addresses, unsigned long long ports, unsigned long long item) noexcept nogil
    @cython.locals(began="unsigned long long")
    cdef inline unsigned long long _fraction(self, unsigned long long now_us, unsigned long long second) noexcept nogil
    @cython.locals(entry="unsigned long long", head="unsigned long long", at="unsigned long long", word="unsigned long long", last="unsigned long long", ports="unsigned long long", protocol="unsigned long long")
    cdef unsigned long long _promote(self, unsigned long long h, unsigned long long second, unsigned long long single) noexcept nogil
    @cython.locals(used="unsigned long long", i="unsigned long long")
    cdef int _answer(self, unsigned long long at, unsigned long long item) noexcept nogil
    @cython.locals(single="unsigned long long", at="unsigned long long")
    cdef int _answer_single(self, unsigned long long h, unsigned long long item) noexcept nogil
    @cython.locals(head="unsigned long long", first="unsigned long long", way="unsigned long long", word="unsigned long long")
    cdef unsigned long long _held(self, unsigned long long h) noexcept nogil
    @cython.locals(tags="unsigned long long", best="unsigned long long", lowest="unsigned long long", way="unsigned long long", word="unsigned long long", age="unsigned long long", rank="unsigned long long")
    cdef unsigned long long _give_way(self, unsigned long long h, unsigned long long second) noexcept nogil
    @cython.locals(head="unsigned long long", first="unsigned long long", way="unsigned long long")
    cdef unsigned long long _find_single(self, unsigned long long h) noexcept nogil
    @cython.locals(first="unsigned long long", tags="unsigned long long", oldest="unsigned long long", way="unsigned long long", tag="unsigned long long")
    cdef inline unsigned long long _oldest_single(self, unsigned long long h) noexcept nogil
    @cython.locals(at="unsigned long long", start="unsigned long long", used="unsigned long long", answered="unsigned long long", place="unsigned long long", known="unsigned long long", fast="unsigned long long", slow="unsigned long long", failed="unsigned long long", lives="unsigned long long", last="unsigned long long", i="unsigned long long", value="unsigned long long")
    cdef unsigned long long _note(self, unsigned long long entry, unsigned long long second, unsigned long long item) noexcept nogil
    cdef int _heat(self, unsigned long long entry) noexcept nogil
    @cython.locals(single="unsigned long long", entry="unsigned long long")
    cpdef object find(self, unsigned long long key)
    @cython.locals(at="unsigned long long", ports="unsigned long long", value="unsigned long long", i="unsigned long long", six="unsigned long long", key="unsigned long long")
    cdef object _row(self, unsigned long long entry)
    @cython.locals(at="unsigned long long", last="unsigned long long", ports="unsigned long long", item="unsigned long long", first_us="unsigned long long", addresses="unsigned long long")
    cdef object _row_of_single(self, unsigned long long key, unsigned long long single)
