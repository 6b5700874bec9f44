cimport cython
from agent.scan cimport octets
from agent.scan.carriers cimport Carriers
from agent.scan.conversations cimport Conversations
from agent.scan.counters cimport Distinct
from agent.scan.dns cimport DnsReader
from agent.scan.gates cimport Gates
from agent.scan.hashing cimport Keyed
from agent.scan.duplicates cimport Duplicates
from agent.scan.fragments cimport Fragments
from agent.scan.http cimport HttpReader
from agent.scan.http2 cimport Http2Reader
from agent.scan.ip cimport Ip
from agent.scan.known cimport Known
from agent.scan.link cimport Link
from agent.scan.lookup cimport Filters, Lookup, Sets
from agent.scan.rates cimport Rates
from agent.scan.sightings cimport Sightings
from agent.scan.sketches cimport Sketches
from agent.scan.streams cimport Streams
from agent.scan.tls cimport TlsReader
from agent.scan.tunnels cimport Tunnels
from agent.scan.unread cimport Unread
from agent.scan.written cimport WrittenAddress

cdef unsigned long long SYN_KIND, DATAGRAM, OTHER, QUESTION, ANSWER, REQUEST, HELLO, ACCEPT, REFUSE, INITIAL, FINGERPRINT, CERTIFICATE, WATCHED_AGENT, WATCHED_REQUEST, RESPONSE, LONG, ABSENT, SERVER, EXHAUSTING, FLOODING, TUNNELLING, PINGING, NULL_TYPE, TXT_TYPE, PRIVATE_TYPE, MINUTE, HOUR, ASKED, SAMPLE, SAMPLE_BITS, WATCHED, UNWATCHED, NAME_ERROR, HTTP_PORT, LOW16, DOT
cdef int DECODE
cdef Py_ssize_t LISTED, MAY_PATTERN, MAY_INITIAL, MAY_FINGERPRINT, MAY_CERTIFICATE, MAY_AGENT, MAY_WATCHED_AGENT, MAY_REQUEST, MAY_RESPONSE, MAY_NAME, SHORT_LABEL, MIN_FRONT, MIN_TUNNEL, PING_DATA, MIN_PING, MAX_PING
cdef unsigned long long HEAD_TLS, HEAD_NAMED_TLS, HEAD_SERVER, HEAD_HTTP, HEAD_DNS, HEAD_HTTP2, HEAD_CARRIER, FIRST_BYTES, KNOWN_SALT, OPENVPN_SALT, DTLS_SALT, IKE_PORT, IKE_NAT_PORT, STREAM_PART, CLEAN, SLOT_BYTES, STREAM_SALT, STREAM_KIND, STREAM_SEQUENCE, STREAM_FILLED, COPIED, STREAM_VERSION, STREAM_IDLE_US, ENDED_US, LOW32, QUIC_2, QUIC_2_DRAFT, QUIC_DRAFTS, QUIC_FORK
cdef int CARRIES_TLS, CARRIES_CERTIFICATES, CARRIES_MORE, CARRIES_WRITTEN_TLS, CARRIES_REQUEST, CARRIES_GOOGLE, CARRIES_OPENVPN, CARRIES_CONTENT
cdef size_t MAX_CARRIED, MAX_BLOCKS, DTLS_HEADER
cdef unsigned int UPDATE
cdef unsigned int OPEN, ADAT, PROXY, OPENVPN_BYTE, CLIENT_HELLO, CERTIFICATE_MESSAGE
cdef size_t QUIC_ID_AT, QUIC_SAMPLE, MIN_INITIAL, DNS_ANSWER_AT, MAX_CERTIFICATES
cdef unsigned long long NAME_FIELD, TYPE_FIELD, METHOD_FIELD, TARGET_FIELD, HOST_FIELD, AGENT_FIELD, VERSION_FIELD, BODY_FIELD
cdef unsigned long long SCTP, FRAGMENT_SALT, FRAGMENT_BYTES, FRAGMENT_LAST, FRAGMENT_VERSION, FRAGMENT_PROTOCOL
cdef unsigned int DOT_PORT, PREFACE, DNS_WORD, DOH_WORD, MINUS_DNS_WORD, DATA_CHUNK, I_DATA_CHUNK, MAX_CHUNKS
cdef unsigned long long AUTHENTICATION, UNREAD_PROTOCOL, TUNNEL_SALT
cdef unsigned long long PORTS_TCP, PORTS_UDP, PORTS_ICMP, ANSWERED, CONVERSATION_SALT, EPHEMERAL, MULTICAST4, MULTICAST6, MAX_NOTED, SYN_RATE, UDP_RATE, ICMP_RATE, REFLECTED_RATE
cdef unsigned int ECHO_REPLY, ECHO_REPLY6
cdef int OPENED, WAITS, ANSWER_CAME
cdef unsigned long long ICMP, TCP, UDP, ICMP6, DNS_PORT, ECHO_REQUEST, ECHO_REQUEST6, LOOPBACK4, USER_AGENT
cdef Py_ssize_t HTTP_HOST_AT, HTTP_SLASH_AT, HTTP_PATH_AT, HTTP_AGENT_AT
cdef unsigned long long PRIME, WORD_MASK, FOUND_MARK, FOUND_PLACES
cdef unsigned long long GROUP, LOOK_BACK
cdef size_t CACHE_LINE, WORD
cdef unsigned long long MICROSECONDS, FOR_EVER, PORTS_SIX, SIGHTING_SALT, FOLD_SALT
cdef size_t S_PACKETS, S_BYTES, S_TRUNCATED, S_TCP, S_UDP, S_ICMP, S_OTHER, S_SYN, S_QUERIES, S_RESPONSES, S_DNS_MALFORMED, S_REQUESTS, S_HELLOS, S_NO_NAME, S_ERRORS, S_PROBES, S_INITIALS, S_CERTIFICATES, S_DNS_TCP, S_ENCRYPTED, S_TUNNELS, S_DUPLICATES, S_SCTP, S_ACCEPTS, S_REFUSALS, S_HTTP2, S_DOT, S_DOH, S_REASSEMBLED, S_INCOMPLETE, S_REFUSED, S_UNNOTED, S_SKIPPED

@cython.final
cdef class Scanner:
    cdef unsigned long long[::1] counters
    cdef Link link
    cdef Ip ip
    cdef Tunnels tunnels
    cdef readonly Unread unread
    cdef unsigned long long tunnel
    cdef Sightings sightings
    cdef Streams streams
    cdef Fragments fragments
    cdef int in_datagram
    cdef Duplicates duplicates
    cdef int drops_copies
    cdef Known known
    cdef unsigned long long[::1] heads
    cdef const unsigned char[::1] batch
    cdef unsigned long long[::1] clean
    cdef unsigned long long stream_key, idle_us
    cdef int in_stream
    cdef readonly object bank
    cdef Distinct probes, udp_ports, hosts, infected, paths, starts
    cdef int count_probes, count_udp_ports, count_hosts, count_infected, count_paths, count_starts, count_rates, count_attempts, follow_udp
    cdef Rates rates
    cdef Conversations conversations
    cdef unsigned long long shard, shards
    cdef const unsigned char[::1] data
    cdef const unsigned int[::1] meta
    cdef unsigned long long now_us, second, number, group, answered, counts, touched, until_us
    cdef size_t size
    cdef Sets sets
    cdef Keyed keyed
    cdef DnsReader dns
    cdef HttpReader http
    cdef Gates gates
    cdef Sketches sketches
    cdef size_t domain_at
    cdef unsigned long long domain_hash, exhausting_level, absent_level, tunnel_level, ping_level
    cdef int count_questions
    cdef unsigned long long[::1] asked
    cdef TlsReader tls
    cdef Http2Reader http2
    cdef Carriers carriers
    cdef WrittenAddress written
    cdef unsigned long long ports
    cdef int agent_listed
    cdef unsigned long long[::1] found_rows

    @cython.locals(packets="unsigned long long", datalink="long long", stop=int)
    cpdef object scan(self, batch, unsigned long long number=*, unsigned long long until_us=*)
    @cython.locals(stop=int)
    cdef int _scan(self, long long datalink, unsigned long long packets) except -1 nogil
    cdef int _ask_from_now_on(self, unsigned long long asking) except -1 nogil
    @cython.locals(record="unsigned long long", now_us="unsigned long long", end="unsigned long long")
    cdef int _ask(self, long long datalink, unsigned long long packets) except -1 nogil
    @cython.locals(record="unsigned long long", last_us="unsigned long long")
    cdef int _look_up(self, long long datalink) except -1 nogil
    @cython.locals(number="unsigned long long", end="unsigned long long", seen="unsigned long long", start=size_t, size=size_t)
    cdef int _touch(self, unsigned long long packets) except -1 nogil
    @cython.locals(start=size_t, end=size_t, at=Py_ssize_t)
    cdef int _packet(self, long long datalink, unsigned long long record) except -1 nogil
    @cython.locals(found=int)
    cdef int _network(self, size_t at, size_t end) except -1 nogil
    @cython.locals(h="unsigned long long")
    cdef int _fragment(self) except -1 nogil
    @cython.locals(asking=int, start=size_t, end=size_t, protocol="unsigned int")
    cdef int _put_together(self) except -1 nogil
    @cython.locals(protocol="unsigned int")
    cdef int _transport(self) except -1 nogil
    @cython.locals(low="unsigned long long", high="unsigned long long", h="unsigned long long")
    cdef int _is_other_shard(self) except -1 nogil
    @cython.locals(flags="unsigned int", payload=size_t)
    cdef int _tcp(self, size_t start, size_t end) except -1 nogil
    @cython.locals(c="unsigned char")
    cdef inline int _content(self, size_t start, size_t payload, size_t end) except -1 nogil
    @cython.locals(kind="unsigned int")
    cdef int _udp(self, size_t start, size_t end) except -1 nogil
    @cython.locals(wanted="unsigned int", kind="unsigned int")
    cdef int _other(self, unsigned int protocol, Py_ssize_t start, Py_ssize_t end) except -1 nogil
    @cython.locals(at=size_t, count="unsigned int", size=size_t, kind="unsigned int", payload=size_t, stop=size_t)
    cdef int _sctp(self, size_t start, size_t end) except -1 nogil
    @cython.locals(c="unsigned char")
    cdef int _message(self, size_t payload, size_t end) except -1 nogil
    @cython.locals(at=Py_ssize_t)
    cdef int _inside(self, unsigned int kind, size_t start, size_t end) except -1 nogil
    cdef inline unsigned int _ports(self, size_t start) except? 1 nogil
    @cython.locals(source="long long", destination="long long", found=int)
    cdef int _listed(self, int with_ports) except -1 nogil
    @cython.locals(asked="unsigned long long", place="unsigned long long")
    cdef int _listed4(self, unsigned long long address, long long port) except -1 nogil
    @cython.locals(service="unsigned long long")
    cdef int _addresses(self, unsigned long long what) except -1 nogil
    @cython.locals(h="unsigned long long", fold="unsigned long long")
    cdef int _sight(self, unsigned long long what, unsigned long long value, Py_ssize_t kind, Py_ssize_t start, Py_ssize_t end) except -1 nogil
    cdef int _is_loopback(self) except -1 nogil
    cdef int _is_multicast(self) except -1 nogil
    cdef unsigned long long _version(self) except? 1 nogil
    cdef int _note(self, Distinct table, unsigned long long ports, unsigned long long item) except -1 nogil
    cdef int _note_answer(self, Distinct table, unsigned long long ports, unsigned long long item) except -1 nogil
    cdef unsigned long long _source_item(self) except? 1 nogil
    cdef unsigned long long _destination_item(self) except? 1 nogil
    cdef unsigned long long _rate(self, unsigned long long kind, unsigned long long service) except? 0 nogil
    @cython.locals(ports="unsigned long long", port="unsigned long long")
    cdef int _attempt(self) except -1 nogil
    cdef int _is_infection_port(self, unsigned long long port) except -1 nogil
    @cython.locals(ports="unsigned long long")
    cdef int _accepted(self) except -1 nogil
    cdef int _probe(self) except -1 nogil
    @cython.locals(source="unsigned long long")
    cdef int _maimon(self) except -1 nogil
    @cython.locals(state=int, ports="unsigned long long")
    cdef int _datagram(self) except -1 nogil
    @cython.locals(kind="unsigned long long", service="unsigned long long")
    cdef int _take_back(self, unsigned long long port) except -1 nogil
    @cython.locals(source="unsigned long long", port="unsigned long long", ports="unsigned long long", kind="unsigned long long", service="unsigned long long")
    cdef int _open(self, int state) except -1 nogil
    @cython.locals(source="unsigned long long", port="unsigned long long", forward="unsigned long long", ports="unsigned long long", addresses="unsigned long long", h="unsigned long long")
    cdef int _converse(self) except -1 nogil
    cdef int _is_reflector(self, unsigned long long port) except -1 nogil
    cdef int _echo(self, unsigned int kind) except -1 nogil
    cpdef object finish(self)
    cpdef object compare(self, Duplicates duplicates)
    @cython.locals(place="unsigned long long", d="unsigned long long", end=size_t)
    cdef int _is_copy(self, unsigned long long h, Py_ssize_t start) except -1 nogil
    @cython.locals(d="unsigned long long")
    cdef inline unsigned long long _digest(self, unsigned long long h, size_t start, size_t end) except? 0 nogil
    cpdef object learn(self, unsigned long long token)
    @cython.locals(place="unsigned long long", h="unsigned long long")
    cdef int _is_known(self, unsigned char c) except -1 nogil
    @cython.locals(service="unsigned long long", h="unsigned long long")
    cdef unsigned long long _flow(self) except? 0 nogil
    cpdef object pass_over_known(self, int learns, int skips)
    @cython.locals(h="unsigned long long")
    cdef unsigned long long _key(self) except? 0 nogil
    @cython.locals(filled=size_t)
    cdef int _continue_head(self, size_t start, size_t payload, size_t end) except -1 nogil
    @cython.locals(payload=size_t, sequence="unsigned long long")
    cdef int _open_head(self, unsigned long long kind, size_t start, size_t at, size_t end) except -1 nogil
    @cython.locals(place=size_t, header=size_t, number="unsigned long long", last="unsigned long long", start=size_t, end=size_t, size=size_t, payload=size_t)
    cdef int _look_back(self, size_t filled) except -1 nogil
    @cython.locals(at=size_t, ours=size_t)
    cdef int _is_same_stream(self, size_t start, size_t header) except -1 nogil
    cdef int _open_slot(self, unsigned long long key, unsigned long long kind, unsigned long long sequence) except -1 nogil
    @cython.locals(kind="unsigned long long", at=size_t, end=size_t, seen=size_t, asking=int)
    cdef int _look(self, size_t filled, int last) except -1 nogil
    @cython.locals(kind="unsigned long long")
    cdef unsigned long long _kind_of_text(self, unsigned int word) except? 999 nogil
    @cython.locals(slot="unsigned long long", now_us="unsigned long long")
    cdef int _end_idle(self, unsigned long long before_us) except -1 nogil
    cdef int _read(self, const unsigned char[::1] data) except -1 nogil
    cdef int _read_packets(self) except -1 nogil
    cdef int _read_streams(self) except -1 nogil
    cdef int _read_joined(self) except -1 nogil
    cdef int _read_written(self) except -1 nogil
    cdef int _read_on(self) except -1 nogil
    @cython.locals(h="unsigned long long", i=size_t, stop=size_t)
    cdef int _show_initial(self, size_t payload, size_t end) except -1 nogil
    @cython.locals(size="unsigned int", google=int, version="unsigned long long")
    cdef int _initial(self, size_t payload, size_t end) except -1 nogil
    cdef int _is_rare_version(self, unsigned long long version) except -1 nogil
    @cython.locals(length=Py_ssize_t, exact=int, candidate="unsigned long long", what="unsigned long long", value="unsigned long long")
    cdef int _dns(self, Py_ssize_t message, Py_ssize_t end) except -1 nogil
    @cython.locals(token="unsigned long long")
    cdef int _watch_name(self, size_t message, size_t end) except -1 nogil
    @cython.locals(limit=size_t, i=size_t)
    cdef int _is_long(self, size_t end) except -1 nogil
    @cython.locals(token="unsigned long long")
    cdef int _show_long(self, size_t size, Py_ssize_t start, Py_ssize_t end) except -1 nogil
    @cython.locals(front=Py_ssize_t, key="unsigned long long", kind="unsigned long long", mark="unsigned long long")
    cdef int _count_question(self, size_t message, size_t end) except -1 nogil
    @cython.locals(front=Py_ssize_t, i=Py_ssize_t, key="unsigned long long")
    cdef int _count_absent(self, size_t message, size_t end) except -1 nogil
    @cython.locals(bits="unsigned long long", asking=int)
    cdef int _count(self, unsigned long long what, unsigned long long key, unsigned long long item, unsigned long long level, unsigned long long amount, unsigned long long mark, unsigned long long window, Py_ssize_t start, Py_ssize_t end) except -1 nogil
    @cython.locals(h="unsigned long long", key="unsigned long long", item="unsigned long long", i=Py_ssize_t, stop=Py_ssize_t)
    cdef int _ping(self, Py_ssize_t start, Py_ssize_t end) except -1 nogil
    cdef unsigned long long _exchange(self) except? 0 nogil
    @cython.locals(item="unsigned long long", h="unsigned long long")
    cdef int _note_path(self) except -1 nogil
    @cython.locals(h="unsigned long long", word="unsigned long long", ports="unsigned long long")
    cdef int _note_status(self, unsigned char c) except -1 nogil
    cdef unsigned int _byte(self, size_t at) except? 256 nogil
    @cython.locals(dots="unsigned long long", stop=size_t)
    cdef size_t _registered_label(self) except? 9999 nogil
    cdef size_t _begin_domain(self, size_t place, size_t stop) except? 9999 nogil
    cdef int _show(self, unsigned long long what, unsigned long long token, Py_ssize_t kind, Py_ssize_t start, Py_ssize_t end) except -1 nogil
    cdef int _is_response(self, size_t at, size_t end) except -1 nogil
    @cython.locals(h="unsigned long long", token="unsigned long long")
    cdef int _watch_request(self, size_t payload, size_t end) except -1 nogil
    cdef unsigned long long _mix(self, unsigned long long h, size_t at, size_t end) except? 0 nogil
    @cython.locals(path=size_t, question=size_t, c="unsigned char")
    cdef int _may_matter(self, size_t end) except -1 nogil
    @cython.locals(size=size_t, i=size_t, c="unsigned char")
    cdef int _is_host_numeric(self) except -1 nogil
    cdef int _slices(self, size_t payload, size_t end) except -1 nogil
    @cython.locals(found=int, kind=int, at=size_t, high="unsigned long long", low="unsigned long long")
    cdef int _answers(self, size_t message, size_t end) except -1 nogil
    @cython.locals(found=int, candidate="unsigned long long")
    cdef int _owners(self, size_t message, size_t end) except -1 nogil
    @cython.locals(at=size_t)
    cdef int _messages(self, size_t start, size_t payload, size_t end) except -1 nogil
    @cython.locals(size=size_t)
    cdef size_t _messages_in(self, size_t at, size_t end) except? 1 nogil
    @cython.locals(at=size_t, word="unsigned int")
    cdef int _text(self, size_t start, size_t payload, size_t end) except -1 nogil
    cdef size_t _requests(self, size_t at, size_t end, int last) except? 1 nogil
    @cython.locals(found=int, named=int)
    cdef int _handshake(self, size_t start, size_t payload, size_t end) except -1 nogil
    @cython.locals(found=int)
    cdef int _client(self, size_t at, size_t end, int named, int last) except -1 nogil
    @cython.locals(kind=int, length=Py_ssize_t, exact=int, value="unsigned long long")
    cdef int _hello(self, Py_ssize_t payload, Py_ssize_t end) except -1 nogil
    @cython.locals(i=Py_ssize_t, size="unsigned int", word="unsigned int", c="unsigned char")
    cdef int _is_resolver(self, Py_ssize_t length) except -1 nogil
    @cython.locals(token="unsigned long long")
    cdef int _fingerprint(self, size_t at, size_t end) except -1 nogil
    @cython.locals(found=int)
    cdef int _flight(self, size_t start, size_t payload, size_t end) except -1 nogil
    @cython.locals(found=int)
    cdef int _server(self, size_t at, size_t end) except -1 nogil
    @cython.locals(at=size_t, stop=size_t, count=size_t)
    cdef int _certificates(self) except -1 nogil
    @cython.locals(token="unsigned long long")
    cdef unsigned long long _agent(self, size_t end) except? 999 nogil
    @cython.locals(found=int)
    cdef int _other_spellings(self) except -1 nogil
    @cython.locals(found=int, i=Py_ssize_t)
    cdef int _paths(self) except -1 nogil
    @cython.locals(version=int, high="unsigned long long", low="unsigned long long")
    cdef int _literal(self, size_t start, size_t end) except -1 nogil
    @cython.locals(exact=int, host=Py_ssize_t, i=Py_ssize_t, value="unsigned long long", agent="unsigned long long", kind=Py_ssize_t, c="unsigned char")
    cdef int _http(self, Py_ssize_t payload, Py_ssize_t end) except -1 nogil
    @cython.locals(size=Py_ssize_t, shift=int, octet="unsigned int")
    cdef Py_ssize_t _write_destination(self) except? -1 nogil
    @cython.locals(i=size_t, h="unsigned long long", token="unsigned long long")
    cdef int _certificate(self, size_t start, size_t end) except -1 nogil
    @cython.locals(count=size_t, seen=size_t, i=size_t, size=size_t)
    cdef size_t _http2(self, size_t at, size_t end, int last) except? 1 nogil
    cdef int _look_at_new(self) except -1 nogil
    @cython.locals(found=int, at=size_t, c="unsigned char")
    cdef int _carried(self, size_t start, size_t payload, size_t end) except -1 nogil
    @cython.locals(found=int)
    cdef int _carried_whole(self, size_t at, size_t end) except -1 nogil
    @cython.locals(i=size_t)
    cdef int _tell_carried(self, int found) except -1 nogil
    @cython.locals(c="unsigned char", source="unsigned long long", port="unsigned long long")
    cdef int _carried_datagram(self, size_t payload, size_t end) except -1 nogil
    @cython.locals(size=size_t)
    cdef int _dtls(self, size_t end) except -1 nogil
    @cython.locals(key="unsigned long long", filled=size_t)
    cdef int _dtls_part(self) except -1 nogil
    @cython.locals(key="unsigned long long", expected=size_t, hello=int, filled=size_t)
    cdef int _openvpn(self, size_t payload, size_t end) except -1 nogil
