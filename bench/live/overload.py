"""`python -m bench.live.overload`: what arrives at a SIEM while sense gets more than it can take.

sense, deliver, rsyslogd and a listener for JSON run as in `bench.live`. sense has the processor for
a share of the time (control groups version 1), so that the wire can bring several times what it can
take, whatever the kind of load; that capacity is measured first, from its processor time for a
packet. Among the load are questions for listed names and attempts to reach listed addresses, each
wrapped as the load is. Root; loads last some seconds.
"""

import argparse
import json
import math
import os
import random
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from agent.trails.publish import publish
from bench.delivery.processes import cpu_seconds
from bench.live import load
from bench.live.place import place
from bench.live.send import send
from bench.live.station import Station, station
from tests import layered, packets
from tests.wired import write_set

FRAMES = 20_000
EVERY = 100
"""One packet of so many asks for a listed name, one tries a listed address."""
LISTED = FRAMES // EVERY
PROBE_RATE, PROBE_LOOPS = 50_000.0, 5
IDLE_SECONDS = 2.0
CAPACITY = 30_000.0
"""Packets a second that the share of the processor is chosen for: the wire brings many times it."""
LEAST_SHARE, MOST_SHARE = 0.02, 0.8
CPU = Path("/sys/fs/cgroup/cpu")
PERIOD_US = 100_000
RING_MB = 64
"""As by default; short packets need a smaller one to fill it within seconds."""
HOST = "a." * 110 + "example.net"
SEED = 5

Frame = Callable[[int], bytes]

_HIT = re.compile(r"\|(trail-domain|trail-ip)\|.* cnt=(\d+) .*cs5=(\S+)")


def _tcp(number: int, payload: bytes, port: int = 80) -> bytes:
    client = f"10.9.{number // 200 % 200}.{number % 200}"
    segment = packets.tcp(1024 + number, port, payload, sequence=number)
    return packets.ipv4(client, "192.0.2.80", packets.TCP, segment)


def _requests(number: int) -> bytes:
    request = packets.http_request(f"/{number}", HOST, user_agent=None, headers=())
    return _tcp(number, request * 5)


def _bulk(number: int) -> bytes:
    if number % 3:
        return _tcp(number, b"\x17\x03\x03\x04\xb0" + bytes(1200), 443)
    return _requests(number)


def _hello(number: int) -> bytes:
    return _tcp(number, packets.tls_hello_payload(f"w{number}.example.com"), 443)


def _syn(number: int) -> bytes:
    draw = random.Random(number)  # noqa: S311 - reproducible on purpose
    source = f"100.{draw.randrange(64, 128)}.{draw.randrange(256)}.{draw.randrange(1, 255)}"
    segment = packets.tcp(1024 + number, 443, flags=packets.SYN, sequence=number)
    return packets.ipv4(source, "192.0.2.80", packets.TCP, segment)


def _datagram(number: int) -> bytes:
    client = f"10.9.{number // 200 % 200}.{number % 200}"
    return packets.ipv4(
        client, "192.0.2.80", packets.UDP, packets.udp(1024 + number, 999, bytes(60))
    )


def _question(number: int) -> bytes:
    client = f"10.9.{number // 200 % 200}.{number % 200}"
    query = packets.dns_query(f"n{number}.example.net")
    return packets.ipv4(client, "192.0.2.53", packets.UDP, packets.udp(1024 + number, 53, query))


LOADS: Mapping[str, Frame] = {
    "requests": _requests,
    "bulk": _bulk,
    "hello": _hello,
    "syn": _syn,
    "udp": _datagram,
    "dns": _question,
}
WRAPS: Mapping[str, layered.Wrap] = {
    "bare": layered.frame,
    **{name: layered.MEDIA[name].wrap for name in ("qinq", "mpls-in-vlan", "pppoe")},
    **{name: layered.TUNNELS[name].wrap for name in ("vxlan", "erspan-2", "gre", "gtp", "l2tp")},
}


class Run(NamedTuple):
    """What was offered, what was seen of it, and what was told of the rest.

    `told_names` and `told_addresses` are observations at the SIEM. `levels` are those that events
    told, in order, with `agent-loss` events as -1; `back` is when the event said that all is read
    again, in seconds after the last packet, nan where none did.
    """

    kind: str
    factor: float
    load_average: float
    capacity: float
    offered: float
    sent: int
    asked: int
    told_names: int
    told_addresses: int
    dropped: int
    shed: int
    skipped: int
    changes: int
    levels: Sequence[int]
    states: str
    back: float


def name_of(number: int) -> str:
    """Return a listed name."""
    return f"evil{number}.example.org"


def address_of(number: int) -> str:
    """Return a listed address."""
    return f"198.51.{100 + number // 200}.{1 + number % 200}"


def _ask(number: int) -> bytes:
    query = packets.dns_query(name_of(number))
    return packets.ipv4(
        "10.8.0.1", "192.0.2.53", packets.UDP, packets.udp(1024 + number, 53, query)
    )


def _try(number: int) -> bytes:
    segment = packets.tcp(1024 + number, 443, flags=packets.SYN)
    return packets.ipv4("10.8.0.1", address_of(number), packets.TCP, segment)


def write(folder: Path, kind: str) -> Path:
    """Write the capture of a load, `NAME` or `NAME+WRAP`."""
    name, _, wrap = kind.partition("+")
    frame, around = LOADS[name], WRAPS[wrap or "bare"]

    def each() -> Iterator[bytes]:
        for number in range(FRAMES):
            place_, which = number % EVERY, number // EVERY
            make = {7: _ask, 57: _try}.get(place_)
            yield around(make(which) if make else frame(number))

    return packets.write_pcap(folder / f"{kind}.pcap", packets.timed(each(), step_us=10))


@contextmanager
def quota(pid: int, share: float) -> Iterator[None]:
    """Give a process a share of one processor."""
    group = CPU / f"maltrail-overload-{pid}"
    group.mkdir()
    try:
        (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
        (group / "cpu.cfs_quota_us").write_text(str(max(1000, round(share * PERIOD_US))))
        (group / "cgroup.procs").write_text(str(pid))
        yield
    finally:
        (CPU / "cgroup.procs").write_text(str(pid))
        group.rmdir()


def cost(running: Station, capture: Path) -> float:
    """Return sense's processor time for a packet of a capture, in seconds."""
    load.settle(running)
    idle, began = _used(running), time.monotonic()
    time.sleep(IDLE_SECONDS)
    idle = (_used(running) - idle) / (time.monotonic() - began)
    used, began = _used(running), time.monotonic()
    sent = send(running.place, capture, PROBE_RATE, PROBE_LOOPS)
    time.sleep(IDLE_SECONDS)
    used = _used(running) - used - idle * (time.monotonic() - began)
    return used / sent.packets


def _used(running: Station) -> float:
    return cpu_seconds(running.sense.pid)


def run(running: Station, kind: str, capture: Path, factor: float, seconds: float) -> Run:
    """Offer so many times what sense can take; raise OSError, SubprocessError, TimeoutError."""
    each = cost(running, capture)
    share = min(MOST_SHARE, max(LEAST_SHARE, CAPACITY * each))
    capacity = share / each
    loops = max(1, round(factor * capacity * seconds / FRAMES))
    load.settle(running)
    marks = {name: len(running.lines(name)) for name in running.received}
    before, average = running.metrics(), os.getloadavg()[0]
    with quota(running.sense.pid, share):
        sent = send(running.place, capture, factor * capacity, loops)
        ended = time.time()
        time.sleep(6.0)  # it has to come back with what it has
    load.settle(running, before["scan_packets_total"])
    after = running.metrics()
    lines = {name: running.lines(name)[mark:] for name, mark in marks.items()}
    told = _observations(lines["cef-tcp"])
    changes = [json.loads(line) for line in lines["json-udp"]]
    changes = [one for one in changes if one["class"] in ("agent-degraded", "agent-loss")]
    levels = [_level(one) for one in changes]
    closed = [one for one in changes if one["state"] == "closed" and _level(one) == 0]

    def counted(name: str) -> int:
        return int(after.get(name, 0.0) - before.get(name, 0.0))

    return Run(
        kind,
        factor,
        average,
        capacity,
        sent.rate,
        sent.packets,
        loops * LISTED,
        told["trail-domain"],
        told["trail-ip"],
        counted("capture_packets_dropped_total"),
        counted("capture_packets_shed_total"),
        counted("scan_heads_skipped_total"),
        counted("capture_shed_changes_total"),
        levels,
        "".join(one["state"][0] for one in changes),
        datetime.fromisoformat(closed[-1]["time"]).timestamp() - ended if closed else math.nan,
    )


def _level(event: Mapping[str, object]) -> int:
    evidence = event.get("evidence")
    level = evidence.get("level") if isinstance(evidence, dict) else None
    return int(level) if level is not None else -1


def _observations(lines: Sequence[str]) -> Counter[str]:
    """Return how many observations of listed names and addresses lines tell."""
    found: Counter[str] = Counter()
    for line in lines:
        hit = _HIT.search(line)
        if hit:
            found[hit[1]] += int(hit[2])
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the status is 0, as a benchmark is no test."""
    parser = argparse.ArgumentParser(prog="python -m bench.live.overload", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", default=list(LOADS), help="LOAD[+WRAP]")
    parser.add_argument("--factor", type=float, action="append", help="times the capacity")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each load")
    parser.add_argument("--ring", type=int, default=RING_MB, help="MB of the kernel's ring")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="maltrail-overload-") as name:
        folder = Path(name)
        state = folder / "state"
        state.mkdir()
        rows = {key(n): "listed (malware)" for n in range(LISTED) for key in (name_of, address_of)}
        publish(write_set(folder / "built.set", rows), state)
        none = folder / "none.csv"
        captures = {kind: write(folder, kind) for kind in options.kinds}
        for _ in range(options.repeat):
            for kind, capture in captures.items():
                for factor in options.factor or [2.0]:
                    here = folder / f"{time.monotonic_ns()}"
                    here.mkdir()
                    with (
                        place() as made,
                        station(made, here, state, none, buffer_mb=options.ring) as one,
                    ):
                        print(_row(run(one, kind, capture, factor, options.seconds)), flush=True)
    return 0


def _row(one: Run) -> str:
    return (
        f"{one.kind:16} x{one.factor:g} load {one.load_average:.1f} capacity {one.capacity:.0f}/s"
        f" offered {one.offered:.0f}/s sent {one.sent}"
        f" names {one.told_names / one.asked:.2%} addresses {one.told_addresses / one.asked:.2%}"
        f" of {one.asked}, dropped {one.dropped} shed {one.shed} skipped {one.skipped}"
        f" changes {one.changes} told {one.levels} {one.states} back {one.back:.1f} s"
    )


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is cleaned up
    sys.exit(main())
