"""Sample events of every class in every format, for people who build receivers.

Traffic goes the whole way, from packets through scanner, lists and behaviours to events; what the
agent says of itself is worded by the room that words it. `python -m tests.samples` writes
docs/samples anew; a test keeps them as the code makes them.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

import msgspec

from agent import __version__, hello, model, plugins
from agent.config import parse
from agent.ids import derived_ids
from agent.model import Delivery, Event
from agent.notices import AgentNotices
from agent.replay import Options, Replay
from outputs._formats import FORMATS, HEADERS
from tests import packets, scans
from tests.packets import START_US, Timed, http_request, http_response, tcp_frame, timed, udp_frame

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "samples"
RUN_ID = "0f" * 16
SET_ID = "0123456789ab"
CLIENT, SERVER, RESOLVER = "10.0.0.5", "198.51.100.7", "10.0.0.1"
SETTINGS = """
sensor: {name: sensor1.example.org, site: hq, tags: [dmz]}
detections: {beaconing: {enabled: true}}
"""

HELLO = packets.client_hello("www.evil-site.org")
SHOWN = packets.noise(400, b"certificate")
AGENT = "evilbot/1.0"


def trails() -> str:
    """Return the list that the samples are matched against."""
    parsed = hello.parse(HELLO)
    assert parsed is not None
    rows = (
        ("evil-name.org", "asyncrat (malware)"),
        (SERVER, "feodo (malware)"),
        ("198.51.100.8:4444", "cobaltstrike (malware)"),
        ("203.0.113.0/24", "bad network (suspicious)"),
        ("evil-host.org/gate.php", "azorult (malware)"),
        ("/panel/gate.php?id=", "lokibot (malware)"),
        (hashlib.sha1(SHOWN, usedforsecurity=False).hexdigest(), "dridex (malware)"),
        (parsed.ja3(), "trickbot (malware)"),
        (parsed.ja4("t"), "sliver (malware)"),
        ("192.0.2.66", "sinkhole conficker (malware)"),
    )
    return "".join(f'"{key}","{info}",https://lists.example/\n' for key, info in rows)


def question(name: str, type_: int = packets.A) -> bytes:
    """Return a client's DNS question."""
    return udp_frame(CLIENT, 40000, RESOLVER, 53, packets.dns_query(name, type_))


def answer(name: str, *addresses: str, code: int = 0) -> bytes:
    """Return what its resolver says."""
    found = [(packets.A, address) for address in addresses]
    return udp_frame(RESOLVER, 53, CLIENT, 40000, packets.dns_response(name, found, code=code))


def request(target: str, host: str | None, server: str = "192.0.2.80", **more: str) -> bytes:
    """Return a client's HTTP request."""
    return tcp_frame(CLIENT, 40000, server, 80, http_request(target, host, **more))  # type: ignore[arg-type]


def secure(payload: bytes, *, back: bool = False) -> bytes:
    """Return a TLS record of the client, or of the server."""
    ends = (CLIENT, 40000, "192.0.2.80", 443)
    source = ends if not back else (*ends[2:], *ends[:2])
    return tcp_frame(*source, packets.tls_record(payload))


def opened(server: str, port: int) -> list[bytes]:
    """Return a connection that is accepted."""
    accepted = packets.SYN | packets.ACK
    return [
        packets.syn_frame(CLIENT, 40000, server, port),
        tcp_frame(server, port, CLIENT, 40000, flags=accepted),
    ]


def words(count: int, length: int) -> list[str]:
    """Return texts as a tunnel makes them."""
    return [hashlib.sha256(bytes([n & 255, n >> 8])).hexdigest()[:length] for n in range(count)]


def ping(number: int) -> bytes:
    """Return an echo request with data of its own."""
    data = bytes(28) + packets.noise(40, bytes([number]))
    return packets.ethernet(packets.ipv4(CLIENT, SERVER, 1, packets.icmp(8, 0, data)))


def told(name: str) -> Callable[[], list[Timed]]:
    """Return one of the generated scans and floods."""
    return lambda: scans.by_time(scans.CAPTURES[name]())


def frames(*made: bytes) -> Callable[[], list[Timed]]:
    """Return frames as a capture."""
    return lambda: timed(made)


_MINUTES = range(START_US, START_US + 40 * 60_000_000, 60_000_000)
_GATE = "/panel/gate.php?id=7"
CAPTURES: Mapping[str, Callable[[], list[Timed]]] = {
    model.TRAIL_DOMAIN: frames(question("www.evil-name.org")),
    model.TRAIL_IP: frames(*opened(SERVER, 443)),
    model.TRAIL_IP_PORT: frames(*opened("198.51.100.8", 4444)),
    model.TRAIL_NETWORK: frames(packets.syn_frame("203.0.113.9", 50000, CLIENT, 22)),
    model.TRAIL_URL: frames(request("/gate.php?id=7", "evil-host.org")),
    model.TRAIL_PATH: frames(request(_GATE, "shop.example.org")),
    model.TRAIL_USER_AGENT: frames(request("/", "www.example.org", user_agent=AGENT)),
    model.TRAIL_CERTIFICATE: frames(
        secure(packets.server_hello() + packets.certificate(SHOWN), back=True)
    ),
    model.TRAIL_JA3: frames(secure(HELLO)),
    model.TRAIL_JA4: frames(secure(HELLO)),
    "beaconing": lambda: scans.by_time(scans.beacon(_MINUTES)),
    "direct_download": frames(request("/new/a.exe", "files.evil-shop.org")),
    "dns_answer": frames(answer("lost-name.org", "192.0.2.66")),
    "dns_exhaustion": frames(*(question(f"{word}.www.attacked.org") for word in words(1300, 12))),
    "dns_tunnel": frames(
        *(question(f"{word}.t.tunnel-name.org", packets.TXT) for word in words(100, 40))
    ),
    "encrypted_dns": frames(secure(packets.client_hello("dns.google"))),
    "host_sweep": told("sweep_fast"),
    "http_attack": frames(
        request("/item?id=1%20union%20select%20password%20from%20users--", "shop.example.org")
    ),
    "http_response": frames(
        tcp_frame(
            "192.0.2.80",
            80,
            CLIENT,
            40000,
            http_response(b"<html>", headers=(("X-Sinkhole", "malware-sinkhole"),)),
        )
    ),
    "icmp_flood": told("icmp_flood"),
    "icmp_tunnel": frames(*(ping(number) for number in range(100))),
    "infection_scan": told("infection_fast"),
    "iot_download": frames(request("/bins/mips", "192.0.2.81", "192.0.2.81")),
    "long_name": frames(question("a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5.strange-name.org")),
    "missing_host": frames(request("/", None)),
    "nxdomain_flood": frames(*(answer(f"nx{n}.missing-name.org", code=3) for n in range(30))),
    "port_scan": told("syn_fast"),
    "proxy_probe": frames(request("http://www.proxy-check.org/probe", "www.proxy-check.org")),
    "random_name": frames(answer("xkq7v2jw9zpt4r8m.com", code=3)),
    "reflection": told("reflection"),
    "syn_flood": told("syn_flood"),
    "udp_flood": told("udp_flood"),
    "udp_scan": told("udp_fast"),
    "user_agent": frames(request("/", "www.example.org", user_agent="sqlmap/1.8")),
    "web_scan": frames(
        *(
            frame
            for number in range(12)
            for frame in (
                tcp_frame(CLIENT, 40000 + number, SERVER, 80, http_request(f"/p{number}/")),
                tcp_frame(
                    SERVER, 80, CLIENT, 40000 + number, http_response(status="404 Not Found")
                ),
            )
        )
    ),
}
"""What tells of each class of trails, and of each behaviour by its name."""


def behaviours() -> set[str]:
    """Return the names of all behaviours."""
    return set(plugins.names("agent.detections"))


@cache
def events() -> tuple[Event, ...]:
    """Return one event of each class, in the order of the classes."""
    with tempfile.TemporaryDirectory() as folder:
        lists = Path(folder, "lists")
        lists.mkdir()
        (lists / "example_list.csv").write_text(trails(), encoding="utf-8")
        (lists / "evil_program.txt").write_text(f"ua:{AGENT}\n", encoding="utf-8")
        seen = [_first(Path(folder), lists, name) for name in CAPTURES]
    return (*seen, *_notices())


def _first(folder: Path, lists: Path, name: str) -> Event:
    """Return the first event of a class that its capture leads to."""
    class_id = model.BEHAVIOUR_PREFIX + name if name in behaviours() else name
    capture = packets.write_pcap(folder / "sample.pcap", CAPTURES[name]())
    options = Options(captures=(str(capture),), trails=(lists,), allow_list=False)
    replay = Replay(parse(SETTINGS, "samples"), folder, options)
    found = [each.event for each in replay.deliveries()]
    return next(event for event in found if event.class_id == class_id)


def _notices() -> Iterator[Event]:
    """Yield what the agent says of itself, in the words of the rooms that say it."""
    notices = AgentNotices("sensor1.example.org", "hq", ("dmz",), derived_ids(b"samples"))
    notices.set_id = SET_ID
    day = START_US + 86_400_000_000
    yield notices.start(day, "VERSION", {"process": "sense", "build": "compiled", "set": SET_ID})
    yield notices.stop(day + 1, "asked to stop", {"process": "sense"})
    yield notices.reload(day + 2, "trail set", {"set": SET_ID})
    yield notices.heartbeat(
        day + 3,
        {
            "uptime": 300,
            "packets": 120_000,
            "drops": 0,
            "canary_ok": 1,
            "canary_seconds": 0.012,
            "canary_age": 12,
            "seq_siem": 41,
            "lost_siem": 0,
            "waiting_siem": 0,
        },
    )
    yield notices.canary(day + 4, 0.012, {"canary": model.CANARY})
    trouble = "nothing may be detected: the scanner did not see the canary"
    begun = notices.degraded(day + 5, trouble, "restart maltrail-agent", {"ended": 0})
    yield msgspec.structs.replace(begun, state="open")
    ended = notices.degraded(
        day + 6, "the canary is detected again", "nothing to do", {"ended": 1, "seconds": 60}
    )
    yield msgspec.structs.replace(ended, state="closed", incident_id=begun.incident_id)
    yield notices.loss(day + 7, "queue of siem", 12, "events", {"queue-full": 12})
    yield notices.feed(day + 8, "example-list", "HTTP 503", {"why": "status", "last_success": 0})
    yield notices.storm(
        day + 9,
        events=900,
        observations=120_000,
        incidents=850,
        lost=0,
        by_class={"trail-domain": 900},
    )
    yield notices.suppression(
        day + 10, "pentest", "agreed test", held=31, total=31, until="2026-12-31", ended=False
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
