cimport cython
from agent.scan cimport octets, pieces

cdef extern from *:  # the .py's constants as the C compiler sees them
    const unsigned long long WORDS "32ULL", RECORDS "8192ULL", FOLD_FROM "7168ULL", FULL_EXACT "2048ULL"
    const unsigned long long SLOTS "16384ULL", ARENA "0x1100000ULL", MAX_PACKET "2048ULL"
    const unsigned long long LONG_PACKET "8192ULL", HASH "0ULL", FIRST "1ULL", LAST "2ULL", COUNT "3ULL"
    const unsigned long long WHAT "4ULL", PORTS "5ULL", SOURCE_HIGH "6ULL", SOURCE_LOW "7ULL"
    const unsigned long long DESTINATION_HIGH "8ULL", DESTINATION_LOW "9ULL", VLANS "10ULL", PACKET "11ULL"
    const unsigned long long TEXTS "2048ULL", MIX_HIGH "0x9e3779b97f4a7c15ULL", MIX_LOW "0xc2b2ae3d27d4eb4fULL"
    const unsigned long long FIELDS "12ULL", TOKEN "23ULL", PATH "24ULL", PATH_WORDS "7ULL", FIELD_COUNT "8ULL"
    const unsigned long long FRESH "0x1000000ULL", FOLDED "0x2000000ULL", ENDS "26ULL", BOTH_ENDS "3ULL", LOW32 "0xffffffffULL"
    const Py_ssize_t STAT_SIGHTINGS "17L", STAT_FOLDED "18L", STAT_SHED "19L", STAT_SHED_PATTERNS "20L"
    const Py_ssize_t STAT_SHED_CANDIDATES "25L", STAT_SHED_AGENTS "56L", STAT_SHED_WATCHED "63L", AGENT "4L"

@cython.final
cdef class Sightings:
    cdef const unsigned char[::1] data
    cdef unsigned long long[::1] counters
    cdef unsigned long long[::1] path
    cdef unsigned long long[::1] records
    cdef unsigned int[::1] slots
    cdef unsigned char[::1] arena
    cdef readonly unsigned long long used, fresh
    cdef unsigned long long[::1] spent
    cdef unsigned long long[::1] room
    cdef unsigned long long[::1] enough
    cdef unsigned long long[::1] keep
    cdef unsigned long long arena_used, at, slot
    cdef Py_ssize_t begin
    cdef list texts
    cdef unsigned long long[::1] text_of

    cdef int folds(self, Py_ssize_t kind) except -1 nogil
    @cython.locals(folded="unsigned long long", size="unsigned long long", limit="unsigned long long")
    cdef int add(self, unsigned long long h, unsigned long long fold, Py_ssize_t kind, unsigned long long now_us, Py_ssize_t start, Py_ssize_t end) except -1 nogil
    cdef int _shed(self, Py_ssize_t kind) except -1 nogil
    cdef int _again(self, unsigned long long now_us) except -1 nogil
    @cython.locals(slot="unsigned long long")
    cdef int _find(self, unsigned long long h) except -1 nogil
    @cython.locals(i="unsigned long long")
    cdef int _open(self, unsigned long long h, unsigned long long folded, unsigned long long now_us, Py_ssize_t start, unsigned long long size) except -1 nogil
    @cython.locals(at="unsigned long long", i="unsigned long long")
    cdef int fill(self, unsigned long long what, unsigned long long version, unsigned long long protocol, unsigned long long source_high, unsigned long long source_low, unsigned long long destination_high, unsigned long long destination_low, unsigned long long ports, unsigned long long vlans) except -1 nogil
    cdef int mark(self, unsigned long long token) except -1 nogil
    cdef int mark_ends(self, unsigned long long ends) except -1 nogil
    @cython.locals(size="unsigned long long", first="unsigned long long", last="unsigned long long")
    cdef int slice(self, unsigned long long field, Py_ssize_t start, Py_ssize_t end) except -1 nogil
    @cython.locals(number="unsigned long long", at="unsigned long long", slot="unsigned long long")
    cpdef list drain(self, bint full, str interface)
    @cython.locals(what="unsigned long long", ports="unsigned long long", six=bint, protocol=int, has_ports=bint, place="unsigned long long", begin="unsigned long long", size="unsigned long long", number="unsigned long long", packet=bytes, fields=dict, vlans="unsigned long long")
    cdef object _sighting(self, unsigned long long at, str interface)
    @cython.locals(place="unsigned long long", text=str)
    cdef str _text(self, unsigned long long high, unsigned long long low, bint six)

cdef object _endpoint(str address, object port)
cdef str _address(unsigned long long high, unsigned long long low, bint six)
