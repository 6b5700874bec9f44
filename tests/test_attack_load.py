"""An attack in every packet on a wire: what is judged is bounded, capture loses nothing."""

from itertools import chain
from pathlib import Path

import msgspec
import pytest

from agent.behaviours import bank, load
from agent.capture import Interface
from agent.config import Networks, Options, Settings
from agent.contents import MAX_A_SECOND, Contents, examining
from agent.direction import Home
from agent.scan import stats
from agent.sets import merged_filters
from agent.severity import SeverityTable
from agent.worker import Sets, Worker
from bench.live.place import NEAR, Place, place
from bench.live.send import send
from tests import packets, wired
from tests.deliver.waiting import until

pytestmark = pytest.mark.root

RATE, PACKETS, EVERY = 5_000.0, 15_000, 100
LISTED = "198.51.100.66"
CLIENT, SERVER = "10.9.0.1", "10.9.1.1"


class Inside(Interface):
    """A handle of an interface in another namespace."""

    here: Place

    def open(self) -> None:
        """Open inside the namespace, whatever thread asks."""
        with self.here.inside.entered():
            super().open()


def attacks() -> list[bytes]:
    """Return requests that differ, each an injection, and now and then a listed address."""
    return [
        packets.tcp_frame(
            CLIENT, 40_000, SERVER, 80, packets.http_request(f"/?id={n}+union+select+{n}")
        )
        if n % EVERY
        else packets.syn_frame(CLIENT, 1024 + n, LISTED, 443)
        for n in range(PACKETS)
    ]


def test_attacks_are_judged_within_the_budget_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is over is counted, here or by the scanner; what is listed is told to the last."""
    capture = packets.write_pcap(tmp_path / "c.pcap", packets.timed(attacks()))
    trails = wired.trails({LISTED: "malware"})
    sets = Sets(trails.own, trails.published, merged_filters(trails.own, trails.published))
    loaded = load(Options())
    contents = Contents(
        examining(loaded), trails, wired.allow_list(), Home(Networks().home), SeverityTable()
    )
    counters = bank(loaded, 64, 1, 0, NEAR)
    contents.banks = [counters]
    settings = msgspec.structs.replace(Settings().capture, buffer_mb=8)
    monkeypatch.setattr("agent.worker.Interface", Inside)
    with place() as here:
        monkeypatch.setattr(Inside, "here", here, raising=False)
        worker = Worker(NEAR, settings, None, sets, counters, contents.wanted, lambda: None)
        worker.start()
        until(lambda: worker.is_open, "an open capture")
        send(here, capture, RATE)
        until(lambda: worker.scanner.statistics()[stats.SYN] >= PACKETS // EVERY, "all of it")
        worker.ask_stop()
        worker.join()

    counted = worker.scanner.statistics()
    sightings = list(chain.from_iterable(parcel.sightings for parcel in worker.parcels))
    told = [hit for sighting in sightings for hit in contents.examine(sighting)]
    attacked = [hit for hit in told if hit.class_id == "behaviour-http_attack"]
    seconds = len({sighting.first_us // 1_000_000 for sighting in sightings})

    assert worker.stats.dropped == 0
    assert sum(each.count for each in sightings if each.what == "syn") == PACKETS // EVERY
    assert 0 < len(attacked) <= MAX_A_SECOND * seconds
    over = counted[stats.SHED_REQUESTS] + contents.counts()["over_budget"]
    assert over > 0
    assert len(attacked) + over == PACKETS - PACKETS // EVERY
