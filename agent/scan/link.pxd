cimport cython
from agent.scan.media cimport Media
from agent.scan.unread cimport Unread

cdef long long DLT_ETHERNET
cdef unsigned int TYPE_IPV4, TYPE_IPV6, TYPE_LLC, TYPE_ETHERNET, TYPE_VLAN, TYPE_QINQ, TYPE_QINQ_OLD, TYPE_QINQ_OLDER, TYPE_MPLS, TYPE_MPLS_UPSTREAM, TYPE_PPPOE, TYPE_PPP, TYPE_PBB, TYPE_VNTAG, TYPE_NSH, TYPE_FABRICPATH, TYPE_METADATA, PPP_IPV4, PPP_IPV6, PPP_MPLS, MAX_TAGS, MAX_LABELS, MAX_STEPS
cdef int UNKNOWN_MEDIUM, ENCRYPTED_MEDIUM, NO_PAYLOAD, CUT
cdef unsigned long long LINK_TYPE, ETHERTYPE, PPP_PROTOCOL, LLC_SAP
cdef size_t NOT_IP, TRUNCATED, UNKNOWN_LINK, ENCRYPTED, TOO_DEEP

@cython.final
cdef class Link:
    cdef const unsigned char[::1] data
    cdef unsigned long long[::1] counters
    cdef unsigned long long counts
    cdef Unread unread
    cdef Media media
    cdef unsigned long long vlans
    cdef unsigned int tags, steps, kind
    cdef size_t at

    cdef int read(self, const unsigned char[::1] data) except -1 nogil
    @cython.locals(kind="unsigned int")
    cdef Py_ssize_t decode(self, long long datalink, size_t start, size_t end) except? -2 nogil
    @cython.locals(found=int)
    cdef Py_ssize_t open(self, long long datalink, size_t start, size_t end) except? -2 nogil
    cdef Py_ssize_t ethernet(self, size_t start, size_t end) except? -2 nogil
    @cython.locals(found=int)
    cdef Py_ssize_t follow(self, unsigned int kind, size_t at, size_t end) except? -2 nogil
    cdef int _step(self, unsigned int kind, size_t at, size_t end) except? -9 nogil
    cdef int _typed(self, size_t type_at, size_t size, size_t end) except? -9 nogil
    @cython.locals(tag="unsigned long long")
    cdef int _tag(self, size_t at, size_t end) except? -9 nogil
    @cython.locals(labels="unsigned int", bottom="unsigned int", nibble="unsigned int")
    cdef int _labels(self, size_t at, size_t end) except? -9 nogil
    @cython.locals(kind="unsigned int")
    cdef int _looks_like_ethernet(self, size_t at, size_t end) except? -9 nogil
    @cython.locals(protocol="unsigned int")
    cdef int _ppp(self, size_t at, size_t end) except? -9 nogil
    @cython.locals(service="unsigned int", vendor="unsigned int", kind="unsigned int")
    cdef int _llc(self, size_t at, size_t end) except? -9 nogil
    cdef int _metadata(self, size_t at, size_t end) except? -9 nogil
    @cython.locals(size=size_t, following="unsigned int")
    cdef int _chain(self, size_t at, size_t end) except? -9 nogil
