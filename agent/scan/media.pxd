cimport cython

cdef extern from *:  # the .py's constants as the C compiler sees them
    const long long LOOPBACK "0LL", TOKEN_RING "6LL", SLIP "8LL", PPP "9LL", FDDI "10LL", ATM "11LL"
    const long long RAW "12LL", RAW_BSD "14LL", PPP_SERIAL "50LL", PPP_ETHER "51LL", RAW_FILE "101LL"
    const long long CISCO_HDLC "104LL", RADIO "105LL", FRAME_RELAY "107LL", LOOP "108LL", ENC "109LL"
    const long long SLL "113LL", PFLOG "117LL", PRISM "119LL", IP_FC "122LL", SUN_ATM "123LL"
    const long long RADIOTAP "127LL", ARCNET_LINUX "129LL", IPNET "226LL", PKTAP_USER "149LL", AVS "163LL"
    const long long PPI "192LL", PPP_DIRECTION "204LL", CISCO_HDLC_DIRECTION "205LL", RAW_IPV4 "228LL"
    const long long RAW_IPV6 "229LL", NFLOG "239LL", NETANALYZER "240LL", NETANALYZER_PREAMBLE "241LL"
    const long long IPOIB "242LL", PKTAP "258LL", SLL2 "276LL", DSA_BROADCOM "281LL"
    const long long DSA_BROADCOM_PREPENDED "282LL", DSA "284LL", EDSA "285LL"
    const unsigned int IP_TYPE "2048U", PPP_TYPE "34827U", PPPOE_TYPE "34916U", ETHERNET_TYPE "25944U"
    const unsigned int LLC_TYPE "0U", NFLOG_PAYLOAD "9U", MAX_ATTRIBUTES "64U", MAX_PRESENT "8U"
    const size_t PART_HEADER "14UL"
    const int FOUND "1", CUT "0", NO_PAYLOAD "-1", UNKNOWN "-2", ENCRYPTED "-3"

@cython.final
cdef class Media:
    cdef const unsigned char[::1] data
    cdef size_t at, next
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
    @cython.locals(size=size_t, behind=size_t)
    cdef int part(self, size_t start, size_t end) except? -9 nogil
    cdef size_t _little(self, size_t at) except? 1 nogil
