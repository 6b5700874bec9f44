cimport cython

cdef extern from *:  # the .py's constants as the C compiler sees them
    const size_t NAME_AT "0UL", MAX_NAME "253UL", JOINED_AT "5UL", MAX_JOINED "16384UL", FIXED "44UL"
    const unsigned int HANDSHAKE "22U", CLIENT_HELLO "1U", SERVER_HELLO "2U", CERTIFICATE "11U"
    const unsigned int SUPPLEMENT "23U", SERVER_NAME "0U", HOST_NAME "0U", GROUPS "10U", POINT_FORMATS "11U"
    const unsigned int SIGNATURES "13U", PROTOCOLS "16U", VERSIONS "43U", ENCRYPTED_HELLO "65037U"
    const int NOTHING "0", MORE "1", WHOLE "2", SPREAD "3"
    const unsigned long long PRIME "0x9e3779b97f4a7c15ULL", MASK "0xffffffffffffffffULL"

@cython.final
cdef class TlsReader:
    cdef const unsigned char[::1] data
    cdef unsigned char[::1] text
    cdef unsigned char[::1] joined
    cdef const unsigned char[::1] readable
    cdef size_t joined_end, length, name_at, version_at, certificate_at, certificate_end
    cdef int joined_all, encrypted

    @cython.locals(size=size_t)
    cdef int _spread(self, size_t start, size_t end) except -1 nogil
    @cython.locals(record=size_t)
    cdef int head(self, size_t start, size_t end) except -1 nogil
    @cython.locals(at=size_t, size=size_t, stop=size_t)
    cdef int join(self, size_t start, size_t end) except -1 nogil
    @cython.locals(at=size_t, kind="unsigned int", stop=size_t)
    cdef int flight(self, size_t start, size_t end) except -1 nogil
    @cython.locals(size=size_t)
    cdef size_t next_certificate(self, size_t at) except? 1 nogil
    @cython.locals(at=size_t, stop=size_t)
    cdef int read(self, size_t start, size_t end) except -1 nogil
    @cython.locals(kind="unsigned int", size=size_t, stop=size_t, found=int)
    cdef int _extensions(self, size_t at, size_t end) except -1 nogil
    @cython.locals(size=size_t, i=size_t, c="unsigned char")
    cdef int _server_name(self, size_t at, size_t end) except -1 nogil
    @cython.locals(h="unsigned long long", at=size_t, stop=size_t, kind="unsigned int", size=size_t)
    cdef unsigned long long fingerprint(self, unsigned long long seed, size_t start, size_t end) except? 0 nogil
    @cython.locals(value="unsigned long long")
    cdef unsigned long long _words(self, unsigned long long h, size_t at, size_t end) except? 0 nogil
    cdef size_t _three(self, size_t at) except? 1 nogil
