cimport cython
from agent.scan.counters cimport Distinct
from agent.scan.dns cimport DnsReader
from agent.scan.hashing cimport Keyed
from agent.scan.http cimport HttpReader
from agent.scan.ip cimport Ip
from agent.scan.link cimport Link
from agent.scan.lookup cimport Filters, Lookup, Sets
from agent.scan.sightings cimport Sightings
from agent.scan.tls cimport TlsReader

cdef unsigned long long SYN_KIND, DATAGRAM, OTHER, QUESTION, ANSWER, REQUEST, HELLO
cdef unsigned long long NAME_FIELD, TYPE_FIELD, METHOD_FIELD, TARGET_FIELD, HOST_FIELD, AGENT_FIELD, VERSION_FIELD
cdef unsigned long long ICMP, TCP, UDP, ICMP6, DNS_PORT, ECHO_REQUEST, ECHO_REQUEST6, LOOPBACK4, USER_AGENT
cdef Py_ssize_t HTTP_HOST_AT, HTTP_SLASH_AT, HTTP_AGENT_AT
cdef unsigned long long TOUCHED
cdef size_t CACHE_LINE
cdef unsigned long long MICROSECONDS, FOR_EVER, PORTS_SIX, SIGHTING_SALT, FOLD_SALT
cdef size_t S_PACKETS, S_BYTES, S_TRUNCATED, S_TCP, S_UDP, S_ICMP, S_OTHER, S_SYN, S_QUERIES, S_RESPONSES, S_DNS_MALFORMED, S_REQUESTS, S_HELLOS, S_NO_NAME, S_ERRORS, S_PROBES

@cython.final
cdef class Scanner:
    cdef unsigned long long[::1] counters
    cdef Link link
    cdef Ip ip
    cdef Sightings sightings
    cdef readonly Distinct probes
    cdef int count_probes
    cdef unsigned long long shard, shards
    cdef const unsigned char[::1] data
    cdef const unsigned int[::1] meta
    cdef unsigned long long now_us, number, touched, until_us
    cdef size_t size
    cdef Sets sets
    cdef Keyed keyed
    cdef DnsReader dns
    cdef HttpReader http
    cdef TlsReader tls
    cdef unsigned long long ports

    @cython.locals(packets="unsigned long long", datalink="long long", stop=int)
    cpdef object scan(self, batch, unsigned long long number=*, unsigned long long until_us=*)
    @cython.locals(record="unsigned long long", now_us="unsigned long long")
    cdef int _scan(self, long long datalink, unsigned long long packets) except -1 nogil
    @cython.locals(number="unsigned long long", end="unsigned long long", seen="unsigned long long", start=size_t, size=size_t)
    cdef int _touch(self, unsigned long long packets) except -1 nogil
    @cython.locals(start=size_t, end=size_t, at=Py_ssize_t, protocol="unsigned int")
    cdef int _packet(self, long long datalink, unsigned long long record) except -1 nogil
    @cython.locals(low="unsigned long long", high="unsigned long long", h="unsigned long long")
    cdef int _is_other_shard(self) except -1 nogil
    @cython.locals(flags="unsigned int", payload=size_t, c="unsigned char")
    cdef int _tcp(self, size_t start, size_t end) except -1 nogil
    cdef int _udp(self, size_t start, size_t end) except -1 nogil
    @cython.locals(wanted="unsigned int")
    cdef int _other(self, unsigned int protocol, Py_ssize_t start, Py_ssize_t end) except -1 nogil
    cdef unsigned long long _ports(self, size_t start) except? 1 nogil
    @cython.locals(source="long long", destination="long long", found=int)
    cdef int _listed(self, int with_ports) except -1 nogil
    @cython.locals(service="unsigned long long")
    cdef int _addresses(self, unsigned long long what) except -1 nogil
    @cython.locals(h="unsigned long long", fold="unsigned long long")
    cdef int _sight(self, unsigned long long what, unsigned long long value, int exact, Py_ssize_t start, Py_ssize_t end) except -1 nogil
    @cython.locals(six="unsigned long long")
    cdef int _probe(self) except -1 nogil
    @cython.locals(named=int, length=Py_ssize_t, exact=int, what="unsigned long long", value="unsigned long long")
    cdef int _dns(self, Py_ssize_t start, Py_ssize_t payload, Py_ssize_t end) except -1 nogil
    @cython.locals(exact=int, host=Py_ssize_t, i=Py_ssize_t, value="unsigned long long")
    cdef int _http(self, Py_ssize_t payload, Py_ssize_t end) except -1 nogil
    @cython.locals(size=Py_ssize_t, shift=int, octet="unsigned int")
    cdef Py_ssize_t _write_destination(self) except? -1 nogil
    @cython.locals(kind=int, length=Py_ssize_t, exact=int, value="unsigned long long")
    cdef int _tls(self, Py_ssize_t payload, Py_ssize_t end) except -1 nogil
