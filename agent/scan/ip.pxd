cimport cython
from agent.scan cimport octets

cdef extern from *:  # the .py's constants as the C compiler sees them
    const size_t FRAGMENTS "4UL", TRUNCATED "3UL", NOT_IP "2UL", CUT "37UL", IPV4 "22UL", IPV6 "23UL"
    const unsigned int HOP_BY_HOP "0U", ROUTING "43U", FRAGMENT "44U", AUTHENTICATION "51U", DESTINATION "60U"
    const unsigned int MOBILITY "135U", MAX_EXTENSIONS "8U"

@cython.final
cdef class Ip:
    cdef const unsigned char[::1] data
    cdef unsigned long long[::1] counters
    cdef unsigned long long counts
    cdef unsigned int version, protocol
    cdef unsigned long long source_high, source_low, destination_high, destination_low
    cdef size_t start, end, cut_at
    cdef unsigned int identification, offset
    cdef int more

    cdef int count_cut(self, size_t end) noexcept nogil
    @cython.locals(version="unsigned int", header=size_t, total=size_t, word="unsigned int")
    cdef int decode(self, size_t start, size_t end) except -1 nogil
    cdef int _fragment4(self, unsigned int word) except -1 nogil
    @cython.locals(length=size_t)
    cdef int _decode6(self, size_t start, size_t end) except -1 nogil
    @cython.locals(count="unsigned int", place="unsigned int")
    cdef int _extensions(self, unsigned int following, size_t at, size_t end) except -1 nogil
    cdef int resume(self, unsigned int following, size_t start, size_t end) except -1 nogil
    @cython.locals(following="unsigned int", at=size_t)
    cdef int authenticated(self) except -1 nogil
    @cython.locals(high="unsigned long long")
    cdef inline unsigned long long _words(self, size_t at) except? 1 nogil
