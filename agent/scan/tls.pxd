cimport cython

cdef size_t NAME_AT, MAX_NAME
cdef unsigned int HANDSHAKE, CLIENT_HELLO, SERVER_NAME, HOST_NAME

@cython.final
cdef class TlsReader:
    cdef const unsigned char[::1] data
    cdef unsigned char[::1] text
    cdef size_t length, name_at, version_at

    @cython.locals(at=size_t, stop=size_t)
    cdef int read(self, size_t start, size_t end) except -1 nogil
    @cython.locals(kind="unsigned int", size=size_t, stop=size_t)
    cdef int _extensions(self, size_t at, size_t end) except -1 nogil
    @cython.locals(size=size_t, i=size_t, c="unsigned char")
    cdef int _server_name(self, size_t at, size_t end) except -1 nogil
