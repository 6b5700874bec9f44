"""Build a trail set: take trails, write one immutable file.

Of several trails of a key the one of the highest rank gives info and reference, of equal ranks
the later; the sources of all are kept. Peak memory is the packed keys and one sorted copy, no
object a trail.
"""

import hashlib
import io
import json
import os
import secrets
import time
from array import array
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import BinaryIO, Protocol

import msgspec

from agent.model import Source, Trail
from agent.scan import layout
from agent.trails import keys
from agent.trails.pack import Packer
from agent.trails.pair import pair
from agent.trails.patterns import AgentGate, Gate

UNUSED = 0xFFFFFFFF
MAX_SAMPLES = 10
"""Samples kept of each reason for inert rows: enough to see what is wrong with a list."""
MAX_SAMPLE = 200
"""Characters of a sample."""
MAX_QUARANTINED = 20_000
"""Quarantined keys listed in a set; beyond they are only counted: a poisoned list has millions."""
GATE_SAMPLES = 20_000
"""Names by which the gate learns what is common: a tenth of a second of counting."""
EPOCH = date(1970, 1, 1)


class Refused(msgspec.Struct, frozen=True):
    """Rows that can never match, by reason."""

    count: int
    samples: tuple[str, ...]


class SetInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a set says of itself. `counts` is keys by kind, `inert` rows left out by reason.

    `repeats` is rows by kind that name a key again, in another spelling or another list: keys,
    repeats and inert rows are all rows. `ungated` patterns are tried on every name,
    `ungated_agents` on every User-Agent once.
    """

    set_id: str
    keys: int
    counts: Mapping[str, int]
    inert: Mapping[str, Refused]
    repeats: Mapping[str, int] = {}
    sources: tuple[str, ...]
    built_us: int
    ungated: int = 0
    ungated_agents: int = 0
    quarantined: int = 0


class Previous(Protocol):
    """What building needs of the set before: its rows, sorted alike, and who named them."""

    @property
    def pool(self) -> memoryview:
        """Return all keys, end to end."""

    @property
    def row_words(self) -> memoryview:
        """Return all rows, two words each."""

    def sources_at(self, start: int) -> tuple[Source, ...]:
        """Return the sources that rows with this provenance have."""


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of the set before: first and last days of the sources of each key.

    A source that no longer names a key is kept where its list is one of `lists` and named the
    key after the day `since`.
    """

    previous: Previous
    lists: frozenset[str]
    since: int


class Builder:
    """Collects trails; `write` ends it. `seed` is drawn unless given, `built_us` is now."""

    def __init__(
        self,
        seed: int | None = None,
        built_us: int | None = None,
        memory: Memory | None = None,
    ) -> None:
        self._memory = memory
        self._built_us = time.time_ns() // 1000 if built_us is None else built_us
        self.seed = secrets.randbits(64) if seed is None else seed
        self._packer = Packer(self.seed)
        self._labels: dict[tuple[str, str], int] = {}
        self._provenances: dict[tuple[tuple[int, int, int], ...], int] = {}
        self._provenance_list: list[tuple[tuple[int, int, int], ...]] = []
        self._single: dict[Source, int] = {}
        self._sources: dict[str, int] = {}
        self._inert: dict[str, list[str]] = {}
        self._inert_counts: dict[str, int] = {}
        self._quarantined: list[str] = []
        self._quarantined_count = 0
        self._repeats = [0] * len(layout.KIND_NAMES)
        self._ranks = bytearray()

    @property
    def count(self) -> int:
        """Return how many keys there are so far."""
        return self._packer.count

    def add(self, trail: Trail) -> str | None:
        """Take one trail; return None, or the reason why it can never match."""
        try:
            self.put(self.read(trail), trail, trail.source)
        except keys.Inert as error:
            return str(error)
        return None

    def read(self, trail: Trail) -> keys.Key:
        """Return the key of a trail; raise Inert, noted, where it can never match."""
        try:
            return keys.parse(trail.key, trail.dialect, trail.kind)
        except keys.Inert as error:
            self._note_inert(str(error), trail.key)
            raise

    def holds(self, key: keys.Key) -> bool:
        """Tell whether a key was taken already."""
        return self._packer.find(key.kind, key.key) >= 0

    def put(self, key: keys.Key, trail: Trail, source: Source, rank: int = 0) -> None:
        """Take a trail's label, of a rank from 0 to 255, and who names it, for a key."""
        label = self._labels.setdefault((trail.info, trail.reference), len(self._labels))
        row = self._packer.find(key.kind, key.key)
        if row < 0:
            self._packer.append(key.kind, key.key, key.flags, label, self._provenance(source))
            self._ranks.append(rank)
            return
        self._repeats[key.kind] += 1
        if rank < self._ranks[row]:
            label = self._packer.label(row)
        else:
            self._ranks[row] = rank
        merged = self._merge(self._packer.provenance(row), source)
        # A key listed with and without its leading dot means both: drop the restriction.
        self._packer.replace(row, key.flags & self._packer.flags(row), label, merged)

    def quarantine(self, key: str, reason: str) -> None:
        """Note a key that is kept out of matching and reported."""
        self._quarantined_count += 1
        if len(self._quarantined) < MAX_QUARANTINED:
            self._quarantined.append(f"{key}\t{reason}")

    def write(self, path: Path) -> SetInfo:
        """Write the set to `path`, synchronised to disk; the builder is spent. Raise OSError."""
        with path.open("wb") as file:
            info = self._write(file)
            file.flush()
            os.fsync(file.fileno())
        return info

    def to_bytes(self) -> bytes:
        """Return the set as bytes, for a small set that never becomes a file."""
        file = io.BytesIO()
        self._write(file)
        return file.getvalue()

    def _write(self, file: BinaryIO) -> SetInfo:
        packer = self._packer
        packer.sort()
        self._remember()
        labels = array("I", [UNUSED]) * len(self._labels)
        provenances = array("I", [UNUSED]) * len(self._provenance_list)
        packer.renumber(labels, provenances)
        label_words, strings = self._label_section(labels)
        words, spans = self._provenance_section(provenances)
        set_id = self._content_hash(labels, provenances)
        self._spread(spans)
        gate, ungated = self._gate()
        agents, ungated_agents = self._agent_gate()
        info = self._info(set_id, ungated, ungated_agents)
        sections = _Sections(file)
        sections.add(layout.SECTION_META, msgspec.json.encode(info))
        sections.add(layout.SECTION_POOL, packer.pool_bytes())
        sections.add(layout.SECTION_ROWS, packer.row_words())
        sections.add(layout.SECTION_LABELS, label_words)
        sections.add(layout.SECTION_STRINGS, strings)
        sections.add(layout.SECTION_PROVENANCE, words)
        sections.add(layout.SECTION_DIRECTORY, self._tables(sections))
        sections.add(layout.SECTION_NETWORKS, self._networks())
        sections.add(layout.SECTION_GATE, gate)
        sections.add(layout.SECTION_AGENTS, agents)
        sections.add(layout.SECTION_QUARANTINED, "\n".join(self._quarantined).encode())
        sections.finish(self.seed, packer.count, bytes.fromhex(set_id))
        return info

    def _note_inert(self, reason: str, key: str) -> None:
        self._inert_counts[reason] = self._inert_counts.get(reason, 0) + 1
        samples = self._inert.setdefault(reason, [])
        if len(samples) < MAX_SAMPLES:
            # A terminal shows them: what lists hold may try to be more than text.
            shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in key[:MAX_SAMPLE])
            if shown not in samples:
                samples.append(shown)

    def _provenance(self, source: Source) -> int:
        number = self._single.get(source)
        if number is None:
            number = self._number_provenance((self._entry(source),))
            self._single[source] = number
        return number

    def _entry(self, source: Source) -> tuple[int, int, int]:
        number = self._sources.setdefault(source.name, len(self._sources))
        return number, day_number(source.first_seen), day_number(source.last_seen)

    def _number_provenance(self, entries: tuple[tuple[int, int, int], ...]) -> int:
        number = self._provenances.get(entries)
        if number is None:
            number = len(self._provenance_list)
            self._provenances[entries] = number
            self._provenance_list.append(entries)
        return number

    def _merge(self, number: int, source: Source) -> int:
        new = self._entry(source)
        entries = {entry[0]: entry for entry in self._provenance_list[number]}
        old = entries.get(new[0], new)
        first = min((day for day in (old[1], new[1]) if day), default=0)
        entries[new[0]] = (new[0], first, max(old[2], new[2]))
        return self._number_provenance(tuple(entries[key] for key in sorted(entries)))

    def _remember(self) -> None:
        """Give sources the days that the set before knows, and keep those that named a key."""
        if self._memory is None:
            return
        previous = self._memory.previous
        packer = self._packer
        partner = array("I", [UNUSED]) * packer.count
        pair(packer.pool_bytes(), packer.row_words(), previous.pool, previous.row_words, partner)
        packer.carry(partner, previous.row_words, self._remembered)

    def _remembered(self, number: int, start: int) -> int:
        """Return the number of the sources `number` joined with those of the set before."""
        memory = self._memory
        if memory is None:
            return number
        entries = {entry[0]: entry for entry in self._provenance_list[number]}
        for source in memory.previous.sources_at(start):
            old = self._entry(source)
            new = entries.get(old[0])
            if new is not None:
                first = min((day for day in (old[1], new[1]) if day), default=0)
                entries[old[0]] = (old[0], first, max(old[2], new[2]))
            elif source.name in memory.lists and old[2] > memory.since:
                entries[old[0]] = old
        return self._number_provenance(tuple(entries[key] for key in sorted(entries)))

    def _label_section(self, renumbered: "array[int]") -> tuple["array[int]", bytes]:
        """Lay out labels in their new order: two words each, and their strings."""
        ordered = sorted(
            (new, label)
            for label, new in zip(self._labels, renumbered, strict=True)
            if new != UNUSED
        )
        strings = bytearray()
        places: dict[str, int] = {}
        words = array("Q")
        for _, label in ordered:
            for text in label:
                place = places.get(text)
                if place is None:
                    data = text.encode("utf-8", "surrogateescape")
                    place = len(strings) | (len(data) << 32)
                    places[text] = place
                    strings += data
                words.append(place)
        return words, bytes(strings)

    def _provenance_section(self, renumbered: "array[int]") -> tuple["array[int]", "array[int]"]:
        """Lay out source lists in their new order; also return where each begins, in words."""
        ordered = sorted(
            (new, entries)
            for entries, new in zip(self._provenance_list, renumbered, strict=True)
            if new != UNUSED
        )
        words = array("Q")
        spans = array("I")
        for _, entries in ordered:
            spans.append(len(words))
            words.append(len(entries))
            words.extend((number << 32) | (first << 16) | last for number, first, last in entries)
        return words, spans

    def _spread(self, spans: "array[int]") -> None:
        """Let rows point at words of the provenance section rather than at its lists."""
        self._packer.point(spans)

    def _content_hash(self, labels: "array[int]", provenances: "array[int]") -> str:
        """Hash what the set means: sorted keys, labels, sources and first days, no last days."""
        digest = hashlib.sha256()
        names = list(self._sources)
        undated: dict[tuple[tuple[str, int], ...], int] = {}
        classes = array("I", [0]) * len(provenances)
        ordered = sorted(
            (new, entries)
            for entries, new in zip(self._provenance_list, provenances, strict=True)
            if new != UNUSED
        )
        for new, entries in ordered:
            meaning = tuple(sorted((names[number], first) for number, first, _ in entries))
            classes[new] = undated.setdefault(meaning, len(undated))
        digest.update(self._packer.pool_bytes())
        self._packer.digest_rows(classes, digest.update)
        new_labels = sorted((new, label) for label, new in zip(self._labels, labels, strict=True))
        digest.update(json.dumps([label for new, label in new_labels if new != UNUSED]).encode())
        digest.update(json.dumps(list(undated)).encode())
        return digest.hexdigest()

    def _info(self, set_id: str, ungated: int, ungated_agents: int) -> SetInfo:
        packer = self._packer
        sizes = (
            packer.first_row(kind + 1) - packer.first_row(kind)
            for kind in range(len(layout.KIND_NAMES))
        )
        inert = {
            reason: Refused(count, tuple(self._inert[reason]))
            for reason, count in sorted(self._inert_counts.items())
        }
        return SetInfo(
            set_id=set_id,
            keys=packer.count,
            counts=_by_name(sizes),
            inert=inert,
            repeats=_by_name(self._repeats),
            sources=tuple(self._sources),
            built_us=self._built_us,
            ungated=ungated,
            ungated_agents=ungated_agents,
            quarantined=self._quarantined_count,
        )

    def _tables(self, sections: "_Sections") -> "array[int]":
        """Write filters and slots of every table; return the directory that finds them."""
        directory = array("Q")
        for kind in range(layout.TABLES):
            first = self._packer.first_row(kind)
            size = self._packer.first_row(kind + 1) - first
            bits = array("Q", bytes(8 * layout.filter_words(size)))
            slots = array("Q", bytes(8 * _power_of_two(size + size // 2 + 1)))  # never full
            self._packer.fill(kind, bits, slots)
            at_bits = sections.append(layout.SECTION_TABLES, bits) // 8
            at_slots = sections.append(layout.SECTION_TABLES, slots) // 8
            directory.extend([at_bits, len(bits) - 1, at_slots, len(slots) - 1, first, size])
        return directory

    def _networks(self) -> "array[int]":
        words = array("Q", bytes(8 * layout.NETWORK_WORDS))
        self._network_gate(words, layout.NET4, layout.NETWORK_GATE4, layout.NETWORK_LENGTHS4)
        self._network_gate(words, layout.NET6, layout.NETWORK_GATE6, layout.NETWORK_LENGTHS6)
        return words

    def _network_gate(self, words: "array[int]", kind: int, gate: int, lengths: int) -> None:
        seen: set[int] = set()
        for row in range(self._packer.first_row(kind), self._packer.first_row(kind + 1)):
            key = self._packer.key(row)
            length = key[-1]
            seen.add(length)
            top = int.from_bytes(key[:2], "big")
            for bit in range(top, top + (1 << max(0, 16 - length))):
                words[gate + bit // 64] |= 1 << (bit % 64)
        words[lengths] = len(seen)
        for index, length in enumerate(sorted(seen, reverse=True)):
            words[lengths + 1 + index] = length

    def _gate(self) -> tuple["array[int]", int]:
        """Return the bitmaps of pattern literals, and how many patterns have none."""
        names = self._packer.first_row(layout.DOMAIN + 1)
        step = max(1, names // GATE_SAMPLES)
        gate = Gate(self._packer.key(row) for row in range(0, names, step))
        ungated = 0
        first = self._packer.first_row(layout.PATTERN)
        for row in range(first, self._packer.first_row(layout.PATTERN + 1)):
            ungated += not gate.add(self._packer.key(row).decode("utf-8", "replace"))
        return array("Q", gate.words), ungated

    def _agent_gate(self) -> tuple["array[int]", int]:
        """Return the bitmaps of User-Agent literals, and how many patterns have none.

        A set without such patterns has no bitmaps.
        """
        gate, ungated = AgentGate(), 0
        first = self._packer.first_row(layout.USER_AGENT_PATTERN)
        last = self._packer.first_row(layout.USER_AGENT_PATTERN + 1)
        for row in range(first, last):
            ungated += not gate.add(self._packer.key(row).decode("utf-8", "replace"))
        return array("Q", gate.words if last > first else ()), ungated


class _Sections:
    """Writes sections one after the other, each at a multiple of eight bytes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._at = layout.HEADER_BYTES
        self._places: dict[int, tuple[int, int]] = {}
        file.write(bytes(layout.HEADER_BYTES))

    def add(self, section: int, data: "bytes | memoryview | array[int]") -> None:
        """Write a whole section."""
        start = self.append(section, data)
        self._places[section] = (start, memoryview(data).nbytes)

    def append(self, section: int, data: "bytes | memoryview | array[int]") -> int:
        """Write a part of a section; return where it begins, in bytes."""
        view = memoryview(data).cast("B") if memoryview(data).nbytes else memoryview(b"")
        start = self._at
        padded = view.nbytes + (-view.nbytes % 8)
        for part in (view, bytes(padded - view.nbytes)):
            self._file.write(part)
            self._digest.update(part)
        self._at += padded
        first, length = self._places.get(section, (start, 0))
        self._places[section] = (first, start + view.nbytes - first if length or view.nbytes else 0)
        return start

    def finish(self, seed: int, count: int, content_hash: bytes) -> None:
        """Write the header over its place."""
        header = layout.Header(
            version=layout.FORMAT_VERSION,
            file_size=self._at,
            seed=seed,
            keys=count,
            content_hash=content_hash,
            body_digest=self._digest.digest(),
            sections=tuple(
                self._places.get(section, (layout.HEADER_BYTES, 0))
                for section in range(layout.SECTIONS)
            ),
        )
        self._file.seek(0)
        self._file.write(layout.pack_header(header))


def _by_name(numbers: Iterable[int]) -> dict[str, int]:
    """Return numbers of kinds by the names of kinds, which v4 and v6 share, without zeros."""
    named: dict[str, int] = {}
    for name, number in zip(layout.KIND_NAMES, numbers, strict=True):
        if number:
            named[name] = named.get(name, 0) + number
    return named


def _power_of_two(size: int) -> int:
    return 1 << max(0, size - 1).bit_length()


def day_number(text: str) -> int:
    """Return days since 1970 of an ISO date, 0 for none; raise ValueError."""
    if not text:
        return 0
    return min(max((date.fromisoformat(text[:10]) - EPOCH).days, 0), 0xFFFF)


def day_text(day: int) -> str:
    """Return the ISO date of a day number, empty for 0."""
    return (EPOCH + timedelta(days=day)).isoformat() if day else ""
