"""What a scanner counts: places in its array of 64-bit counters, and their names."""

PACKETS = 0
BYTES = 1
NOT_IP = 2
TRUNCATED = 3
FRAGMENTS = 4
UNKNOWN_LINK = 5
TCP = 6
UDP = 7
ICMP = 8
OTHER_PROTOCOL = 9
SYN = 10
DNS_QUERIES = 11
DNS_RESPONSES = 12
DNS_MALFORMED = 13
HTTP_REQUESTS = 14
TLS_HELLOS = 15
TLS_NO_NAME = 16
SIGHTINGS = 17
FOLDED = 18
SHED = 19
SHED_PATTERNS = 20
ERRORS = 21
IPV4 = 22
IPV6 = 23
PROBES = 24
SHED_QUIC = 25
SHED_FINGERPRINTS = 26
SHED_CERTIFICATES = 27
STREAMS = 28
STREAMS_EVICTED = 29
STREAMS_GAPS = 30
QUIC = 31
CERTIFICATES = 32
DNS_TCP = 33
TLS_ENCRYPTED_HELLO = 34
ENCRYPTED_LINK = 35
TOO_DEEP = 36
CUT = 37
TUNNELS = 38
"""And one for each kind behind it, in the order of agent.scan.layers.TUNNELS."""
SHED_AGENTS = 56
PROBES_UNNOTED = 57
REASSEMBLED = 58
FRAGMENTS_INCOMPLETE = 59
FRAGMENTS_OVERLAPPING = 60
FRAGMENTS_REFUSED = 61
SCTP = 62
SHED_WATCHED_AGENTS = 63
SHED_REQUESTS = 64
SHED_RESPONSES = 65
SHED_NAMES = 66
ACCEPTS = 67
REFUSALS = 68
HTTP2 = 69
DOT = 70
DOH = 71
DUPLICATES = 72
HEADS_SKIPPED = 73
SIGHTINGS_FORGOTTEN = 74
COUNTERS = 75

NAMES = (
    "packets",
    "bytes",
    "not_ip",
    "truncated",
    "fragments",
    "unknown_link",
    "tcp",
    "udp",
    "icmp",
    "other_protocol",
    "syn",
    "dns_queries",
    "dns_responses",
    "dns_malformed",
    "http_requests",
    "tls_hellos",
    "tls_no_name",
    "sightings",
    "sightings_folded",
    "sightings_shed",
    "sightings_shed_patterns",
    "errors",
    "ipv4",
    "ipv6",
    "stealth_probes",
    "sightings_shed_quic",
    "sightings_shed_fingerprints",
    "sightings_shed_certificates",
    "streams",
    "streams_evicted",
    "streams_gaps",
    "quic_initials",
    "tls_certificates",
    "dns_tcp_messages",
    "tls_encrypted_hellos",
    "encrypted_link",
    "too_deep",
    "cut",
    "tunnels",
    "tunnel_ipip",
    "tunnel_6in4",
    "tunnel_4in6",
    "tunnel_6in6",
    "tunnel_gre",
    "tunnel_pptp",
    "tunnel_erspan",
    "tunnel_vxlan",
    "tunnel_geneve",
    "tunnel_gtp",
    "tunnel_teredo",
    "tunnel_ayiya",
    "tunnel_l2tp",
    "tunnel_lisp",
    "tunnel_tzsp",
    "tunnel_mpls",
    "tunnel_etherip",
    "sightings_shed_agents",
    "probes_unnoted",
    "fragments_reassembled",
    "fragments_incomplete",
    "fragments_overlapping",
    "fragments_refused",
    "sctp",
    "sightings_shed_watched_agents",
    "sightings_shed_requests",
    "sightings_shed_responses",
    "sightings_shed_names",
    "tcp_accepts",
    "tcp_refusals",
    "http2_prefaces",
    "dot_hellos",
    "doh_hellos",
    "sightings_duplicate",
    "heads_skipped",
    "sightings_forgotten",
)
