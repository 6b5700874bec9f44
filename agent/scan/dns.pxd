cimport cython

cdef Py_ssize_t NAME_AT, MAX_NAME, HEADER

cdef class DnsReader:
    cdef const unsigned char[::1] data
    cdef unsigned char[::1] text
    cdef Py_ssize_t length, type_at
    cdef int response

    @cython.locals(at=Py_ssize_t, length=Py_ssize_t, label=Py_ssize_t, stop=Py_ssize_t, c="unsigned char")
    cdef int read(self, Py_ssize_t start, Py_ssize_t end) except -1 nogil
