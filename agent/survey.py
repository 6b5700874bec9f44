"""Count a capture, or a while of live traffic, for the report of coverage. Reports no event."""

import select
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack

from agent import hello
from agent.capture import CaptureError, Interface, wanted
from agent.capture_files import CaptureFiles
from agent.config import Capture
from agent.coverage import Counted, derived
from agent.model import PacketBatch
from agent.quic import QuicHellos
from agent.scan import stats
from agent.scan.scanner import Scanner
from agent.sets import REPLAY_SEED, empty_set, merged_filters

POLL_SECONDS = 0.1


class Survey:
    """One scanner that looks for nothing, and what it counted."""

    def __init__(self) -> None:
        self._set = empty_set(REPLAY_SEED)  # its mapping must outlive the scanner's views of it
        filters = merged_filters(self._set, self._set)
        self._scanner = Scanner(self._set.buffer, self._set.buffer, filters)
        self._quic = QuicHellos()
        self._read = 0
        self.dropped = 0

    def take(self, batch: PacketBatch) -> None:
        """Count a batch."""
        self._scanner.scan(batch)
        for sighting in self._scanner.drain(True, ""):
            if sighting.what == "quic":
                ends = sighting.source, sighting.destination
                found = self._quic.take(*ends, sighting.packet, sighting.first_us)
                self._read += sum(
                    1 for part in found if part.is_name_new and hello.parse(part.hello)
                )

    def counted(self) -> Counted:
        """Return what there was; nothing more may come."""
        self._scanner.finish()
        counters = dict(zip(stats.NAMES, self._scanner.statistics(), strict=True))
        unread = self._scanner.unread.rows()
        counters |= derived(unread)
        quic = Counter({"read": self._read, **self._quic.dropped})
        quic["no-room"] = counters["sightings_shed_quic"]
        return Counted(counters, unread, quic, self.dropped)


def of_files(paths: Sequence[str]) -> Counted:
    """Count captures; raise CaptureError."""
    survey = Survey()
    captures = CaptureFiles(paths)
    for batch in captures.batches():
        survey.take(batch)
    return survey.counted()._replace(torn=captures.torn, captures=len(paths))


def of_interfaces(settings: Capture, seconds: float) -> Counted:
    """Count what passes the configured interfaces for so long; raise CaptureError."""
    names = sorted(wanted(settings.interfaces))
    if not names:
        raise CaptureError("capture.interfaces: there is none to capture on; bring one up")
    survey = Survey()
    with ExitStack() as opened:
        handles = [opened.enter_context(Interface(name, settings)) for name in names]
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            ready, _, _ = select.select(handles, [], [], POLL_SECONDS)
            for handle in ready:
                batch = handle.read()
                if batch:
                    survey.take(batch)
        counted = [handle.stats() for handle in handles]
    survey.dropped = sum(one.dropped + one.interface_dropped for one in counted)
    return survey.counted()
