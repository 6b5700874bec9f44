"""sense that runs for a part of the time only: what it gives up first, and that it comes back.

So does a host that has no processor to spare, a quota, or a machine that is paused. The process is
stopped and continued by turns, or has a quota of the kernel's, where one can be had.
"""

import logging
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from agent.deliver.server import Server
from agent.model import Event
from agent.shedding import LEVELS
from bench.delivery.processes import Process
from bench.live.place import NEAR, Place, place
from bench.live.send import send
from tests import packets
from tests.deliver.waiting import until

pytestmark = pytest.mark.root

ROOT = Path(__file__).resolve().parents[1]
CPU = Path("/sys/fs/cgroup/cpu")
NAME, ADDRESS = "evil.example.org", "198.51.100.7"
ROUND, ROUNDS = 20_000, 6
RATE = 20_000.0
RING_MB = 2
STOPPED, RUNNING = 0.55, 0.05
"""Seconds by turns: what comes while sense stands still is twice what its ring holds."""
BACK_SECONDS = 12.0
LADDER = [level.shed for level in LEVELS[1:]]
"""What is given up, in order; sense that runs for moments only may tell two steps at once."""

Slowed = Callable[[int], AbstractContextManager[None]]


def frame(number: int) -> bytes:
    """Return a packet of the mix: bulk, requests, large datagrams, questions and attempts."""
    client, port = f"10.9.{number // 250 % 250}.{number % 250}", 1024 + number % 60_000
    kind = number % 20
    if kind == 0:
        question = packets.dns_query(f"h{number}.{NAME}")
        return packets.udp_frame("10.8.0.1", port, "192.0.2.53", 53, question)
    if kind == 1:
        return packets.syn_frame("10.8.0.1", port, ADDRESS, 443)
    if kind < 6:
        bulk = b"\x17\x03\x03\x04\xb0" + bytes(1200)
        return packets.tcp_frame("192.0.2.80", 443, client, port, bulk)
    if kind < 13:
        request = packets.http_request("/" + "a" * 600, f"h{number}.example.com")
        return packets.tcp_frame(client, port, "192.0.2.80", 80, request)
    return packets.udp_frame(client, port, "192.0.2.9", 999, bytes(800))


@contextmanager
def by_turns(pid: int) -> Iterator[None]:
    """Stop and continue a process by turns."""
    ended = threading.Event()

    def turns() -> None:
        while not ended.is_set():
            os.kill(pid, signal.SIGSTOP)
            time.sleep(STOPPED)
            os.kill(pid, signal.SIGCONT)
            time.sleep(RUNNING)

    thread = threading.Thread(target=turns)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def with_quota(pid: int) -> Iterator[None]:
    """Give a process the processor for RUNNING in each STOPPED + RUNNING, as CPUQuota= does."""
    group = CPU / f"maltrail-test-{pid}"
    group.mkdir()
    try:
        (group / "cpu.cfs_period_us").write_text("600000")
        (group / "cpu.cfs_quota_us").write_text("12000")
        (group / "cgroup.procs").write_text(str(pid))
        try:
            yield
        finally:
            (CPU / "cgroup.procs").write_text(str(pid))
    finally:
        group.rmdir()


class Sense:
    """A sense in a process of its own on one end of the wire, and what it told."""

    def __init__(self, here: Place, folder: Path) -> None:
        self.events: list[Event] = []
        run, own, config = folder / "run", folder / "own.txt", folder / "config.yaml"
        run.mkdir()
        own.write_text(f"{NAME}\n{ADDRESS}\n", encoding="ascii")
        config.write_text(
            f"sensor: {{name: sensor.example.org}}\n"
            f"capture: {{interfaces: [{NEAR}], buffer_mb: {RING_MB}}}\n"
            f"trails: {{custom: [{own}]}}\n"
            "allow_list: {builtin: false, files: []}\n"
            "condense: {window: 1s}\n",
            encoding="utf-8",
        )
        self.server = Server(run / "events.sock", frozenset({os.geteuid()}), self.events.extend)
        tail = ["-c", str(config), "--state-dir", str(folder), "--run-dir", str(run)]
        command = here.inside.command(sys.executable, "-m", "agent", "sense", *tail)
        self.process = Process(command, folder / "sense.log")

    def metric(self, name: str) -> float:
        """Return a metric as last told, -1 before anything was."""
        snapshot = self.server.sense.snapshot
        found = [s.value for s in snapshot.samples if s.name == name] if snapshot else []
        return sum(found) if found else -1.0

    def told(self, key: str) -> int:
        """Return how many observations of a listed key were told."""
        return sum(event.count for event in self.events if event.indicator == key)

    def shed(self) -> list[str]:
        """Return what was told to be given up, in order."""
        found = []
        for event in self.events:
            _, _, what = str(event.evidence.get("what", "")).partition("it is not read: ")
            if what:
                found.append(what)
        return found


@pytest.fixture
def sense(tmp_path: Path) -> Iterator[tuple[Sense, Place]]:
    """Return a sense that captures."""
    with place() as here:
        made = Sense(here, tmp_path)
        made.server.listen()
        made.server.start()
        made.process.start()
        try:
            until(lambda: made.metric("capture_up") == 1.0, "sense captures")
            yield made, here
        finally:
            made.process.end(signal.SIGTERM)
            made.server.stop()


_log = logging.getLogger(__name__)

QUOTA = pytest.param(
    with_quota,
    marks=pytest.mark.skipif(
        not (CPU / "cpu.cfs_quota_us").parent.is_dir() or not os.access(CPU, os.W_OK),
        reason="no processor controller of control groups version 1",
    ),
)


@pytest.mark.parametrize("slowed", [by_turns, QUOTA])
def test_bulk_goes_first_and_listed_names_and_addresses_last(
    slowed: Slowed, sense: tuple[Sense, Place], tmp_path: Path
) -> None:
    """In that order and told each time; all is read again when there is time again."""
    running, here = sense
    frames = [frame(number) for number in range(ROUND)]
    capture = packets.write_pcap(tmp_path / "c.pcap", packets.timed(frames))

    with slowed(running.process.pid):
        sent = send(here, capture, RATE, ROUNDS)
    ended = time.monotonic()
    until(lambda: running.metric("capture_shed_level") == 0.0, "all is read again", BACK_SECONDS)
    back = time.monotonic() - ended
    until(lambda: any("is read in full again" in e.info for e in running.events), "that is told")

    seen = {
        "questions": running.told(NAME),
        "attempts": running.told(ADDRESS),
        "requests": int(running.metric("scan_http_requests_total")),
    }
    kinds = Counter(number % 20 for number in range(ROUND))
    share = {
        "questions": seen["questions"] / (kinds[0] * ROUNDS),
        "attempts": seen["attempts"] / (kinds[1] * ROUNDS),
        "requests": seen["requests"] / (sum(kinds[kind] for kind in range(6, 13)) * ROUNDS),
    }
    _log.info("%s seen %s, all read again after %.1f s, told %s", sent, share, back, running.shed())
    told = [LADDER.index(what) for what in running.shed()]
    worst = told.index(LADDER.index(LEVELS[4].shed))
    assert told[: worst + 1] == sorted(set(told[: worst + 1])), "one step after the other"
    assert share["questions"] > 2 * share["requests"]
    assert share["attempts"] > 2 * share["requests"]
