cimport cython

cdef extern from *:  # the .py's constants as the C compiler sees them
    const unsigned long long PRIME "0x9e3779b97f4a7c15ULL", FINISH "0xd6e8feb86659fd93ULL"
    const unsigned long long MASK "0xffffffffffffffffULL"

@cython.final
cdef class Keyed:
    cdef readonly unsigned long long seed
    @cython.locals(h="unsigned long long")
    cdef unsigned long long begin(self, unsigned long long table) except? 0 nogil
    cdef unsigned long long mix(self, unsigned long long h, unsigned long long byte) except? 0 nogil
    cdef unsigned long long finish(self, unsigned long long h) except? 0 nogil
    @cython.locals(h="unsigned long long")
    cdef unsigned long long number(self, unsigned long long table, unsigned long long low) except? 0 nogil
    @cython.locals(h="unsigned long long")
    cdef unsigned long long numbers(self, unsigned long long table, unsigned long long high, unsigned long long low, unsigned long long extra) except? 0 nogil
