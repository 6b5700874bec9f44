cimport cython

cdef Py_ssize_t FRAGMENTS, TRUNCATED, NOT_IP, IPV4, IPV6
cdef unsigned int HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION, MAX_EXTENSIONS

cdef class Ip:
    cdef const unsigned char[::1] data
    cdef unsigned long long[::1] counters
    cdef unsigned int version, protocol
    cdef unsigned long long source_high, source_low, destination_high, destination_low
    cdef Py_ssize_t start, end

    @cython.locals(version="unsigned int")
    cdef int decode(self, Py_ssize_t start, Py_ssize_t end) except -1 nogil
    @cython.locals(header=Py_ssize_t, total=Py_ssize_t)
    cdef int _decode4(self, Py_ssize_t start, Py_ssize_t end) except -1 nogil
    @cython.locals(length=Py_ssize_t)
    cdef int _decode6(self, Py_ssize_t start, Py_ssize_t end) except -1 nogil
    @cython.locals(count="unsigned int")
    cdef int _extensions(self, unsigned int following, Py_ssize_t at, Py_ssize_t end) except -1 nogil
    @cython.locals(high="unsigned long long", low="unsigned long long")
    cdef unsigned long long _word(self, Py_ssize_t at) except? 1 nogil
