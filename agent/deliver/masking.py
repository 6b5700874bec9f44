"""Hide from a receiver what the site's own trails look for: the events stay, the indicators do not.

An event says that an own trail matched, when, on which sensor, for which of our hosts and how
often; `event_id` finds the rest on the sensor's own output.
"""

import ipaddress

import msgspec

from agent.model import TRAIL_IP, TRAIL_IP_PORT, TRAIL_NETWORK, Endpoint, Event, Source

MASK = "(masked)"

_BY_ADDRESS = (TRAIL_IP, TRAIL_IP_PORT, TRAIL_NETWORK)


def masked(event: Event) -> Event:
    """Return the event without the indicator and without everything that repeats it.

    The packet's addresses stay, or a SIEM could do nothing with the event; the one that is the
    indicator itself does not, and neither does the hash over both (community_id).
    """
    secrets = tuple(
        text.casefold() for text in (event.indicator, event.observed, event.trail) if text
    )
    source, destination = _side(event, event.source), _side(event, event.destination)
    kept_both = source is event.source and destination is event.destination
    return msgspec.structs.replace(
        event,
        trail=MASK,
        indicator=MASK,
        observed=MASK,
        info=_told(event.info, secrets),
        reference=_told(event.reference, secrets),
        sources=tuple(
            Source(_told(one.name, secrets), one.first_seen, one.last_seen) for one in event.sources
        ),
        source=source,
        destination=destination,
        dns=None,
        http=None,
        tls=None,
        samples=(),
        evidence={},
        community_id=event.community_id if kept_both else "",
        source_name=event.source_name if source is event.source else "",
        destination_name=event.destination_name if destination is event.destination else "",
    )


def _told(text: str, secrets: tuple[str, ...]) -> str:
    """Return a text of the list's author unless it repeats what is hidden."""
    folded = text.casefold()
    return MASK if any(secret in folded for secret in secrets) else text


def _side(event: Event, side: Endpoint) -> Endpoint:
    """Return one side of the packet, emptied where it is what the trail lists."""
    if event.class_id not in _BY_ADDRESS or not side.address:
        return side
    is_listed = _names(event.indicator, event.class_id == TRAIL_IP_PORT, side.address)
    return Endpoint("", None) if is_listed else side


def _names(indicator: str, has_port: bool, address: str) -> bool:
    """Tell whether an address, address:port or network names this address; in doubt it does."""
    listed = indicator.rpartition(":")[0].strip("[]") if has_port else indicator.strip("[]")
    try:
        seen = ipaddress.ip_address(address.partition("%")[0])
        network = ipaddress.ip_network(listed, strict=False)
    except ValueError:
        return True
    return seen.version == network.version and seen in network
