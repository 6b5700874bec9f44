cimport cython

cdef size_t NAME_AT, MAX_NAME, JOINED_AT, MAX_JOINED, FIXED
cdef unsigned int HANDSHAKE, CLIENT_HELLO, SERVER_HELLO, CERTIFICATE, SUPPLEMENT, SERVER_NAME, HOST_NAME
cdef unsigned int GROUPS, POINT_FORMATS, SIGNATURES, PROTOCOLS, VERSIONS, ENCRYPTED_HELLO
cdef int NOTHING, MORE, WHOLE, SPREAD
cdef unsigned long long PRIME, MASK

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
