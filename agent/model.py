"""The nouns that flow between rooms. Imports nothing of ours.

Packets become a PacketBatch, what the scanner wants of it a Sighting, a sighting that a trail or
a behaviour explains a Hit, hits folded over time an Event, and an event on its way out a Delivery.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec

Direction = Literal["inbound", "outbound", "internal", "external"]
Outcome = Literal["answered", "refused", "unanswered", "unknown"]
State = Literal["open", "update", "closed", "single"]

TRAIL_DOMAIN = "trail-domain"
TRAIL_IP = "trail-ip"
TRAIL_IP_PORT = "trail-ip-port"
TRAIL_NETWORK = "trail-network"
TRAIL_URL = "trail-url"
TRAIL_PATH = "trail-path"
TRAIL_USER_AGENT = "trail-user-agent"
TRAIL_CERTIFICATE = "trail-certificate"
TRAIL_JA3 = "trail-ja3"
TRAIL_JA4 = "trail-ja4"
BEHAVIOUR_PREFIX = "behaviour-"

AGENT_START = "agent-start"
AGENT_STOP = "agent-stop"
AGENT_RELOAD = "agent-reload"
AGENT_HEARTBEAT = "agent-heartbeat"
AGENT_CANARY = "agent-canary"
AGENT_DEGRADED = "agent-degraded"
AGENT_LOSS = "agent-loss"
AGENT_LIST = "agent-list"
AGENT_STORM = "agent-storm"
AGENT_SUPPRESS = "agent-suppress"

CLASSES = (
    TRAIL_DOMAIN,
    TRAIL_IP,
    TRAIL_IP_PORT,
    TRAIL_NETWORK,
    TRAIL_URL,
    TRAIL_PATH,
    TRAIL_USER_AGENT,
    TRAIL_CERTIFICATE,
    TRAIL_JA3,
    TRAIL_JA4,
    AGENT_START,
    AGENT_STOP,
    AGENT_RELOAD,
    AGENT_HEARTBEAT,
    AGENT_CANARY,
    AGENT_DEGRADED,
    AGENT_LOSS,
    AGENT_LIST,
    AGENT_STORM,
    AGENT_SUPPRESS,
)
"""All class ids but those of behaviours, which are named after their files."""

SEVERITIES: Mapping[str, int] = {"info": 1, "low": 3, "medium": 6, "high": 8, "critical": 10}
"""The five words of `min_severity` and their place on the scale 0-10 of `severity_id`."""

CANARY = "canary.maltrail-agent.invalid"
"""The name by which the agent shows itself that detection works."""

NO_SET = "none"
"""What `Event.set` says while no trail set is published."""


class PacketBatch(NamedTuple):
    """Many packets of one link type, as capture hands them on.

    `data` holds the packets' bytes end to end; `meta` holds one record of four native-endian
    unsigned 32-bit numbers a packet: seconds, microseconds, offset into `data`, captured length.
    """

    datalink: int
    data: bytes
    meta: bytes
    interface: str


SOURCE, DESTINATION = 1, 2
"""Bits of `Sighting.ends`."""


class Endpoint(NamedTuple):
    """One side of a packet; `port` is None for protocols without ports."""

    address: str
    port: int | None


class Tunnel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The tunnels around a packet whose addresses are those inside.

    `type` and `id` name all of them, outermost first and `/` between; a tunnel without an
    identifier has `-`. `source` and `destination` are the addresses of the packet on the wire.
    """

    type: str
    id: str
    source: str
    destination: str


class Sighting(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One value seen on the wire that something wants, with how often since the last drain.

    `what` is one of syn, datagram, other, question, answer, http, tls, accept, refuse, quic,
    fingerprint, certificate; for behaviours of agent (a request), request, response, long (a
    question), absent (an answer), server (a hello). `packet` is what the first packet showed, cut
    to what is kept: a DNS message, a request, TLS records, a certificate, a QUIC datagram, else the
    IP payload; `fields` are slices of it that the protocol's parser found (`method`, `target`,
    `host`, `agent`, `name`, `version`). `folded` is true when other endpoints were counted into
    this one to keep a flood cheap: only the first are told. `token` names a candidate to the
    scanner, which does not show it again once it learnt that nothing of it is to be told; 0 for
    what is no candidate of that kind. `ends` are those that the scanner found listed (SOURCE,
    DESTINATION), both where it does not tell.
    """

    what: str
    first_us: int
    last_us: int
    count: int
    source: Endpoint
    destination: Endpoint
    protocol: int
    packet: bytes
    fields: Mapping[str, bytes]
    vlans: tuple[int, ...] = ()
    tunnel: Tunnel | None = None
    interface: str = ""
    folded: bool = False
    token: int = 0
    ends: int = SOURCE | DESTINATION


class Source(msgspec.Struct, frozen=True, gc=False):
    """One list that names a trail; days are ISO dates, empty where the list does not say."""

    name: str
    first_seen: str = ""
    last_seen: str = ""


class Trail(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One indicator as a list gives it: `key` in the spelling of CONTRACT section 6.

    `dialect` says how `key` is read: `own` (prefix forms, anchored patterns) or `maltrail`
    (rule T-7: patterns are recognised by shape and unanchored, `www.` is stripped).
    `kind` forces a kind where the list knows better than the shape of the key, or is empty.
    `expires` is the last day on which the list means it, an ISO date, or empty.
    """

    key: str
    info: str
    reference: str
    source: Source
    kind: str = ""
    dialect: Literal["own", "maltrail"] = "own"
    expires: str = ""


class Dns(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The DNS message behind a hit: names and types as text, answers at most ten."""

    question: str
    type: str
    response_code: str = ""
    answers: tuple[str, ...] = ()
    response: bool = False


class Http(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The HTTP request behind a hit; `forwarded` are the clients that proxies name."""

    method: str
    url: str
    host: str = ""
    user_agent: str = ""
    forwarded: tuple[str, ...] = ()


class Tls(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The TLS hello or certificate behind a hit.

    With `encrypted_hello` the name is that of the front: the destination is encrypted, or the
    client pretends that it is.
    """

    server_name: str = ""
    version: str = ""
    ja3: str = ""
    ja4: str = ""
    certificate_sha1: str = ""
    certificate_sha256: str = ""
    encrypted_hello: bool = False


Evidence = Mapping[str, str | int | float]
"""What a behaviour measured, by name."""


class Hit(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A sighting that a trail explains, or what a behaviour concluded.

    `trail` carries Maltrail's brackets (rule E-4); `indicator` is the bare key. `type` is
    Maltrail's (rule E-2), `protocol` its label (appendix C).
    """

    class_id: str
    type: str
    trail: str
    indicator: str
    observed: str
    where: str
    info: str
    reference: str
    source: Endpoint
    destination: Endpoint
    protocol: str
    first_us: int
    last_us: int
    count: int
    direction: Direction
    outcome: Outcome
    severity_id: int
    sources: tuple[Source, ...] = ()
    custom: bool = False
    interface: str = ""
    vlans: tuple[int, ...] = ()
    tunnel: Tunnel | None = None
    dns: Dns | None = None
    http: Http | None = None
    tls: Tls | None = None
    evidence: Evidence = {}


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What is reported: the fields of CONTRACT section 4 before an output stamps its own.

    Times are microseconds since 1970 UTC. `severity` is Maltrail's word for `info`,
    `severity_id` ours, 0 to 10. `address` is empty and `port` None where there is none (agent
    events, protocols without ports). `custom` marks a trail of the site's own, for masking.
    `source_name` and `destination_name` are what the site calls those addresses, where it does.
    """

    class_id: str
    sensor: str
    time_us: int
    severity: str
    severity_id: int
    type: str
    trail: str
    info: str
    reference: str
    event_id: str
    incident_id: str
    source: Endpoint = Endpoint("", None)
    destination: Endpoint = Endpoint("", None)
    protocol: str = ""
    indicator: str = ""
    observed: str = ""
    where: str = ""
    sources: tuple[Source, ...] = ()
    direction: Direction = "external"
    outcome: Outcome = "unknown"
    count: int = 1
    total: int = 1
    first_us: int = 0
    last_us: int = 0
    state: State = "single"
    set: str = NO_SET
    interface: str = ""
    vlans: tuple[int, ...] = ()
    tunnel: Tunnel | None = None
    dns: Dns | None = None
    http: Http | None = None
    tls: Tls | None = None
    samples: tuple[str, ...] = ()
    evidence: Evidence = {}
    site: str = ""
    tags: tuple[str, ...] = ()
    custom: bool = False
    community_id: str = ""
    source_name: str = ""
    destination_name: str = ""

    @property
    def is_agent(self) -> bool:
        """Tell whether this is about the agent itself rather than about traffic."""
        return self.class_id.startswith("agent-")


class Delivery(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An event as one output sends it: `seq` counts from 1 without gaps per output and run."""

    event: Event
    run_id: str
    seq: int
