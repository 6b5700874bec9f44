cimport cython

cdef long long DLT_NULL, DLT_ETHERNET, DLT_RAW, DLT_RAW_BSD, DLT_RAW_FILE, DLT_LOOP, DLT_SLL, DLT_IPV4, DLT_IPV6, DLT_SLL2
cdef unsigned int TYPE_IPV4, TYPE_IPV6, TYPE_VLAN, TYPE_QINQ, TYPE_PPPOE, PPP_IPV4, PPP_IPV6, MAX_TAGS
cdef size_t NOT_IP, TRUNCATED, UNKNOWN_LINK

@cython.final
cdef class Link:
    cdef const unsigned char[::1] data
    cdef unsigned long long[::1] counters
    cdef unsigned long long counts
    cdef unsigned long long vlans

    cdef Py_ssize_t decode(self, long long datalink, size_t start, size_t end) except? -2 nogil
    @cython.locals(tags="unsigned int", kind="unsigned int", tag="unsigned long long")
    cdef inline Py_ssize_t _typed(self, size_t at, size_t type_at, size_t end) except? -2 nogil
    @cython.locals(protocol="unsigned int")
    cdef Py_ssize_t _pppoe(self, size_t at, size_t end) except? -2 nogil
