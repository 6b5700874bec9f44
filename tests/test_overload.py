"""A worker that gets twice what it can take: what is listed is seen, and all comes back."""

import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import msgspec
import pytest

from agent.capture import Interface
from agent.config import Settings
from agent.model import PacketBatch
from agent.scan.bank import Bank
from agent.scan.wanted import Wanted
from agent.sets import merged_filters
from agent.worker import Sets, Worker
from bench.live.place import NEAR, Place, place
from bench.live.send import send
from tests import packets, wired
from tests.deliver.waiting import until

pytestmark = pytest.mark.root

CAPACITY = 1_500.0
"""Packets a second that the worker is slowed down to."""
PACKETS, EVERY = 15_000, 100
NAME = "evil.example.org"
BACK_SECONDS = 5.0


class Slow(Interface):
    """A handle whose batches take as long as a scanner of CAPACITY would need for them."""

    here: Place

    def open(self) -> None:
        """Open inside the namespace, whatever thread asks."""
        with self.here.inside.entered():
            super().open()

    def read(self) -> PacketBatch | None:
        """Return a batch after its time."""
        batch = super().read()
        if batch:
            time.sleep(len(batch.meta) / 16 / CAPACITY)
        return batch


def traffic() -> Iterator[bytes]:
    """Yield bulk with a question now and then."""
    bulk = packets.tcp_frame("10.9.1.1", 443, "10.9.0.9", 50000, b"\x17\x03\x03" + bytes(1200))
    for number in range(PACKETS):
        question = packets.dns_query(f"h{number}.{NAME}")
        is_question = number % EVERY == 0
        asked = packets.udp_frame("10.9.0.1", 50000, "10.9.0.2", 53, question)
        yield asked if is_question else bulk


def test_twice_what_a_worker_can_take_costs_bulk_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every question is seen; bulk is shed; within seconds of the end nothing is shed any more."""
    capture = packets.write_pcap(tmp_path / "c.pcap", packets.timed(traffic()))
    trails = wired.trails({NAME: "malware"})
    sets = Sets(trails.own, trails.published, merged_filters(trails.own, trails.published))
    settings = msgspec.structs.replace(Settings().capture, buffer_mb=8)
    monkeypatch.setattr("agent.worker.Interface", Slow)
    with place() as here:
        monkeypatch.setattr(Slow, "here", here, raising=False)
        worker = Worker(NEAR, settings, None, sets, Bank(), Wanted(), lambda: None)
        worker.start()
        until(lambda: worker.is_open, "an open capture")
        send(here, capture, 2 * CAPACITY)
        ended = time.monotonic()
        until(lambda: worker.shedding.level == 0 and time.monotonic() > ended + 1.0, "all back")
        back = time.monotonic() - ended
        worker.ask_stop()
        worker.join()

    sightings = chain.from_iterable(parcel.sightings for parcel in worker.parcels)
    assert sum(one.count for one in sightings if one.what == "question") == PACKETS // EVERY
    assert worker.stats.received < PACKETS
    assert back < BACK_SECONDS + 1.0
