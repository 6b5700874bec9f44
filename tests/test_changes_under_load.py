"""Reloads and set switches while 200,000 packets a second come: sense loses none of them."""

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.trails.publish import publish
from bench import sets
from bench.live import load, traffic
from bench.live.place import place
from bench.live.station import Station, station

pytestmark = pytest.mark.root

RATE, SECONDS = 200_000.0, 4.0
EVERY = 0.7
"""Seconds from one change to the next."""
TRAILS = 20_000
_log = logging.getLogger(__name__)

TRIES = 3
"""A machine whose raw socket loses packets as well, or that cannot send as many, is tried again."""


@contextmanager
def changing(running: Station, state: Path, built: list[Path]) -> Iterator[list[str]]:
    """Reload sense and publish another set by turns; yield what was done."""
    done: list[str] = []
    ended = threading.Event()

    def change() -> None:
        while not ended.wait(EVERY):
            if len(done) % 2:
                publish(built[len(done) // 2 % len(built)], state)
                done.append("set")
            else:
                running.sense.send(signal.SIGHUP)
                done.append("reload")

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield done
    finally:
        ended.set()
        thread.join()


def test_no_packet_is_lost_while_settings_and_sets_change(tmp_path: Path) -> None:
    """None in its ring and none behind it; the changes are in force by then."""
    state = tmp_path / "state"
    state.mkdir()
    built = []
    for number in (1, 2):
        listed, path = tmp_path / f"{number}.csv", tmp_path / f"{number}.set"
        sets.write_generated(listed, TRAILS + number)
        sets.build(listed, path)
        built.append(path)
    publish(built[0], state)
    offered = traffic.write(tmp_path, "mix", built[0])

    with place() as made, station(made, tmp_path, state, tmp_path / "none.csv") as running:
        load.settle(running)
        for _ in range(TRIES):
            log = (tmp_path / "sense.log").stat().st_size
            with changing(running, state, built) as done:
                found = load.run(running, offered, RATE, SECONDS)
            if found.offered > RATE * 0.95 and not found.drained.dropped and not found.wire_dropped:
                break
        said = (tmp_path / "sense.log").read_text(encoding="utf-8")[log:]

    _log.info("%s", found)
    assert done.count("reload") >= 2
    assert said.count("reloaded: settings") >= 2
    assert said.count("using trail set") >= 2
    assert found.dropped == 0, found
    assert found.is_whole, found
    assert found.received >= found.sent
