cimport cython

cdef Py_ssize_t NAME_AT, MAX_NAME
cdef unsigned int HANDSHAKE, CLIENT_HELLO, SERVER_NAME, HOST_NAME

cdef class TlsReader:
    cdef const unsigned char[::1] data
    cdef unsigned char[::1] text
    cdef Py_ssize_t length, name_at, version_at

    @cython.locals(at=Py_ssize_t, stop=Py_ssize_t)
    cdef int read(self, Py_ssize_t start, Py_ssize_t end) except -1 nogil
    @cython.locals(kind="unsigned int", size=Py_ssize_t, stop=Py_ssize_t)
    cdef int _extensions(self, Py_ssize_t at, Py_ssize_t end) except -1 nogil
    @cython.locals(size=Py_ssize_t, i=Py_ssize_t, c="unsigned char")
    cdef int _server_name(self, Py_ssize_t at, Py_ssize_t end) except -1 nogil
