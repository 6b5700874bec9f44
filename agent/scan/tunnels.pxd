cimport cython
from agent.scan.ip cimport Ip
from agent.scan.link cimport Link

cdef unsigned int NO_TUNNEL, IPIP, SIX_IN_FOUR, FOUR_IN_SIX, SIX_IN_SIX, GRE, PPTP, ERSPAN, VXLAN, GENEVE, GTP, TEREDO, AYIYA, L2TP, LISP, TZSP, MPLS, ETHERIP
cdef unsigned int MAX_TUNNELS, WITH_ID, WORDS, MAX_EXTENSIONS, MAX_FIELDS
cdef unsigned int P_IPIP, P_IPV6, P_GRE, P_IPIP_OLD, P_ETHERIP, P_MPLS
cdef unsigned int PORT_L2TP, PORT_GTP, PORT_TEREDO, PORT_LISP, PORT_GRE, PORT_VXLAN, PORT_VXLAN_GPE, PORT_AYIYA, PORT_GENEVE, PORT_MPLS, PORT_VXLAN_LINUX, PORT_TZSP
cdef unsigned long long PORTS
cdef unsigned int TYPE_IPV4, TYPE_IPV6, TYPE_VLAN, TYPE_ETHERNET, TYPE_PPP, TYPE_MPLS, TYPE_NSH, TYPE_ERSPAN, TYPE_ERSPAN3, TYPE_WCCP, TYPE_ARUBA, ARUBA_MASK, VXLAN_WORD, GENEVE_MASK, GENEVE_FRAME, GTP_MASK, GTP_PACKET
cdef long long DLT_RADIO
cdef size_t S_TOO_DEEP, S_TRUNCATED, S_NOT_IP, S_FIRST

@cython.final
cdef class Tunnels:
    cdef const unsigned char[::1] data
    cdef unsigned long long[::1] counters
    cdef unsigned long long counts
    cdef Link link
    cdef Ip ip
    cdef unsigned long long[::1] path
    cdef unsigned int depth

    @cython.locals(i=size_t)
    cdef int leave(self) except -1 nogil
    cdef int restore(self) except -1 nogil
    cdef unsigned int of_protocol(self, unsigned int protocol) except? 99 nogil
    @cython.locals(source="unsigned int", destination="unsigned int", kind="unsigned int", word="unsigned int", at=size_t, size=size_t)
    cdef unsigned int of_datagram(self, unsigned long long ports, size_t payload, size_t end) except? 99 nogil
    @cython.locals(first="unsigned int", second="unsigned int", following="unsigned int", nibble="unsigned int", forwards=int)
    cdef unsigned int _of_port(self, unsigned int port, size_t payload) except? 99 nogil
    @cython.locals(kind="unsigned int")
    cdef int _is_frame(self, size_t at, size_t end) except -1 nogil
    @cython.locals(size=size_t, at=size_t)
    cdef int _is_gtp(self, size_t payload, size_t end) except -1 nogil
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
    @cython.locals(kind="unsigned int", at=size_t)
    cdef Py_ssize_t _geneve(self, size_t start, size_t end) except? -2 nogil
    @cython.locals(at=size_t, nibble="unsigned int")
    cdef Py_ssize_t _gtp(self, size_t start, size_t end) except? -2 nogil
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
