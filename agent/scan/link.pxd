cimport cython
from agent.scan cimport octets
from agent.scan.media cimport Media
from agent.scan.unread cimport Unread

cdef extern from *:  # the .py's constants as the C compiler sees them
    const long long DLT_ETHERNET "1LL"
    const unsigned int TYPE_IPV4 "2048U", TYPE_IPV6 "34525U", TYPE_LLC "1500U", TYPE_ETHERNET "25944U"
    const unsigned int TYPE_VLAN "33024U", TYPE_QINQ "34984U", TYPE_QINQ_OLD "37120U"
    const unsigned int TYPE_QINQ_OLDER "37376U", TYPE_MPLS "34887U", TYPE_MPLS_UPSTREAM "34888U"
    const unsigned int TYPE_PPPOE "34916U", TYPE_PPP "34827U", TYPE_PBB "35047U", TYPE_VNTAG "35110U"
    const unsigned int TYPE_NSH "35151U", TYPE_FABRICPATH "35075U", TYPE_METADATA "35081U", TYPE_MACSEC "35045U", TYPE_TIMESTAMP "53899U", PPP_IPV4 "33U"
    const unsigned int PPP_IPV6 "87U", PPP_MPLS "641U", MAX_TAGS "4U", MAX_LABELS "16U", MAX_STEPS "16U"
    const int FOUND "1", UNKNOWN_MEDIUM "-2", ENCRYPTED_MEDIUM "-3", NO_PAYLOAD "-1", CUT "0"
    const unsigned long long LINK_TYPE "1ULL", ETHERTYPE "2ULL", PPP_PROTOCOL "3ULL", LLC_SAP "4ULL"
    const size_t NOT_IP "2UL", TRUNCATED "3UL", UNKNOWN_LINK "5UL", ENCRYPTED "35UL", TOO_DEEP "36UL"

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
    cdef Py_ssize_t part(self, size_t start, size_t end) except? -2 nogil
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
    cdef int _stamped(self, size_t at, size_t end) except? -9 nogil
    @cython.locals(size=size_t, following="unsigned int")
    cdef int _chain(self, size_t at, size_t end) except? -9 nogil
