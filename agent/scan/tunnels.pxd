cimport cython
from agent.scan cimport octets
from agent.scan.ip cimport Ip
from agent.scan.link cimport Link

cdef extern from *:  # the .py's constants as the C compiler sees them
    const unsigned int NO_TUNNEL "0U", IPIP "1U", SIX_IN_FOUR "2U", FOUR_IN_SIX "3U", SIX_IN_SIX "4U"
    const unsigned int GRE "5U", PPTP "6U", ERSPAN "7U", VXLAN "8U", GENEVE "9U", GTP "10U", TEREDO "11U"
    const unsigned int AYIYA "12U", L2TP "13U", LISP "14U", TZSP "15U", MPLS "16U", ETHERIP "17U"
    const unsigned int MAX_TUNNELS "4U", WITH_ID "128U", WORDS "7U", MAX_EXTENSIONS "8U", MAX_FIELDS "32U"
    const unsigned int P_IPIP "4U", P_IPV6 "41U", P_GRE "47U", P_IPIP_OLD "94U", P_ETHERIP "97U"
    const unsigned int P_MPLS "137U", P_NONE "59U", P_ETHERNET "143U", PORT_L2TP "1701U", PORT_GTP "2152U", PORT_TEREDO "3544U"
    const unsigned int PORT_LISP "4341U", PORT_GRE "4754U", PORT_VXLAN "4789U", PORT_VXLAN_GPE "4790U"
    const unsigned int PORT_AYIYA "5072U", PORT_GENEVE "6081U", PORT_MPLS "6635U", PORT_VXLAN_LINUX "8472U"
    const unsigned int PORT_TZSP "37008U", PORT_GTP_OLD "3386U"
    const unsigned long long PORTS "0x460092001050002ULL"
    const unsigned int TYPE_IPV4 "2048U", TYPE_IPV6 "34525U", TYPE_VLAN "33024U", TYPE_ETHERNET "25944U"
    const unsigned int TYPE_PPP "34827U", TYPE_MPLS "34887U", TYPE_NSH "35151U", TYPE_ERSPAN "35006U"
    const unsigned int TYPE_ERSPAN3 "8939U", TYPE_WCCP "34878U", TYPE_ARUBA "33280U", ARUBA_MASK "65024U"
    const unsigned int VXLAN_WORD "0x8000000U", GENEVE_MASK "0xffc0ffffU", GENEVE_FRAME "25944U"
    const unsigned int GTP_MASK "0xf8ff0000U", GTP_PACKET "0x30ff0000U"
    const long long DLT_RADIO "105LL"
    const size_t S_TOO_DEEP "36UL", S_TRUNCATED "3UL", S_NOT_IP "2UL", S_FIRST "38UL"

@cython.final
cdef class Tunnels:
    cdef const unsigned char[::1] data
    cdef unsigned long long[::1] counters
    cdef unsigned long long counts
    cdef Link link
    cdef Ip ip
    cdef unsigned long long[::1] path, kept
    cdef unsigned int depth

    @cython.locals(i=size_t)
    cdef int leave(self) except -1 nogil
    cdef int restore(self) except -1 nogil
    @cython.locals(i=size_t)
    cdef int keep(self) except -1 nogil
    @cython.locals(i=size_t)
    cdef int back(self) except -1 nogil
    cdef unsigned int of_protocol(self, unsigned int protocol) except? 99 nogil
    @cython.locals(source="unsigned int", destination="unsigned int", kind="unsigned int", word="unsigned int", at=size_t, size=size_t)
    cdef unsigned int of_datagram(self, unsigned long long ports, size_t payload, size_t end) except? 99 nogil
    @cython.locals(first="unsigned int", second="unsigned int", following="unsigned int", nibble="unsigned int", forwards=int)
    cdef unsigned int _of_port(self, unsigned int port, size_t payload) except? 99 nogil
    @cython.locals(kind="unsigned int")
    cdef int _is_frame(self, size_t at, size_t end) except -1 nogil
    @cython.locals(size=size_t, at=size_t)
    cdef int _is_gtp(self, size_t payload, size_t end) except -1 nogil
    @cython.locals(header=size_t)
    cdef Py_ssize_t open(self, unsigned int kind, size_t start, size_t end) except? -2 nogil
    @cython.locals(version="unsigned long long")
    cdef Py_ssize_t _enter(self, unsigned long long kind, int has_id, unsigned long long number, size_t at) except? -2 nogil
    cdef Py_ssize_t _cut(self) except? -2 nogil
    cdef Py_ssize_t _other(self) except? -2 nogil
    @cython.locals(flags="unsigned int", kind="unsigned int", version="unsigned int", at=size_t, key="unsigned long long")
    cdef Py_ssize_t _gre(self, size_t start, size_t end) except? -2 nogil
    @cython.locals(size=size_t, session="unsigned int", inner="unsigned int")
    cdef Py_ssize_t _erspan(self, unsigned int kind, unsigned int flags, size_t at, size_t end) except? -2 nogil
    @cython.locals(network="unsigned long long", following="unsigned int")
    cdef Py_ssize_t _vxlan(self, size_t start, size_t end) except? -2 nogil
    @cython.locals(nibble="unsigned int", following="unsigned int")
    cdef int _is_unmarked(self, size_t start, size_t end) except -1 nogil
    @cython.locals(kind="unsigned int", at=size_t)
    cdef Py_ssize_t _geneve(self, size_t start, size_t end) except? -2 nogil
    @cython.locals(at=size_t, nibble="unsigned int")
    cdef Py_ssize_t _gtp(self, size_t start, size_t end) except? -2 nogil
    @cython.locals(nibble="unsigned int")
    cdef Py_ssize_t _gtp_old(self, size_t start, size_t end) except? -2 nogil
    @cython.locals(flags="unsigned int", following="unsigned int", at=size_t, count="unsigned int")
    cdef size_t _behind_gtp(self, size_t start, size_t end) except? 1 nogil
    @cython.locals(at=size_t)
    cdef Py_ssize_t _teredo(self, size_t start, size_t end) except? -2 nogil
    @cython.locals(at=size_t)
    cdef Py_ssize_t _ayiya(self, size_t start, size_t end) except? -2 nogil
    @cython.locals(flags="unsigned int", at=size_t)
    cdef Py_ssize_t _l2tp(self, size_t start, size_t end) except? -2 nogil
    @cython.locals(kind="unsigned int", at=size_t, count="unsigned int")
    cdef Py_ssize_t _tzsp(self, size_t start, size_t end) except? -2 nogil
