"""`maltrail-agent coverage`: what of traffic is not read."""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from agent import config
from agent.commands._common import DONE, FINDING, Commands, UserError, settings_of
from agent.terminal import Cell, Terminal, Text, Tone, terminal_of

if TYPE_CHECKING:
    from agent.coverage import Counted, Missed

BAR = 20
"""Columns of a bar."""


def add(commands: Commands) -> None:
    """Add the command."""
    coverage = commands.add("coverage", run, "tell what of captures or live traffic is not read")
    coverage.add_argument("--live", action="store_true", help="the configured interfaces, now")
    coverage.add_argument(
        "--seconds",
        type=config.duration,
        default=30.0,
        metavar="TIME",
        help="how long to look at live traffic, for example 5m (default: 30s)",
    )
    coverage.add_argument("captures", nargs="*", metavar="CAPTURE", help="pcap, pcapng, .gz, or -")


def run(options: argparse.Namespace) -> int:
    """Report what of captures, or of live traffic, is read; 1 where most of it is not."""
    from agent import coverage, survey
    from agent.capture import CaptureError

    if bool(options.captures) == options.live:
        raise UserError("coverage: expected captures or --live; name one of both")
    try:
        if options.live:
            counted = survey.of_interfaces(settings_of(options).capture, options.seconds)
        else:
            counted = survey.of_files(options.captures)
    except CaptureError as error:
        raise UserError(str(error)) from error
    if options.json:
        print(json.dumps(coverage.document(counted)))
    else:
        for line in text(counted, terminal_of(sys.stdout)):
            print(line)
    return FINDING if any(coverage.troubles(counted.counters)) else DONE


def text(counted: "Counted", terminal: Terminal) -> Iterator[str]:
    """Yield the report for people: what was read, what is wrong, what would have been missed."""
    from agent.coverage import is_read, missed, troubles

    c = counted.counters
    packets = c["packets"]
    if not packets:
        yield "no packet was captured"
        return
    read = is_read(c)
    tone = Tone.GOOD if read == packets else Tone.WARNING if 2 * read > packets else Tone.BAD
    bar = terminal.paint(terminal.bar(read / packets, BAR), tone)
    yield f"{bar}  {_share(read, packets)} read; {packets} packets, {c['bytes']} bytes"
    yield from terminal.notes((Text(head, Tone.DIM), told) for head, told in _parts(counted))
    for trouble in troubles(c):
        yield from terminal.notes([(Text("!", Tone.BAD), f"{trouble.what}; {trouble.remedy}")])
    entries = missed(counted)
    yield ""
    if not entries:
        yield terminal.paint("nothing that was captured stayed unread", Tone.GOOD)
        return
    yield "you would have missed:"
    yield from terminal.notes(_missed(entry, terminal) for entry in entries)


def _parts(counted: "Counted") -> Iterator[tuple[str, str]]:
    """Yield what there was, layer by layer."""
    from agent.coverage import named
    from agent.scan import layers

    c = counted.counters
    unread: dict[str, int] = {}
    for layer, number, count in counted.unread:
        unread[named(layer, number)] = count
    yield "not read", _told(unread)
    yield "IP", _told({name: c[name] for name in ("ipv4", "ipv6", "fragments")})
    yield "tunnels", _told({name: c[f"tunnel_{name}"] for name in layers.TUNNELS[1:]})
    protocols = ("tcp", "udp", "icmp", "sctp", "other_protocol")
    yield "transport", _told({name.replace("_", " "): c[name] for name in protocols})
    names = {
        "DNS questions": c["dns_queries"],
        "DNS answers": c["dns_responses"],
        "HTTP requests": c["http_requests"],
        "TLS server names": c["tls_hellos"] - c["tls_no_name"],
        "QUIC hellos": counted.quic.get("read", 0),
    }
    yield "names", _told(names)


def _missed(entry: "Missed", terminal: Terminal) -> tuple[Cell, ...]:
    """Return the row of one kind of what was missed."""
    share = entry.number / entry.of if entry.of else 1.0
    remedy = f"; {entry.remedy}" if entry.remedy else ""
    bar = Text(terminal.bar(share, BAR // 2), Tone.WARNING)
    return (bar, str(entry.number), f"{entry.what}, {_share(entry.number, entry.of)}{remedy}")


def _told(values: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items() if value) or "none"


def _share(count: int, of: int) -> str:
    return f"{100 * count / of:.1f} % of {of}" if of else f"{count}"
