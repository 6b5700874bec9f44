"""What an event is called and the one sentence that tells it, for formats that carry prose."""

from collections.abc import Iterator

from agent import model
from agent.model import BEHAVIOUR_PREFIX, Event, Http

NAMES = {
    model.TRAIL_DOMAIN: "Listed domain seen",
    model.TRAIL_IP: "Traffic with a listed address",
    model.TRAIL_IP_PORT: "Traffic with a listed address and port",
    model.TRAIL_NETWORK: "Traffic with a listed network",
    model.TRAIL_URL: "Listed URL requested",
    model.TRAIL_PATH: "Listed path requested",
    model.TRAIL_USER_AGENT: "Listed User-Agent seen",
    model.TRAIL_CERTIFICATE: "Listed certificate seen",
    model.TRAIL_JA3: "Listed JA3 fingerprint seen",
    model.TRAIL_JA4: "Listed JA4 fingerprint seen",
    model.AGENT_START: "Agent started",
    model.AGENT_STOP: "Agent stopped",
    model.AGENT_RELOAD: "Agent reloaded its configuration",
    model.AGENT_HEARTBEAT: "Agent heartbeat",
    model.AGENT_CANARY: "Agent canary",
    model.AGENT_DEGRADED: "Agent degraded",
    model.AGENT_LOSS: "Agent lost events",
    model.AGENT_LIST: "Agent list problem",
    model.AGENT_STORM: "Agent limits an event storm",
    model.AGENT_SUPPRESS: "Agent holds back what is suppressed",
}
"""Names by class; they never repeat data of the event, so that a SIEM can group by them."""

_PROTOCOLS = {"dns": "DNS", "http": "HTTP", "proxy": "HTTP", "tls": "TLS", "quic": "QUIC"}


def name(class_id: str) -> str:
    """Return the readable name of a class."""
    if class_id.startswith(BEHAVIOUR_PREFIX):
        return "Behaviour: " + class_id.removeprefix(BEHAVIOUR_PREFIX).replace("_", " ")
    return NAMES.get(class_id, class_id)


def application(event: Event) -> str:
    """Return DNS, HTTP, TLS or QUIC where the event was seen in such a protocol, or nothing."""
    return _PROTOCOLS.get(event.where.partition(".")[0], "")


def url(http: Http) -> str:
    """Return the request's URL with scheme and host, as far as they are known."""
    if "://" in http.url:
        return http.url
    if http.url.startswith("/") or not http.url:
        return f"http://{http.host}{http.url}" if http.host else http.url
    return f"http://{http.url}"


def evidence(event: Event) -> str:
    """Tell what was measured: `packets 12, drops 0`."""
    return ", ".join(f"{key} {value}" for key, value in event.evidence.items())


def sentence(event: Event) -> str:
    """Tell in one line what was seen, and what no field of its own has room for."""
    return "; ".join(_parts(event))


def _parts(event: Event) -> Iterator[str]:
    told = (event.info,) if event.is_agent else (event.trail, event.info)
    subject = ": ".join(part for part in told if part)
    if subject:
        yield subject
    if event.dns:
        code = f" {event.dns.response_code}" if event.dns.response_code else ""
        kind = "answer" if event.dns.response else "question"
        yield f"DNS {event.dns.type} {kind}{code}"
    if event.tunnel:
        inside = event.tunnel
        yield f"in {inside.type} {inside.id} from {inside.source} to {inside.destination}"
    if event.vlans:
        yield f"VLAN {'/'.join(map(str, event.vlans))}"
    if not event.is_agent:
        yield f"{event.direction}, {event.outcome}"
    if event.total > 1:
        yield f"{event.count} of {event.total} observations, {event.state}"
    if event.evidence:
        yield evidence(event)
    if "truncated" in event.tags:
        yield "truncated"
