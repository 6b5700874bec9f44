"""What `check` says of an output over the network: one finding a fact, each with its remedy."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from outputs import Finding, _certificate, _tls
from outputs._address import Address
from outputs._config import Config
from outputs._datagram import Datagrams
from outputs._route import Target
from outputs._stream import Stream

SOON = timedelta(days=30)
"""How long before its end a certificate is warned of."""

NOT_VERIFIED = "accept_any_certificate: NOT VERIFIED, whoever answers gets all events; set ca_file"

_FRAMING = {"lf": "lines end with LF", "octet": "lines are octet-counted"}


def settings(config: Config, addresses: Sequence[Address]) -> Iterator[Finding]:
    """Yield how events travel, and whether the receiver is verified."""
    where = ", then ".join(map(str, addresses))
    if config.transport == "udp":
        yield Finding("ok", f"to {where} over udp, which cannot tell what arrived")
        return
    how = f"to {where} over {config.transport}, {_FRAMING[config.framing]}"
    if config.transport == "tcp":
        yield Finding("ok", f"{how}, neither encrypted nor verified")
    elif config.accept_any_certificate:
        yield Finding("ok", how)
        yield Finding("warning", NOT_VERIFIED)
    else:
        yield Finding("ok", f"{how}, verified by {config.ca_file or 'the CAs of this system'}")


def certificates(config: Config, now: datetime) -> Iterator[Finding]:
    """Yield whether the files can be used, and which certificates end soon."""
    try:
        _tls.context(config)
    except OSError as error:
        yield Finding("failure", str(error))
        return
    for key, name in (
        ("ca_file", config.ca_file),
        ("client_certificate", config.client_certificate),
    ):
        if not name:
            continue
        try:
            ends = _certificate.ends(Path(name))
        except (OSError, ValueError) as error:
            yield Finding("warning", f"{key} {name}: until when it runs cannot be told: {error}")
            continue
        if ends:
            yield validity(f"{key} {name}", min(ends), now)


def reached(address: Address, target: Target, link: Datagrams | Stream, now: datetime) -> Finding:
    """Return what an open connection tells."""
    place = str(target.place[0])
    if isinstance(link, Datagrams):
        return Finding("ok", f"{address}: is {place}; whether anybody listens, udp cannot tell")
    if link.certificate is None:
        return Finding("ok", f"{address}: reached at {place}")
    try:
        end = _certificate.end_of(link.certificate)
    except ValueError as error:
        return Finding("warning", f"{address}: reached at {place}; its certificate {error}")
    return validity(f"{address}: reached at {place} with {link.version}, its certificate", end, now)


def validity(what: str, end: datetime, now: datetime) -> Finding:
    """Return what to do about a certificate that ends then."""
    day = end.strftime("%Y-%m-%d")
    if end <= now:
        return Finding("failure", f"{what}: expired on {day}; renew it")
    if end - now < SOON:
        return Finding("warning", f"{what}: expires on {day}; renew it")
    return Finding("ok", f"{what}: runs until {day}")
