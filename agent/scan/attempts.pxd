cimport cython
from agent.scan.conversations cimport Conversations
from agent.scan.counters cimport Distinct
from agent.scan.hashing cimport Keyed
from agent.scan.ip cimport Ip
from agent.scan.rates cimport Rates

cdef extern from *:  # the .py's constants as the C compiler sees them
    const unsigned long long NOTED "64ULL", WORDS "12ULL", WHAT "0ULL", NOW_US "1ULL", SECOND "2ULL"
    const unsigned long long SOURCE "3ULL", DESTINATION "5ULL", PORTS "7ULL", ITEM "8ULL", RATE "9ULL"
    const unsigned long long KIND "10ULL", FIRST "10ULL", SECOND_KEY "11ULL"
    const unsigned long long PROBES "1ULL", UDP_PORTS "2ULL", PATHS "4ULL", HOSTS "8ULL", INFECTED "16ULL"
    const unsigned long long STARTS "32ULL", ANSWERED "64ULL", TAKEN_BACK "128ULL"
    const unsigned int ICMP_REQUEST "8U", ICMP_REPLY "0U", ICMP6_REQUEST "128U", ICMP6_REPLY "129U"
    const unsigned long long LOOPBACK4 "0x7f000001ULL", MULTICAST4 "0xe0000000ULL", MULTICAST6 "255ULL"
    const unsigned long long DNS_PORT "53ULL", EPHEMERAL "32768ULL", MAX_NOTED "256ULL"
    const unsigned long long PORTS_SIX "0x100000000ULL", PORTS_TCP "0xc00000000ULL", PORTS_UDP "0x2200000000ULL"
    const unsigned long long PORTS_ICMP "0x200000000ULL", CONVERSATION_SALT "4000ULL"
    const unsigned long long LOW16 "65535ULL", LOW32 "0xffffffffULL", BYTE "255ULL"
    const unsigned long long SYN_RATE "1ULL", UDP_RATE "2ULL", ICMP_RATE "3ULL", REFLECTED_RATE "4ULL"
    const int OPENED "1", WAITS "2", ANSWER_CAME "3"
    const size_t S_UNNOTED "57UL"

@cython.final
cdef class Attempts:
    cdef unsigned long long[::1] counters
    cdef Ip ip
    cdef Keyed keyed
    cdef unsigned long long[::1] queue
    cdef unsigned long long waiting, conversation, forward, tables
    cdef Distinct probes, udp_ports, paths, hosts, infected, starts
    cdef int count_rates, counts, follow_udp
    cdef Rates rates
    cdef Conversations conversations

    cdef int has_hot(self) noexcept
    @cython.locals(what="unsigned long long")
    cdef int attempt(self, unsigned long long now_us, unsigned long long second, unsigned long long ports) noexcept nogil
    @cython.locals(what="unsigned long long")
    cdef int accepted(self, unsigned long long now_us, unsigned long long second, unsigned long long ports) noexcept nogil
    cdef int probe(self, unsigned long long now_us, unsigned long long second, unsigned long long ports) noexcept nogil
    @cython.locals(source="unsigned long long")
    cdef int maimon(self, unsigned long long now_us, unsigned long long second, unsigned long long ports) noexcept nogil
    @cython.locals(source="unsigned long long", port="unsigned long long", forward="unsigned long long", ends="unsigned long long", addresses="unsigned long long", h="unsigned long long")
    cdef int expect_datagram(self, unsigned long long ports) noexcept nogil
    @cython.locals(state=int, source="unsigned long long", port="unsigned long long", what="unsigned long long", kind="unsigned long long")
    cdef int datagram(self, unsigned long long now_us, unsigned long long second, unsigned long long ports) noexcept nogil
    @cython.locals(what="unsigned long long", rate="unsigned long long")
    cdef int echo(self, unsigned int kind, unsigned long long now_us, unsigned long long second) noexcept nogil
    cdef int path(self, unsigned long long now_us, unsigned long long second, unsigned long long ports, unsigned long long item) noexcept nogil
    cdef int found(self, unsigned long long now_us, unsigned long long second, unsigned long long ports, unsigned long long item) noexcept nogil
    @cython.locals(at="unsigned long long")
    cdef int take_in(self) noexcept nogil
    @cython.locals(at="unsigned long long")
    cdef inline int _note(self, unsigned long long what, unsigned long long now_us, unsigned long long second, unsigned long long ports, unsigned long long item, unsigned long long kind) noexcept nogil
    @cython.locals(at="unsigned long long")
    cdef int _note_answer(self, unsigned long long what, unsigned long long now_us, unsigned long long second, unsigned long long ports, unsigned long long item) noexcept nogil
    @cython.locals(at="unsigned long long")
    cdef inline unsigned long long _place(self) noexcept nogil
    @cython.locals(what="unsigned long long")
    cdef inline int _approach(self, unsigned long long at) noexcept nogil
    @cython.locals(what="unsigned long long", source_port="unsigned long long")
    cdef inline int _take(self, unsigned long long at) noexcept nogil
    @cython.locals(count="unsigned long long")
    cdef inline int _is_too_many(self, unsigned long long at) noexcept nogil
    @cython.locals(kind="unsigned long long")
    cdef int _take_back(self, unsigned long long at) noexcept nogil
    cdef inline unsigned long long _expect(self, Distinct table, unsigned long long at) noexcept nogil
    cdef inline int _tell(self, Distinct table, unsigned long long at, unsigned long long h, unsigned long long item) noexcept nogil
    cdef inline unsigned long long _host(self, unsigned long long at) noexcept nogil
    cdef inline int _is_loopback(self) noexcept nogil
    cdef inline int _is_multicast(self) noexcept nogil
    cdef inline int _is_infection_port(self, unsigned long long port) noexcept nogil
    cdef inline unsigned long long _kind(self, unsigned long long source) noexcept nogil
    cdef inline int _is_reflector(self, unsigned long long port) noexcept nogil
