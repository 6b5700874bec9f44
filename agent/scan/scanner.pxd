cimport cython
from agent.scan cimport octets, prefetch
from agent.scan.attempts cimport Attempts
from agent.scan.carriers cimport Carriers
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
from agent.scan.sightings cimport Sightings
from agent.scan.sketches cimport Sketches
from agent.scan.streams cimport Streams
from agent.scan.tls cimport TlsReader
from agent.scan.tunnels cimport Tunnels
from agent.scan.unread cimport Unread
from agent.scan.written cimport WrittenAddress

cdef extern from *:  # the .py's constants as the C compiler sees them
    const unsigned long long SYN_KIND "0ULL", DATAGRAM "1ULL", OTHER "2ULL", QUESTION "3ULL", ANSWER "4ULL"
    const unsigned long long REQUEST "5ULL", HELLO "6ULL", ACCEPT "7ULL", REFUSE "8ULL", INITIAL "9ULL"
    const unsigned long long FINGERPRINT "10ULL", CERTIFICATE "11ULL", WATCHED_AGENT "12ULL"
    const unsigned long long WATCHED_REQUEST "13ULL", RESPONSE "14ULL", LONG "15ULL", ABSENT "16ULL"
    const unsigned long long SERVER "17ULL", EXHAUSTING "18ULL", FLOODING "19ULL", TUNNELLING "20ULL"
    const unsigned long long PINGING "21ULL", NULL_TYPE "10ULL", TXT_TYPE "16ULL", PRIVATE_TYPE "65399ULL"
    const unsigned long long MINUTE "60ULL", HOUR "3600ULL", ASKED "4096ULL", SAMPLE "4ULL"
    const unsigned long long SAMPLE_BITS "2ULL", WATCHED "0x8000000000000000ULL"
    const unsigned long long UNWATCHED "0x7fffffffffffffffULL", NOT_ZERO "0x4000000000000000ULL"
    const unsigned long long NAME_ERROR "3ULL", HTTP_PORT "80ULL", LOW16 "65535ULL", DOT "46ULL"
    const int DECODE "2"
    const Py_ssize_t LISTED "-1L", MAY_PATTERN "0L", MAY_INITIAL "1L", MAY_FINGERPRINT "2L"
    const Py_ssize_t MAY_CERTIFICATE "3L", MAY_AGENT "4L", MAY_WATCHED_AGENT "5L", MAY_REQUEST "6L"
    const Py_ssize_t MAY_RESPONSE "7L", MAY_NAME "8L", SHORT_LABEL "3L", MIN_FRONT "4L", MIN_TUNNEL "16L"
    const Py_ssize_t PING_DATA "32L", MIN_PING "16L", MAX_PING "64L"
    const unsigned long long HEAD_TLS "1ULL", HEAD_NAMED_TLS "2ULL", HEAD_SERVER "3ULL", HEAD_HTTP "4ULL"
    const unsigned long long HEAD_DNS "5ULL", HEAD_HTTP2 "6ULL", HEAD_CARRIER "7ULL"
    const unsigned long long FIRST_BYTES "0xa00000004203fULL", KNOWN_SALT "6000ULL", OPENVPN_SALT "7000ULL"
    const unsigned long long DTLS_SALT "7001ULL", IKE_PORT "500ULL", IKE_NAT_PORT "4500ULL"
    const unsigned long long STREAM_PART "24ULL", CLEAN "8192ULL", SLOT_BYTES "16384ULL"
    const unsigned long long STREAM_SALT "3000ULL", STREAM_KIND "1ULL", STREAM_SEQUENCE "2ULL"
    const unsigned long long STREAM_FILLED "3ULL", COPIED "40ULL", STREAM_VERSION "9ULL"
    const unsigned long long STREAM_IDLE_US "0x4c4b40ULL", LATE_SECONDS "2ULL", ENDED_US "0xffffffffffffffffULL"
    const unsigned long long LOW32 "0xffffffffULL", QUIC_2 "0x6b3343cfULL", QUIC_2_DRAFT "0x709a50c4ULL"
    const unsigned long long QUIC_DRAFTS "0xff0000ULL", QUIC_FORK "0xfaceb001ULL"
    const int CARRIES_TLS "1", CARRIES_CERTIFICATES "2", CARRIES_MORE "3", CARRIES_WRITTEN_TLS "4"
    const int CARRIES_REQUEST "5", CARRIES_GOOGLE "6", CARRIES_OPENVPN "7", CARRIES_CONTENT "8"
    const size_t MAX_CARRIED "16384UL", MAX_BLOCKS "32UL", DTLS_HEADER "9UL"
    const unsigned int UPDATE "5U", OPEN "0x4f504e46U", ADAT "0x41444154U", PROXY "0x50524f58U"
    const unsigned int OPENVPN_BYTE "32U", CLIENT_HELLO "1U", CERTIFICATE_MESSAGE "11U"
    const size_t QUIC_ID_AT "5UL", QUIC_SAMPLE "64UL", MIN_INITIAL "48UL", DNS_ANSWER_AT "6000UL"
    const size_t MAX_CERTIFICATES "8UL"
    const unsigned long long NAME_FIELD "0ULL", TYPE_FIELD "1ULL", METHOD_FIELD "2ULL", TARGET_FIELD "3ULL"
    const unsigned long long HOST_FIELD "4ULL", AGENT_FIELD "5ULL", VERSION_FIELD "6ULL", BODY_FIELD "7ULL"
    const unsigned long long SCTP "132ULL", FRAGMENT_SALT "5000ULL", FRAGMENT_BYTES "16384ULL"
    const unsigned long long FRAGMENT_LAST "1ULL", FRAGMENT_VERSION "4ULL", FRAGMENT_PROTOCOL "5ULL"
    const unsigned int DOT_PORT "853U", PREFACE "0x50524920U", DNS_WORD "0x646e73U", DOH_WORD "0x646f68U"
    const unsigned int MINUS_DNS_WORD "0x2d646e73U", DATA_CHUNK "0U", I_DATA_CHUNK "64U", MAX_CHUNKS "64U"
    const unsigned long long AUTHENTICATION "51ULL", UNREAD_PROTOCOL "5ULL", TUNNEL_SALT "4000ULL"
    const unsigned long long SYN_FLAG "2ULL", ICMP "1ULL", TCP "6ULL", UDP "17ULL", ICMP6 "58ULL", DNS_PORT "53ULL"
    const unsigned long long ECHO_REQUEST "8ULL", ECHO_REQUEST6 "128ULL"
    const unsigned long long USER_AGENT "9ULL"
    const Py_ssize_t HTTP_HOST_AT "0L", HTTP_SLASH_AT "510L", HTTP_PATH_AT "512L", HTTP_AGENT_AT "4608L"
    const unsigned long long PRIME "0x9e3779b97f4a7c15ULL", WORD_MASK "0xffffffffffffffffULL", ONE "1ULL"
    const unsigned long long FOUND_MARK "0x8000000000000000ULL", FOUND_PLACES "1024ULL", GROUP "32ULL", AHEAD "8ULL"
    const unsigned long long LOOK_BACK "32ULL"
    const int COPY "1", DISPLACING "2"
    const size_t CACHE_LINE "64UL", MAX_TOUCHED "512UL", WORD "8UL"
    const unsigned long long MICROSECONDS "0xf4240ULL", FOR_EVER "0xffffffffffffffffULL"
    const unsigned long long SIGHTING_SALT "1000ULL", FOLD_SALT "2000ULL"
    const long long DLT_ETHERNET "1LL"
    const size_t PLAIN_BYTES "34UL", S_IPV4 "22UL"
    const unsigned int PLAIN "0x080045U", PARTED "0x3fffU", MAX_PARTS "64U"
    const size_t S_PACKETS "0UL", S_BYTES "1UL", S_TRUNCATED "3UL", S_TCP "6UL", S_UDP "7UL", S_ICMP "8UL"
    const size_t S_OTHER "9UL", S_SYN "10UL", S_QUERIES "11UL", S_RESPONSES "12UL", S_DNS_MALFORMED "13UL"
    const size_t S_REQUESTS "14UL", S_HELLOS "15UL", S_NO_NAME "16UL", S_ERRORS "21UL", S_PROBES "24UL"
    const size_t S_INITIALS "31UL", S_CERTIFICATES "32UL", S_DNS_TCP "33UL", S_ENCRYPTED "34UL"
    const size_t S_TUNNELS "38UL", S_TOO_DEEP "36UL", S_DUPLICATES "72UL", S_SCTP "62UL", S_ACCEPTS "67UL", S_REFUSALS "68UL"
    const size_t S_HTTP2 "69UL", S_DOT "70UL", S_DOH "71UL", S_REASSEMBLED "58UL", S_INCOMPLETE "59UL"
    const size_t S_REFUSED "61UL", S_SKIPPED "73UL", S_FORGOTTEN "74UL"

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
    cdef int in_datagram, in_parts
    cdef Duplicates duplicates
    cdef int drops_copies
    cdef Known known
    cdef unsigned long long[::1] heads
    cdef const unsigned char[::1] batch
    cdef unsigned long long[::1] clean
    cdef unsigned long long stream_key, idle_us
    cdef int in_stream
    cdef readonly object bank
    cdef Attempts attempts
    cdef int count_paths
    cdef unsigned long long shard, shards
    cdef const unsigned char[::1] data
    cdef const unsigned int[::1] meta
    cdef unsigned long long now_us, second, number, group, answered, counts, until_us
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
    cdef int agent_listed, has_found
    cdef unsigned long long early
    cdef unsigned long long[::1] found_rows

    @cython.locals(packets="unsigned long long", datalink="long long", stop=int)
    cpdef object scan(self, batch, unsigned long long number=*, unsigned long long until_us=*)
    @cython.locals(stop=int)
    cdef int _scan(self, long long datalink, unsigned long long packets) except -1 nogil
    cdef int _ask_from_now_on(self, unsigned long long asking) except -1 nogil
    @cython.locals(record="unsigned long long", now_us="unsigned long long", end="unsigned long long")
    cdef int _ask(self, long long datalink, unsigned long long packets) except -1 nogil
    cdef int _begin_second(self, unsigned long long second) noexcept nogil
    @cython.locals(record="unsigned long long", last_us="unsigned long long")
    cdef int _look_up(self, long long datalink) except -1 nogil
    @cython.locals(start=size_t)
    cdef inline int _touch(self, unsigned long long record) except -1 nogil
    @cython.locals(start=size_t, end=size_t)
    cdef int _packet(self, long long datalink, unsigned long long record) except -1 nogil
    @cython.locals(word="unsigned int", at=size_t, size=size_t)
    cdef inline int _plain(self, size_t start, size_t end) noexcept nogil
    @cython.locals(found=int)
    @cython.locals(at=Py_ssize_t)
    cdef int _linked(self, long long datalink, size_t start, size_t end) except -1 nogil
    cdef int _network(self, size_t at, size_t end) except -1 nogil
    @cython.locals(h="unsigned long long")
    @cython.locals(vlans="unsigned long long", tunnel="unsigned long long", found=int, count="unsigned int", following=size_t)
    cdef int _parts(self, Py_ssize_t at, size_t end) except -1 nogil
    cdef int _fragment(self) except -1 nogil
    @cython.locals(asking=int, start=size_t, end=size_t, protocol="unsigned int")
    cdef int _put_together(self, int whole) except -1 nogil
    @cython.locals(protocol="unsigned int")
    cdef inline int _transport(self) except -1 nogil
    @cython.locals(low="unsigned long long", high="unsigned long long", h="unsigned long long")
    cdef int _is_other_shard(self) except -1 nogil
    @cython.locals(word="unsigned int", flags="unsigned int", payload=size_t)
    cdef int _tcp(self, size_t start, size_t end) except -1 nogil
    @cython.locals(c="unsigned char")
    cdef inline int _content(self, size_t start, size_t payload, size_t end) except -1 nogil
    @cython.locals(kind="unsigned int")
    cdef int _udp(self, size_t start, size_t end) except -1 nogil
    @cython.locals(wanted="unsigned int", kind="unsigned int")
    cdef int _other(self, unsigned int protocol, Py_ssize_t start, Py_ssize_t end) except -1 nogil
    cdef inline int _followed(self) except -1 nogil
    @cython.locals(at=size_t, count="unsigned int", size=size_t, kind="unsigned int", payload=size_t, stop=size_t)
    cdef int _sctp(self, size_t start, size_t end) except -1 nogil
    @cython.locals(c="unsigned char")
    cdef int _message(self, size_t payload, size_t end) except -1 nogil
    @cython.locals(at=Py_ssize_t)
    cdef int _inside(self, unsigned int kind, size_t start, size_t end) except -1 nogil
    cdef inline unsigned int _ports(self, size_t start) except? 1 nogil
    @cython.locals(source="long long", destination="long long", ends=int)
    cdef int _listed(self, int with_ports) except -1 nogil
    cdef int _listed4(self, unsigned long long address, long long port) except -1 nogil
    @cython.locals(asked="unsigned long long", place="unsigned long long")
    cdef inline int _is_found(self, unsigned long long address, long long port) except -1 nogil
    @cython.locals(asked="unsigned long long", place="unsigned long long")
    cdef int _remember(self, unsigned long long address, long long port) except -1 nogil
    cdef int _addresses(self, unsigned long long what) except -1 nogil
    @cython.locals(source="long long", destination="long long")
    cdef int _is_known_listed(self, unsigned long long what) except -1 nogil
    cdef int _sight_early(self, unsigned long long what) except -1 nogil
    cdef int _was_early(self) except -1 nogil
    @cython.locals(service="unsigned long long", ends=int)
    cdef int _sight_addresses(self, unsigned long long what) except -1 nogil
    @cython.locals(h="unsigned long long", fold="unsigned long long")
    cdef int _sight(self, unsigned long long what, unsigned long long value, Py_ssize_t kind, Py_ssize_t start, Py_ssize_t end) except -1 nogil
    cpdef object finish(self)
    cpdef object compare(self, Duplicates duplicates)
    @cython.locals(place="unsigned long long", d="unsigned long long", end=size_t)
    cdef int _is_copy(self, unsigned long long h, Py_ssize_t start) except -1 nogil
    cdef inline int _note(self, unsigned long long digest) except -1 nogil
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
    @cython.locals(token="unsigned long long", length=Py_ssize_t, exact=int, named=int, row="long long", candidate="unsigned long long", what="unsigned long long", value="unsigned long long")
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
    cdef inline int _is_harmless(self, unsigned long long token) except -1 nogil
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
    @cython.locals(token="unsigned long long", kind=int, length=Py_ssize_t, exact=int, value="unsigned long long")
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
    @cython.locals(exact=int, late=int, host=Py_ssize_t, i=Py_ssize_t, value="unsigned long long", agent="unsigned long long", kind=Py_ssize_t, c="unsigned char")
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
