"""A worker that gets twice what it can take: what is listed is seen, and all comes back.

The traffic is dear to scan and cheap to send: requests for hosts of many labels, each of which is
looked up, so that a worker's real capacity, which is measured first, is well below the wire's.
"""

import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import msgspec
import pytest

from agent.capture import Interface
from agent.config import Settings
from agent.faults import Faults
from agent.ids import derived_ids
from agent.notices import AgentNotices
from agent.scan import stats
from agent.scan.bank import Bank
from agent.scan.scanner import Scanner
from agent.scan.wanted import Wanted
from agent.sets import merged_filters
from agent.shedding import Shed
from agent.worker import Sets, Worker
from bench.live.place import NEAR, Place, place
from bench.live.send import send
from tests import packets, wired
from tests.deliver.waiting import until

pytestmark = pytest.mark.root

SECONDS = 4
EVERY = 100
FRAMES, FLOWS = 2_000, 40
NAME = "evil.example.org"
READING = 1e-6
"""Seconds that a packet of this size costs beside its scan: reading it from the ring."""
BACK_SECONDS = 5.0
HOST = "a." * 110 + "example.net"


class Inside(Interface):
    """A handle in the namespace, whatever thread opens it."""

    here: Place

    def open(self) -> None:
        """Open there."""
        with self.here.inside.entered():
            super().open()


def on_wire(here: Place) -> int:
    """Return how many packets the inner end has received: sysfs shows the outer namespace only."""
    with here.inside.entered():
        lines = Path("/proc/thread-self/net/dev").read_text().splitlines()
    (line,) = (one for one in lines if one.strip().startswith(f"{NEAR}:"))
    return int(line.partition(":")[2].split()[1])


def traffic() -> Iterator[bytes]:
    """Yield requests of some flows with a question now and then, each for another name."""
    for number in range(FRAMES):
        if number % EVERY == 0:
            question = packets.dns_query(f"h{number}.{NAME}")
            yield packets.udp_frame("10.9.0.1", 50000, "10.9.0.2", 53, question)
        else:
            request = packets.http_request(f"/{number}", HOST, user_agent=None, headers=())
            client = f"10.9.1.{number % FLOWS}"
            yield packets.tcp_frame(client, 50000, "10.9.0.9", 80, request * 5)


def capacity(sets: Sets) -> float:
    """Return how many of these packets a second one worker can take, reading included."""
    scanner = Scanner(sets.own.buffer, sets.published.buffer, sets.filters)
    batch = packets.batch(traffic(), step_us=1)
    began = time.thread_time()
    for _ in range(5):
        scanner.scan(batch)
    return 1 / ((time.thread_time() - began) / (5 * FRAMES) + READING)


def test_twice_what_a_worker_can_take_costs_no_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every question is seen; what is left out is counted and told; then all is read again."""
    capture = packets.write_pcap(tmp_path / "c.pcap", packets.timed(traffic()))
    trails = wired.trails({NAME: "malware"})
    sets = Sets(trails.own, trails.published, merged_filters(trails.own, trails.published))
    rate = 2 * capacity(sets)
    loops = max(1, round(rate * SECONDS / FRAMES))
    settings = msgspec.structs.replace(Settings().capture, buffer_mb=64)
    monkeypatch.setattr("agent.worker.Interface", Inside)
    shed = Shed(Faults(AgentNotices("sensor", "", (), derived_ids(b"x" * 16))))
    with place() as here:
        monkeypatch.setattr(Inside, "here", here, raising=False)
        monkeypatch.setattr("agent.shedding.on_wire", lambda _name: on_wire(here))
        worker = Worker(NEAR, settings, None, sets, Bank(), Wanted(), lambda: None)
        worker.start()
        until(lambda: worker.is_open, "an open capture")
        sent = send(here, capture, rate, loops)
        ended = time.monotonic()
        until(lambda: worker.shedding.level == 0, "all back")
        back = time.monotonic() - ended
        worker.ask_stop()
        worker.join()

    asked = loops * FRAMES // EVERY
    changes = worker.shedding.take_changes()
    peak = max(change.after for change in changes)
    told = [event for change in changes for event in shed.tell(NEAR, change.after, 1)]
    sightings = chain.from_iterable(parcel.sightings for parcel in worker.parcels)
    seen = sum(one.count for one in sightings if one.what == "question")
    unread = sent.packets - (worker.stats.received - worker.stats.dropped)
    left_out = worker.scanner.statistics()[stats.HEADS_SKIPPED] + unread
    assert seen == asked
    assert peak > 1
    assert left_out > 0
    assert len(told) == len(changes)
    assert {event.state for event in told} == {"open", "update", "closed"}
    assert back < BACK_SECONDS
