"""Sample events of every class in every format, for people who build receivers.

`python -m tests.samples` writes docs/samples anew; a test keeps them as the code makes them.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from agent import __version__, model, plugins
from agent.model import Delivery, Dns, Endpoint, Event, Http, Source, Tls
from agent.severity import maltrail_word
from outputs._formats import FORMATS, HEADERS

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "samples"
RUN_ID = "0f" * 16
START_US = 1_790_000_000_123_456

_TRAIL = Event(
    class_id=model.TRAIL_DOMAIN,
    sensor="sensor1.example.org",
    time_us=START_US,
    severity="high",
    severity_id=8,
    type="DNS",
    trail="(www).malware.example",
    info="asyncrat (malware)",
    reference="https://lists.example/asyncrat",
    event_id="",
    incident_id="",
    source=Endpoint("10.0.0.5", 40000),
    destination=Endpoint("198.51.100.7", 443),
    protocol="TCP",
    indicator="malware.example",
    observed="www.malware.example",
    where="tls.sni",
    sources=(Source("example-list", "2026-09-01", "2026-11-20"),),
    direction="outbound",
    outcome="answered",
    state="open",
    set="0123456789ab",
    interface="eth0",
    site="hq",
    tags=("dmz",),
    community_id="1:wCb3OG7yAFWelaUydu0D+125CLM=",
)
_AGENT = Event(
    class_id=model.AGENT_START,
    sensor="sensor1.example.org",
    time_us=START_US,
    severity="medium",
    severity_id=1,
    type="AGENT",
    trail="",
    info="",
    reference="(agent)",
    event_id="",
    incident_id="",
    site="hq",
)
_QUESTION = Dns(question="www.malware.example", type="A")
_REQUEST = Http(
    method="GET",
    url="http://malware.example/gate.php?id=7",
    host="malware.example",
    user_agent="Mozilla/4.0 (compatible)",
)
_SHOWN = Tls(certificate_sha1="ab" * 20, certificate_sha256="cd" * 32)
_PRINTS = Tls(
    server_name="www.malware.example", ja3="ef" * 16, ja4="t13d1516h2_8daaf6152771_b0da82dd1658"
)

_TRAILS: dict[str, dict[str, object]] = {
    model.TRAIL_DOMAIN: {
        "where": "dns.question",
        "protocol": "UDP",
        "destination": Endpoint("10.0.0.1", 53),
        "dns": _QUESTION,
    },
    model.TRAIL_IP: {
        "type": "IP",
        "trail": "198.51.100.7",
        "indicator": "198.51.100.7",
        "observed": "198.51.100.7",
        "where": "ip.dst",
    },
    model.TRAIL_IP_PORT: {
        "type": "IPORT",
        "trail": "198.51.100.7:443",
        "indicator": "198.51.100.7:443",
        "observed": "198.51.100.7",
        "where": "ip.dst",
    },
    model.TRAIL_NETWORK: {
        "type": "IP",
        "trail": "198.51.100.0/24 (198.51.100.7)",
        "indicator": "198.51.100.0/24",
        "observed": "198.51.100.7",
        "where": "ip.src",
        "info": "hijacked network (suspicious)",
        "severity_id": 6,
    },
    model.TRAIL_URL: {
        "type": "URL",
        "trail": "malware.example/gate.php(?id=7)",
        "indicator": "malware.example/gate.php",
        "observed": "malware.example/gate.php?id=7",
        "where": "http.url",
        "http": _REQUEST,
    },
    model.TRAIL_PATH: {
        "type": "URL",
        "trail": "(malware.example)/gate.php(?id=7)",
        "indicator": "/gate.php",
        "observed": "malware.example/gate.php?id=7",
        "where": "http.path",
        "http": _REQUEST,
    },
    model.TRAIL_USER_AGENT: {
        "type": "UA",
        "trail": "Mozilla/4.0 (compatible)",
        "indicator": "Mozilla/4.0 (compatible)",
        "observed": "Mozilla/4.0 (compatible)",
        "where": "http.user_agent",
        "http": _REQUEST,
    },
    model.TRAIL_CERTIFICATE: {
        "type": "CERT",
        "trail": "ab" * 20,
        "indicator": "ab" * 20,
        "observed": "ab" * 20,
        "where": "tls.certificate",
        "tls": _SHOWN,
    },
    model.TRAIL_JA3: {
        "type": "JA3",
        "trail": "ef" * 16,
        "indicator": "ef" * 16,
        "observed": "ef" * 16,
        "where": "tls.ja3",
        "tls": _PRINTS,
    },
    model.TRAIL_JA4: {
        "type": "JA4",
        "trail": _PRINTS.ja4,
        "indicator": _PRINTS.ja4,
        "observed": _PRINTS.ja4,
        "where": "tls.ja4",
        "tls": _PRINTS,
    },
}
_AGENTS: dict[str, tuple[str, int, dict[str, str | int | float]]] = {
    model.AGENT_START: ("maltrail-agent has started", 1, {"version": "1.0", "build": "compiled"}),
    model.AGENT_STOP: ("maltrail-agent has stopped", 1, {"reason": "asked to"}),
    model.AGENT_RELOAD: ("maltrail-agent has reloaded", 1, {"set": "0123456789ab"}),
    model.AGENT_HEARTBEAT: (
        "maltrail-agent is alive",
        1,
        {"uptime_seconds": 300, "packets": 120000, "drops": 0, "canary": "detected"},
    ),
    model.AGENT_CANARY: ("detection works", 1, {"milliseconds": 12}),
    model.AGENT_DEGRADED: ("the scanner did not see the canary", 6, {"ended": 0}),
    model.AGENT_LOSS: ("events were lost", 6, {"queue-full": 12}),
    model.AGENT_LIST: ("a list has trouble", 3, {"list": "example-list", "failures": 3}),
    model.AGENT_STORM: ("events were held back", 6, {"events": 900, "observations": 120000}),
    model.AGENT_SUPPRESS: ("suppression pentest holds back", 1, {"observations": 31}),
}
BEHAVIOURS: dict[str, tuple[str, str, str]] = {
    "direct_download": ("URL", "direct .exe download (suspicious)", "malware.example(/a.exe)"),
    "dns_answer": ("DNS", "parked site (suspicious)", "malware.example"),
    "dns_exhaustion": ("DNS", "potential dns exhaustion (suspicious)", "malware.example"),
    "dns_tunnel": ("DNS", "potential dns tunnelling (suspicious)", "malware.example"),
    "encrypted_dns": ("DNS", "encrypted dns resolver (suspicious)", "dns.example"),
    "host_sweep": ("IP", "potential host sweep", "10.0.0.5"),
    "http_attack": ("URL", "sql injection (suspicious)", "shop.example(/?id=1 union select 1)"),
    "http_response": ("HTTP", "sinkhole response (malware)", "198.51.100.7"),
    "icmp_flood": ("IP", "potential icmp flooding", "10.0.0.20"),
    "icmp_tunnel": ("IP", "potential icmp tunnelling (suspicious)", "198.51.100.7"),
    "infection_scan": ("PORT", "potential infection", "445"),
    "iot_download": ("HTTP", "potential iot-malware download (suspicious)", "198.51.100.7/mips"),
    "long_name": ("DNS", "long domain (suspicious)", "(" + "a" * 30 + ").malware.example"),
    "missing_host": ("HTTP", "missing host header (suspicious)", "198.51.100.7/"),
    "nxdomain_flood": ("DNS", "excessive no such domain (suspicious)", "malware.example"),
    "port_scan": ("IP", "potential port scanning", "10.0.0.5"),
    "proxy_probe": ("HTTP", "potential proxy probe (suspicious)", "http://probe.example/"),
    "random_name": ("DNS", "entropy threshold no such domain (suspicious)", "xkq7v2jw9z.example"),
    "reflection": ("IP", "potential reflection attack (NTP)", "10.0.0.20"),
    "syn_flood": ("IP", "potential syn flooding", "10.0.0.20"),
    "udp_flood": ("IP", "potential udp flooding", "10.0.0.20"),
    "udp_scan": ("IP", "potential udp scanning", "10.0.0.5"),
    "user_agent": ("UA", "user agent (suspicious)", "sqlmap/1.8"),
    "web_scan": ("PATH", "potential web scanning", "/admin"),
}
"""Type, info and trail by behaviour; one that is missing has the name of its file."""


def events() -> Iterator[Event]:
    """Yield one event of each class, in the order of the classes."""
    for number, event in enumerate(_bare()):
        yield msgspec.structs.replace(
            event,
            time_us=START_US + number * 1_000_000,
            event_id=f"{number + 1:032x}",
            incident_id=f"{number + 1:031x}f",
            severity=maltrail_word(event.info),
        )


def _bare() -> Iterator[Event]:
    for class_id, changes in _TRAILS.items():
        yield msgspec.structs.replace(_TRAIL, class_id=class_id, **changes)
    for name in plugins.names("agent.detections"):
        kind, info, trail = BEHAVIOURS.get(name, ("IP", name.replace("_", " "), "10.0.0.5"))
        yield msgspec.structs.replace(
            _TRAIL,
            class_id=model.BEHAVIOUR_PREFIX + name,
            type=kind,
            info=info,
            trail=trail,
            indicator=trail,
            observed=trail,
            reference="(heuristic)",
            sources=(),
            where="behaviour",
            severity_id=3,
            evidence={"window_seconds": 30, "count": 12},
        )
    for class_id, (info, severity, evidence) in _AGENTS.items():
        yield msgspec.structs.replace(
            _AGENT,
            class_id=class_id,
            trail=class_id,
            info=info,
            severity_id=severity,
            evidence=evidence,
        )


def page(form: str) -> str:
    """Return all events in one format, a line each."""
    lines = [HEADERS[form]] if form in HEADERS else []
    lines += [
        FORMATS[form](Delivery(event=event, run_id=RUN_ID, seq=seq))
        for seq, event in enumerate(events(), 1)
    ]
    return "".join(f"{line}\n" for line in lines).replace(__version__, "VERSION")


def file(form: str) -> Path:
    """Return where the events of one format stand."""
    return FOLDER / f"events.{form}"


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for one in FORMATS:
        file(one).write_text(page(one), encoding="utf-8")
