cimport cython

cdef extern from *:  # the .py's constants as the C compiler sees them
    const size_t MAX_WRITTEN "47UL"
    const unsigned long long MASK "0xffffffffffffffffULL"
    const unsigned int DOT "46U", COLON "58U", OPENING "91U", CLOSING "93U"

@cython.final
cdef class WrittenAddress:
    cdef unsigned char[::1] text
    cdef unsigned long long high, low

    cdef int read(self, size_t start, size_t end) except -1 nogil
    @cython.locals(value="unsigned long long", parts="unsigned int", octet="unsigned int", digits="unsigned int")
    cdef int _four(self, size_t at, size_t end) except -1 nogil
    @cython.locals(high="unsigned long long", low="unsigned long long", groups="unsigned int", gap="unsigned int", group="unsigned int", digits="unsigned int", value="unsigned int")
    cdef int _six(self, size_t at, size_t end) except -1 nogil
    @cython.locals(i="unsigned int", place="unsigned int", group="unsigned long long", to="unsigned int")
    cdef int _spread(self, unsigned long long high, unsigned long long low, unsigned int groups, unsigned int gap) except -1 nogil
    cdef unsigned int _digit(self, unsigned int c) except? 17 nogil
