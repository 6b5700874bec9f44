"""Count a capture, or a while of live traffic, for the report of coverage. Reports no event."""

import select
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack

from agent import google_quic, hello
from agent.capture import CaptureError, Interface, wanted
from agent.capture_files import CaptureFiles
from agent.config import Capture
from agent.coverage import Counted, derived
from agent.model import PacketBatch, Sighting
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
        self.dropped = 0

    def take(self, batch: PacketBatch) -> None:
        """Count a batch."""
        self._scanner.scan(batch)
        for sighting in self._scanner.drain(True, ""):
            if sighting.what == "quic":
                self._initial(sighting)

    def _initial(self, sighting: Sighting) -> None:
        """Count what a QUIC client says, as agent.match reads it."""
        if google_quic.is_google(sighting.packet):
            said = google_quic.read(sighting.packet)
            self._quic.note(said.server_name, is_new=True, is_encrypted=False)
            return
        ends = sighting.source, sighting.destination
        for part in self._quic.take(*ends, sighting.packet, sighting.first_us):
            parsed = hello.parse(part.hello)
            if parsed:
                is_encrypted = part.is_whole and parsed.is_encrypted
                self._quic.note(
                    parsed.server_name, is_new=part.is_name_new, is_encrypted=is_encrypted
                )

    def counted(self) -> Counted:
        """Return what there was; nothing more may come."""
        self._scanner.finish()
        counters = dict(zip(stats.NAMES, self._scanner.statistics(), strict=True))
        unread = self._scanner.unread.rows()
        counters |= derived(unread)
        quic = Counter({**self._quic.said, **self._quic.dropped})
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
