cimport cython

cdef long long LOOPBACK, TOKEN_RING, SLIP, PPP, FDDI, ATM, RAW, RAW_BSD, PPP_SERIAL, PPP_ETHER, RAW_FILE, CISCO_HDLC, RADIO, FRAME_RELAY, LOOP, ENC, SLL, PFLOG, PRISM, IP_FC, SUN_ATM, RADIOTAP, ARCNET_LINUX, IPNET, PKTAP_USER, AVS, PPI, PPP_DIRECTION, CISCO_HDLC_DIRECTION, RAW_IPV4, RAW_IPV6, NFLOG, NETANALYZER, NETANALYZER_PREAMBLE, IPOIB, PKTAP, SLL2, DSA_BROADCOM, DSA_BROADCOM_PREPENDED, DSA, EDSA
cdef unsigned int IP_TYPE, PPP_TYPE, PPPOE_TYPE, ETHERNET_TYPE, LLC_TYPE, NFLOG_PAYLOAD, MAX_ATTRIBUTES, MAX_PRESENT
cdef int FOUND, CUT, NO_PAYLOAD, UNKNOWN, ENCRYPTED

@cython.final
cdef class Media:
    cdef const unsigned char[::1] data
    cdef size_t at
    cdef unsigned int kind

    cdef int open(self, long long datalink, size_t start, size_t end) except? -9 nogil
    cdef int _rare(self, long long datalink, size_t start, size_t end) except? -9 nogil
    cdef int _found(self, unsigned int kind, size_t at, size_t end) except? -9 nogil
    @cython.locals(kind="unsigned int")
    cdef int _typed(self, size_t type_at, size_t size, size_t end) except? -9 nogil
    cdef int _serial(self, size_t start, size_t end) except? -9 nogil
    @cython.locals(route=size_t)
    cdef int _token_ring(self, size_t start, size_t end) except? -9 nogil
    @cython.locals(kind="unsigned int")
    cdef int _arcnet(self, size_t start, size_t end) except? -9 nogil
    @cython.locals(at=size_t, protocol="unsigned int")
    cdef int _frame_relay(self, size_t start, size_t end) except? -9 nogil
    @cython.locals(at=size_t, count="unsigned int", size=size_t)
    cdef int _nflog(self, size_t start, size_t end) except? -9 nogil
    @cython.locals(size=size_t, inner="long long", at=size_t)
    cdef int _described(self, long long datalink, size_t start, size_t end) except? -9 nogil
    @cython.locals(size=size_t)
    cdef int _radio_link(self, long long datalink, size_t start, size_t end) except? -9 nogil
    @cython.locals(at=size_t, flags="unsigned int", words="unsigned int")
    cdef int _is_padded(self, size_t start, size_t stop, size_t end) except? -9 nogil
    @cython.locals(control="unsigned int", flags="unsigned int", size=size_t, aggregate="unsigned int")
    cdef int _radio(self, size_t start, size_t end, int padded) except? -9 nogil
    cdef size_t _little(self, size_t at) except? 1 nogil
