"""What behaviours are shown, as the runner makes it."""

from agent.detections import Seen
from agent.model import Endpoint

CLIENT, SERVER = Endpoint("192.168.1.20", 40000), Endpoint("203.0.113.80", 80)


def request(
    target: str = "/",
    host: str = "shop.example",
    *,
    method: str = "GET",
    agent: str = "",
    body: bytes = b"",
    port: int = 80,
    leaves_home: bool = True,
    has_host: bool = True,
    is_host_address: bool = False,
    packet: bytes = b"",
) -> Seen:
    """Return a request."""
    return Seen(
        source=CLIENT,
        destination=Endpoint(SERVER.address, port),
        packet=packet,
        leaves_home=leaves_home,
        method=method,
        target=target.encode(),
        path=target.lower(),
        host=host,
        has_host=has_host,
        is_host_address=is_host_address,
        agent=agent,
        body=body,
    )


def name(text: str, listed: tuple[tuple[str, str], ...] = (), *, port: int = 53) -> Seen:
    """Return a question, an answer or a hello by its name."""
    return Seen(
        source=CLIENT,
        destination=Endpoint(SERVER.address, port),
        packet=b"",
        leaves_home=True,
        name=text,
        where="dns.question",
        listed=listed,
    )


def response(packet: bytes) -> Seen:
    """Return the beginning of a response."""
    return Seen(source=SERVER, destination=CLIENT, packet=packet, leaves_home=True)
