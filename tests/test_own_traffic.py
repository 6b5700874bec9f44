"""Own traffic: what the agent's sockets carry is told apart, while they live and a bit longer."""

import pytest

from agent.link import Flow
from agent.model import Endpoint, Sighting
from agent.own_traffic import LINGER_SECONDS, MAX_ENDED, OwnTraffic
from tests.packets import CLIENT, SERVER

TCP, UDP = 6, 17
OURS, THEIRS = Endpoint(CLIENT, 45000), Endpoint(SERVER, 514)
FLOW = Flow("udp", CLIENT, 45000, SERVER, 514)


def sighting(
    source: Endpoint = OURS, destination: Endpoint = THEIRS, protocol: int = UDP
) -> Sighting:
    """Return a sighting of a packet, by default of one that FLOW carries."""
    return Sighting(
        what="datagram",
        first_us=0,
        last_us=0,
        count=1,
        source=source,
        destination=destination,
        protocol=protocol,
        packet=b"",
        fields={},
    )


def using(*flows: Flow, now: float = 0.0) -> OwnTraffic:
    """Return what knows these sockets."""
    own = OwnTraffic()
    own.use(flows, now)
    return own


def test_both_directions_of_a_socket_are_own() -> None:
    """Whoever speaks."""
    own = using(FLOW)

    assert own.holds(sighting())
    assert own.holds(sighting(THEIRS, OURS))


@pytest.mark.parametrize(
    "other",
    [
        sighting(Endpoint(CLIENT, 45001)),
        sighting(Endpoint("192.168.1.77", 45000)),
        sighting(OURS, Endpoint(SERVER, 515)),
        sighting(protocol=TCP),
    ],
)
def test_nothing_else_of_that_host_is_own(other: Sighting) -> None:
    """A socket is protocol, addresses and ports."""
    assert not using(FLOW).holds(other)


@pytest.mark.parametrize(
    ("told", "seen"),
    [
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:DB8:0::1", "2001:db8::1"),
    ],
)
def test_addresses_are_own_however_a_socket_words_them(told: str, seen: str) -> None:
    """With a zone, IPv4 on a socket of IPv6, or in full."""
    own = using(Flow("tcp", told, 45000, told, 514))

    assert own.holds(sighting(Endpoint(seen, 45000), Endpoint(seen, 514), TCP))


def test_without_sockets_nothing_is_own() -> None:
    """As in a replay."""
    assert not OwnTraffic().holds(sighting())


def test_a_socket_that_ended_is_remembered_for_a_while() -> None:
    """What it sent at last is matched up to a second later; then another may have the port."""
    own = using(FLOW)

    own.use((), 1.0)
    assert own.holds(sighting())
    own.use((), 0.9 + LINGER_SECONDS)
    assert own.holds(sighting())
    own.use((), 1.0 + LINGER_SECONDS)
    assert not own.holds(sighting())


def test_a_socket_that_comes_back_is_own_as_long_as_it_lives() -> None:
    """The same ports again: its first end no longer counts."""
    own = using(FLOW)
    own.use((), 1.0)
    own.use((FLOW,), 2.0)

    own.use((FLOW,), 2.0 + 2 * LINGER_SECONDS)

    assert own.holds(sighting())


def test_sockets_that_ended_are_bounded() -> None:
    """The newest are kept, whatever deliver tells."""
    own = OwnTraffic()
    for port in range(1, MAX_ENDED + 11):
        own.use((Flow("udp", CLIENT, port, SERVER, 514),), 1.0)
    own.use((), 1.0)

    known = [
        port for port in range(1, MAX_ENDED + 11) if own.holds(sighting(Endpoint(CLIENT, port)))
    ]

    assert known == list(range(11, MAX_ENDED + 11))
