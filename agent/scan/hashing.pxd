cimport cython

cdef extern from *:  # the .py's constants as the C compiler sees them
    const unsigned long long PRIME "0x9e3779b97f4a7c15ULL", FINISH "0xd6e8feb86659fd93ULL"

@cython.final
cdef class Keyed:
    cdef readonly unsigned long long seed

    cdef inline unsigned long long begin(self, unsigned long long table) noexcept nogil:
        return (self.seed ^ ((table + 1) * FINISH)) * PRIME

    cdef inline unsigned long long mix(self, unsigned long long h, unsigned long long byte) noexcept nogil:
        return (h ^ byte) * PRIME

    cdef inline unsigned long long finish(self, unsigned long long h) noexcept nogil:
        h ^= h >> 32
        h = h * FINISH
        return h ^ (h >> 29)

    cdef inline unsigned long long number(self, unsigned long long table, unsigned long long low) noexcept nogil:
        return self.finish((self.begin(table) ^ low) * PRIME)

    cdef inline unsigned long long numbers(self, unsigned long long table, unsigned long long high, unsigned long long low, unsigned long long extra) noexcept nogil:
        cdef unsigned long long h = (self.begin(table) ^ low) * PRIME
        h ^= h >> 31
        h = (h ^ high) * PRIME
        h ^= h >> 31
        return self.finish((h ^ extra) * PRIME)
