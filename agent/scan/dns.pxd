cimport cython

cdef size_t NAME_AT, MAX_NAME, HEADER

@cython.final
cdef class DnsReader:
    cdef const unsigned char[::1] data
    cdef unsigned char[::1] text
    cdef size_t length, type_at
    cdef int response

    @cython.locals(at=size_t, length=size_t, label=size_t, stop=size_t, c="unsigned char")
    cdef int read(self, size_t start, size_t end) except -1 nogil
