"""Replay captures through the same way as live traffic; the same input gives the same bytes."""

import hashlib
import struct
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path

import msgspec

from agent.allow import AllowList
from agent.behaviours import bank
from agent.capture_files import CaptureFiles
from agent.config import Settings
from agent.explain import Explainer
from agent.ids import derived_ids
from agent.model import NO_SET, Delivery, Event, PacketBatch
from agent.pipeline import Pipeline
from agent.scan import is_compiled, stats
from agent.scan.duplicates import Duplicates
from agent.scan.rates import LATE_SECONDS
from agent.scan.scanner import Scanner
from agent.sets import REPLAY_SEED, merged_filters, open_sets
from agent.trails.find import Trails
from agent.watching import Seen, Watch

SECOND_US = 1_000_000
FIRST_US = attrgetter("first_us")
RECORD_BYTES = 16
TIME = struct.Struct("=II")
"""What a record of a batch begins with: seconds, microseconds."""
INERT_SAMPLES, INERT_LENGTH = 3, 40
"""Rows that a line names of each reason, and their characters; `trails info` names more."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks of a replay."""

    captures: tuple[str, ...]
    trails: tuple[Path, ...] = ()
    workers: int = 1
    fold: bool = True
    allow_list: bool = True
    explain: bool = False


class Replay:
    """One run over captures; `events` may be asked for once. Raise ConfigError, SetError."""

    def __init__(self, settings: Settings, state_dir: Path, options: Options) -> None:
        own, published = open_sets(settings, state_dir, options.trails)
        allow = AllowList.load(settings.allow_list, 0) if options.allow_list else AllowList((), 0)
        self.files = CaptureFiles(options.captures)
        self.set_id = published.set_id if published.info.keys else NO_SET
        self._settings = settings
        self._options = options
        self._own = own
        self._published = published
        self._allow = allow
        self._trails = Trails(own, published)
        self.scanners: list[Scanner] = []
        self.pipeline: Pipeline | None = None
        self.told = 0
        self._until_us = 0
        self._watch = Watch()

    def explanations(self) -> list[Seen]:
        """Return what every value that was seen came to; with `explain`, after the events."""
        return list(self._watch.explained(Explainer(self._trails, self._allow)))

    def deliveries(self) -> Iterator[Delivery]:
        """Yield the events with run and seq, in order."""
        run_id = ""
        for event in self._events():
            if not run_id:
                run_id = self._run_id
            self.told += 1
            yield Delivery(event=event, run_id=run_id, seq=self.told)

    def inert(self) -> Iterator[str]:
        """Yield a line for each reason why rows of the lists can never match."""
        for info in (self._own.info, self._published.info):
            for reason, refused in info.inert.items():
                samples = ", ".join(one[:INERT_LENGTH] for one in refused.samples[:INERT_SAMPLES])
                yield f"{refused.count} row(s) of the lists can never match: {reason}: {samples}"

    def statistics(self) -> dict[str, object]:
        """Return what was counted, for `--stats`."""
        rows = [scanner.statistics() for scanner in self.scanners] or [[0] * stats.COUNTERS]
        totals = [sum(column) for column in zip(*rows, strict=True)]
        counted: dict[str, object] = dict(zip(stats.NAMES, totals, strict=True))
        if len(self.scanners) > 1:
            counted["packets"] = self.scanners[0].statistics()[stats.PACKETS]
            counted["bytes"] = self.scanners[0].statistics()[stats.BYTES]
        return {
            "events": self.told,
            "hits": self.pipeline.hits if self.pipeline else 0,
            "allowed": dict(self._allow.counts()),
            "set": self.set_id,
            "trails": self._published.info.keys,
            "own_trails": self._own.info.keys,
            "build": "compiled" if is_compiled() else "plain",
            "torn_captures": self.files.torn,
            **counted,
        }

    def _begin(self, first: PacketBatch) -> Pipeline:
        """Derive identifiers from the input, and wire the rooms."""
        digest = hashlib.blake2b(self.set_id.encode(), digest_size=16)
        digest.update(first.data)
        digest.update(first.meta)
        self._run_id = digest.hexdigest()
        ids = derived_ids(digest.digest())
        pipeline = Pipeline(self._settings, self._trails, self._allow, ids, fold=self._options.fold)
        pipeline.adopt(self._trails, self.set_id)
        own, published = self._own.buffer, self._published.buffer
        explain = self._options.explain
        filters = merged_filters(self._own, self._published, everything=explain)
        if explain:
            pipeline.matcher.watch = self._watch.take
        workers = self._options.workers
        tables_mb = self._settings.limits.tables_mb
        banks = [
            bank(pipeline.detections, tables_mb, workers, REPLAY_SEED, "") for _ in range(workers)
        ]
        self.scanners = [
            Scanner(
                own,
                published,
                filters,
                banks[shard],
                shard,
                workers,
                pipeline.contents.wanted,
            )
            for shard in range(workers)
        ]
        duplicates = Duplicates()
        for scanner in self.scanners:
            scanner.compare(duplicates)
        pipeline.use_banks(banks)
        self.pipeline = pipeline
        return pipeline

    def take(self, batch: PacketBatch) -> Iterator[Event]:
        """Yield the events of one batch, second by second; the first one wires the rooms."""
        pipeline = self.pipeline or self._begin(batch)
        number, packets = 0, len(batch.meta) // RECORD_BYTES
        while number < packets:
            seconds, microseconds = TIME.unpack_from(batch.meta, number * RECORD_BYTES)
            now_us = seconds * SECOND_US + microseconds
            is_older = now_us < self._until_us - SECOND_US - LATE_SECONDS * SECOND_US
            if is_older or now_us >= self._until_us:  # a second is over, perhaps since long ago
                yield from self._drain(pipeline)
                yield from self._judge(pipeline)
                if is_older:  # nothing of what came before goes on in this capture
                    yield from pipeline.judge_last(self._until_us)
                self._until_us = (now_us // SECOND_US + 1) * SECOND_US
            begin, number, is_full = number, packets, False
            for scanner in self.scanners:
                number = min(number, scanner.scan(batch, begin, self._until_us))
                is_full = is_full or scanner.full
            self._take_hot(pipeline)
            if is_full:
                yield from self._drain(pipeline)

    def end(self) -> Iterator[Event]:
        """Yield what the end of the input tells."""
        if self.pipeline:
            for scanner in self.scanners:
                scanner.finish()
            yield from self._drain(self.pipeline)
            yield from self._judge(self.pipeline)
            yield from self.pipeline.judge_last(self._until_us)
            yield from self.pipeline.flush()

    def _events(self) -> Iterator[Event]:
        for batch in self.files.batches():
            yield from self.take(batch)
        yield from self.end()

    def _drain(self, pipeline: Pipeline) -> list[Event]:
        """Match what the scanners saw in this second, in the order of the packets."""
        sightings = [s for scanner in self.scanners for s in scanner.drain(True, "")]
        sightings.sort(key=FIRST_US)
        events = pipeline.sightings(sightings)
        for token in pipeline.take_harmless():
            for scanner in self.scanners:
                scanner.learn(token)
        return events + pipeline.tick(max(scanner.time_us for scanner in self.scanners))

    def _judge(self, pipeline: Pipeline) -> list[Event]:
        """Judge what was counted up to the end of this second."""
        self._take_hot(pipeline)
        return pipeline.judge(self._until_us)

    def _take_hot(self, pipeline: Pipeline) -> None:
        """Take over hot keys; after each batch, so that none has to wait for a place."""
        for scanner in self.scanners:
            if scanner.has_hot:
                pipeline.hot(scanner.bank.hot())
