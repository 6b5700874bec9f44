"""Events for the tests of outputs: one plain, one of everything, and hostile ones."""

from collections.abc import Callable

import msgspec
from hypothesis import strategies as st

from agent.model import (
    BEHAVIOUR_PREFIX,
    TRAIL_DOMAIN,
    TRAIL_IP,
    TRAIL_URL,
    Delivery,
    Dns,
    Endpoint,
    Event,
    Http,
    Source,
    Tls,
    Tunnel,
)

RUN_ID = "c" * 32

EVENT = Event(
    class_id=TRAIL_DOMAIN,
    sensor="sensor1.example.org",
    time_us=1_700_000_001_000_007,
    severity="high",
    severity_id=10,
    type="DNS",
    trail="(www).evil.biz",
    info="asyncrat (malware)",
    reference="(static)",
    event_id="a" * 32,
    incident_id="b" * 32,
    source=Endpoint("10.0.0.5", 40000),
    destination=Endpoint("8.8.8.8", 53),
    protocol="UDP",
    indicator="evil.biz",
    observed="www.evil.biz",
    where="dns.question",
    sources=(Source("static"), Source("urlhaus", "2026-01-02", "2026-02-03")),
    direction="outbound",
    dns=Dns(question="www.evil.biz", type="A"),
    interface="eth0",
)

FULL = msgspec.structs.replace(
    EVENT,
    count=3,
    total=7,
    first_us=1_700_000_000_000_000,
    last_us=1_700_000_002_500_000,
    state="update",
    outcome="answered",
    set="0123456789ab",
    vlans=(10, 20),
    tunnel=Tunnel(type="vxlan", id="42", source="192.0.2.8", destination="192.0.2.9"),
    dns=Dns(question="www.evil.biz", type="A", response_code="NOERROR", answers=("192.0.2.1",)),
    http=Http(method="GET", url="www.evil.biz/a?b=c", host="www.evil.biz", user_agent="curl/8"),
    tls=Tls(server_name="www.evil.biz", ja3="d" * 32, ja4="t13d", certificate_sha256="ab" * 32),
    samples=("www.evil.biz", "mail.evil.biz"),
    evidence={"ports": 51, "ratio": 0.5, "note": "x"},
    site="lab",
    tags=("dmz",),
    community_id="1:abc=",
    source_name="reception",
    destination_name="core-resolver",
)

AGENT = Event(
    class_id="agent-heartbeat",
    sensor="sensor1.example.org",
    time_us=1_700_000_001_000_007,
    severity="medium",
    severity_id=1,
    type="AGENT",
    trail="agent-heartbeat",
    info="maltrail-agent is alive",
    reference="(agent)",
    event_id="a" * 32,
    incident_id="a" * 32,
    evidence={"packets": 12, "drops": 0},
)

EMPTY = msgspec.structs.replace(
    AGENT, sensor="", type="", trail="", info="", reference="", incident_id="", evidence={}
)

EVENTS = {"plain": EVENT, "full": FULL, "agent": AGENT, "empty": EMPTY}

BAITS = (
    "CEF:0|a|b|c|d|e|9|src=6.6.6.6",
    "CE\u202eF:0|x",
    "x src=6.6.6.6 dst=7.7.7.7",
    "a=b\\=c\\",
    "\\",
    "|",
    "\\|",
    "quote \" and ' and ,",
    "line\r\nbreak\nand\rreturn",
    "\x00\x1b[31mred\x7f\x85\u2028\u2029",
    "\u202egro.live\u2066\u200f",
    "\udcff\udc80\ud800",
    "  padded  ",
    "{}%s%n{version}",
    "é ü 漢字 🦠",
    "x" * 8192,
    "=" * 5000,
    "\\" * 5000,
    "\r\n",
    "<34>1 2026-01-01T00:00:00Z evil CEF:0|",
    "http://evil.biz/?q=CEF:0|a|b|c|d|e|9|&src=6.6.6.6",
    "GET /" + "a" * 8187 + " HTTP/1.1",
    '{"a": [1, {"b": "\\"}]}',
    "\\u0000\\n\\x00",
    '", "sensor": "forged',
    "cs1Label=trail cs1=forged",
    "[fe80::1%25eth0]:443",
    "fe80::1%eth0",
    "a\u200bb\u200dc\u2060d\ufeffe\u00adf\u034fg\u3164h\ufe0fi",
    "\u2066left\u2069\u061c\u206a",
    "".join(map(chr, range(0x20))),
    "".join(map(chr, range(0x7F, 0xA1))),
    "\ud83d\ude00 in halves",
    b"\xff\xfe caf\xe9 \x80".decode("utf-8", "surrogateescape"),
    "\ufffe\uffff\ue000",
    "漢" * 4000,
    "\U0001f9a0" * 3000,
    "\u00a0\u3000blank\u2003",
    "-",
    "true",
    "2026-13-45",
    "12345678901234567890",
    ",",
    "''",
    "\t",
    " ",
    "",
)
"""Values that break naive writers and readers."""

OTHER_ADDRESSES = ("gateway", "fe80::1%eth0", "1.2.3", "01.2.3.4", "::g", "a=b|c", "1.2.3.4\n")
"""What stands where an address is expected, and is none or has a zone."""


def filled(text: Callable[[], str]) -> Event:
    """Return an event whose every text, as far as strangers write it, comes from `text`."""
    return Event(
        class_id="trail-url",
        sensor=text(),
        time_us=1_700_000_001_000_007,
        severity="high",
        severity_id=10,
        type="URL",
        trail=text(),
        info=text(),
        reference=text(),
        event_id="a" * 32,
        incident_id="b" * 32,
        source=Endpoint("10.0.0.5", 40000),
        destination=Endpoint("fe80::1", 0),
        protocol="TCP",
        indicator=text(),
        observed=text(),
        where="http.url",
        sources=(Source(text(), text(), text()), Source(text())),
        interface=text(),
        dns=Dns(question=text(), type=text(), response_code=text(), answers=(text(), "1.2.3.4")),
        http=Http(method=text(), url=text(), host=text(), user_agent=text()),
        tls=Tls(server_name=text(), version=text(), ja3=text(), ja4=text()),
        samples=tuple(text() for _ in range(10)),
        evidence={text(): text(), "n": 2**70, "f": float("nan")},
        site=text(),
        tags=(text(),),
        community_id=text(),
        source_name=text(),
        destination_name=text(),
    )


def always(text: str) -> Callable[[], str]:
    """Return what gives the same text again and again."""
    return lambda: text


HOSTILE = tuple(
    filled(always(bait)) for bait in BAITS if not any("\ud800" <= char <= "\udfff" for char in bait)
)
"""Events with one bait in every text, to be sent to real receivers.

Lone surrogates are not among them: sense decodes what it reads, and no link or journal takes them.
"""

_SHORT = [bait for bait in BAITS if len(bait) < 1000]  # or examples get too large to be shown

hostile = st.one_of(
    st.sampled_from(_SHORT),
    st.text(st.characters(), max_size=40),
    st.text(st.sampled_from('=\\| \r\n"CEF:0,\x00\u202e\udcff'), max_size=30),
    st.tuples(st.sampled_from(_SHORT), st.text(max_size=10)).map("".join),
)

addresses = st.one_of(
    st.ip_addresses().map(str),
    st.just(""),
    st.sampled_from(["::ffff:1.2.3.4", "fe80::1", "0001:0002:0003:0004:0005:0006:0007:0008"]),
    st.sampled_from(OTHER_ADDRESSES),
)

endpoints = st.builds(Endpoint, addresses, st.none() | st.integers(0, 65535))

hostile_events = st.builds(
    Event,
    class_id=st.sampled_from([TRAIL_DOMAIN, TRAIL_IP, TRAIL_URL, BEHAVIOUR_PREFIX + "port_scan"]),
    sensor=hostile,
    time_us=st.integers(0, 4_000_000_000_000_000),
    severity=st.sampled_from(["low", "medium", "high"]),
    severity_id=st.integers(0, 10),
    type=st.sampled_from(["DNS", "IP", "PORT", "URL"]),
    trail=hostile | st.integers(0, 65535).map(str),
    info=hostile,
    reference=hostile,
    event_id=st.just("a" * 32),
    incident_id=st.just("b" * 32),
    source=endpoints,
    destination=endpoints,
    protocol=st.sampled_from(["TCP", "UDP", "ICMP", "ICMPV6"]),
    indicator=hostile,
    observed=hostile,
    where=st.sampled_from(["dns.question", "http.url", "tls.sni", "quic.sni", "ip.dst"]),
    sources=st.lists(st.builds(Source, hostile, hostile, hostile), max_size=2).map(tuple),
    count=st.integers(0, 2**40) | st.just(2**70),
    total=st.integers(0, 2**40) | st.just(2**70),
    first_us=st.integers(0, 4_000_000_000_000_000),
    last_us=st.integers(0, 4_000_000_000_000_000),
    interface=hostile,
    vlans=st.lists(st.integers(0, 4095), max_size=2).map(tuple),
    tunnel=st.none()
    | st.builds(Tunnel, type=hostile, id=hostile, source=addresses, destination=addresses),
    dns=st.none()
    | st.builds(Dns, question=hostile, type=hostile, answers=st.tuples(hostile, addresses)),
    http=st.none() | st.builds(Http, method=hostile, url=hostile, host=hostile, user_agent=hostile),
    tls=st.none() | st.builds(Tls, server_name=hostile, ja3=hostile, certificate_sha1=hostile),
    samples=st.lists(hostile, max_size=10).map(tuple),
    evidence=st.dictionaries(hostile, hostile | st.integers() | st.floats(), max_size=3),
    site=hostile,
    tags=st.lists(hostile, max_size=2).map(tuple),
    community_id=hostile,
    source_name=hostile,
    destination_name=hostile,
)


def delivery(event: Event = EVENT, seq: int = 1) -> Delivery:
    """Return a delivery of an event."""
    return Delivery(event=event, run_id=RUN_ID, seq=seq)
