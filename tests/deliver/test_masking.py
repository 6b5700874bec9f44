"""Own trails that are masked: the indicator is in no field and no format, whatever repeats it."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.deliver.masking import MASK, masked
from agent.model import (
    TRAIL_DOMAIN,
    TRAIL_IP,
    TRAIL_IP_PORT,
    TRAIL_NETWORK,
    TRAIL_URL,
    Dns,
    Endpoint,
    Event,
    Http,
    Source,
    Tls,
)
from outputs._formats import FORMATS
from tests.outputs.samples import FULL, delivery

OWN = msgspec.structs.replace(
    FULL, custom=True, info="own list", source=Endpoint("10.0.0.5", 40000)
)

names = st.from_regex(r"[a-z]{6,12}zq7xw\.(org|biz)", fullmatch=True)


def named(name: str) -> Event:
    """Return an event that repeats its indicator wherever an event can."""
    return msgspec.structs.replace(
        OWN,
        class_id=TRAIL_DOMAIN,
        trail=f"(www).{name}",
        indicator=name,
        observed=f"www.{name}",
        info=f"{name.upper()} watched",
        reference=f"https://wiki.lan/{name}",
        sources=(Source(f"own:{name}.txt"), Source("own")),
        dns=Dns(question=f"www.{name}", type="A", answers=(f"cdn.{name}",)),
        http=Http(method="GET", url=f"http://www.{name}/", host=f"www.{name}", user_agent=name),
        tls=Tls(server_name=f"www.{name}"),
        samples=(f"a.{name}", f"b.{name}"),
        evidence={"name": name, name: 1},
    )


@settings(max_examples=100, deadline=None)
@given(names)
def test_a_masked_name_is_nowhere(name: str) -> None:
    """In no format, in no spelling; our side and the rest stay."""
    event = masked(named(name))

    for render in FORMATS.values():
        line = render(delivery(event))
        assert "zq7xw" not in line.casefold()
        assert "10.0.0.5" in line
        assert MASK in line
    assert event.event_id == OWN.event_id
    assert event.sources[1].name == "own"


@pytest.mark.parametrize(
    ("class_id", "indicator", "address"),
    [
        (TRAIL_IP, "198.51.100.77", "198.51.100.77"),
        (TRAIL_IP, "2001:db8::77", "2001:db8:0:0::77"),
        (TRAIL_IP_PORT, "198.51.100.77:4444", "198.51.100.77"),
        (TRAIL_IP_PORT, "[2001:db8::77]:4444", "2001:db8::77"),
        (TRAIL_NETWORK, "198.51.100.0/24", "198.51.100.77"),
        (TRAIL_NETWORK, "2001:db8::/32", "2001:db8::77"),
    ],
)
@pytest.mark.parametrize("inbound", [False, True])
def test_an_address_that_is_the_indicator_is_masked_in_the_packet_too(
    class_id: str, indicator: str, address: str, inbound: bool
) -> None:
    """On whichever side it is, and with it the hash over both sides; our side stays."""
    theirs, ours = Endpoint(address, 4444), Endpoint("10.0.0.5", 40000)
    event = msgspec.structs.replace(
        OWN,
        class_id=class_id,
        trail=indicator,
        indicator=indicator,
        observed=address,
        source=theirs if inbound else ours,
        destination=ours if inbound else theirs,
        source_name="theirs" if inbound else "ours",
        destination_name="ours" if inbound else "theirs",
        dns=None,
        http=None,
        tls=None,
    )

    left = masked(event)

    assert ours in (left.source, left.destination)
    assert left.community_id == ""
    assert {left.source_name, left.destination_name} == {"ours", ""}
    for render in FORMATS.values():
        line = render(delivery(left))
        assert address not in line
        assert indicator.partition("/")[0].strip("[]") not in line


def test_other_addresses_stay() -> None:
    """A resolver or a web server says nothing of the name that was looked for."""
    left = masked(named("secretzq7xw.org"))

    assert (left.source, left.destination) == (OWN.source, OWN.destination)
    assert left.community_id == OWN.community_id


def test_a_url_is_masked_with_its_parts() -> None:
    """Host and path alike."""
    event = msgspec.structs.replace(
        OWN,
        class_id=TRAIL_URL,
        trail="evil.biz/secretzq7xw",
        indicator="evil.biz/secretzq7xw",
        observed="evil.biz/secretzq7xw?x=1",
        http=Http(method="GET", url="http://evil.biz/secretzq7xw?x=1", host="evil.biz"),
        samples=("evil.biz/secretzq7xw?x=2",),
    )

    for render in FORMATS.values():
        assert "secretzq7xw" not in render(delivery(masked(event)))
