cimport cython

cdef unsigned long long WORDS, RECORDS, FOLD_FROM, FULL_EXACT, SLOTS, ARENA, MAX_PACKET, LONG_PACKET
cdef unsigned long long HASH, FIRST, LAST, COUNT, WHAT, PORTS, SOURCE_HIGH, SOURCE_LOW, DESTINATION_HIGH, DESTINATION_LOW, VLANS, PACKET, FIELDS, TOKEN, PATH, PATH_WORDS, FRESH, FOLDED, LOW32
cdef Py_ssize_t STAT_SIGHTINGS, STAT_FOLDED, STAT_SHED, STAT_SHED_PATTERNS, STAT_SHED_CANDIDATES, STAT_SHED_AGENTS, STAT_SHED_WATCHED, AGENT

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
    @cython.locals(size="unsigned long long", first="unsigned long long", last="unsigned long long")
    cdef int slice(self, unsigned long long field, Py_ssize_t start, Py_ssize_t end) except -1 nogil
    @cython.locals(number="unsigned long long", at="unsigned long long", slot="unsigned long long")
    cpdef list drain(self, bint full, str interface)
    @cython.locals(what="unsigned long long", ports="unsigned long long", six=bint, protocol=int, has_ports=bint, place="unsigned long long", start="unsigned long long", vlans="unsigned long long")
    cdef object _sighting(self, unsigned long long at, str interface)
    cdef bytes _bytes(self, unsigned long long first, unsigned long long size)
