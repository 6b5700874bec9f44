"""Captures on disk or on standard input: files in, packet batches out.

Strategy: plain files are read by libpcap in batches of a fixed size, so that a replay is
deterministic. What can be read once only (gzip, pipes, standard input) goes through a pipe that a
thread feeds, and is read packet by packet: libpcap throws a whole batch away where the file breaks
off inside it. Where libpcap gives a plain pcapng file up, agent.pcapng reads on: several link
types, snap lengths or byte orders in one file.
"""

import fcntl
import itertools
import logging
import os
import signal
import stat
import struct
import threading
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import pcapy

from agent import pcapng
from agent.capture import BATCH_MAX, CaptureError, reason_of
from agent.model import PacketBatch

STANDARD_INPUT = "-"

CHUNK = 1 << 16
"""Bytes taken from a stream, or out of a compressed one, at a time: what a pipe holds."""

HEADER_MAX = 1 << 20
"""What may precede the first packet of a stream: the largest pipe that Linux gives to anyone."""

HEADER_MIN = 24
"""The shorter of both formats' headers; a part of it may be no known format to libpcap."""

_UNFINISHED = ("truncated", "no Interface Description")  # libpcap's words for a header cut short
_GZIP_MAGIC = b"\x1f\x8b"
_COMPRESSED = {
    "zstd": b"\x28\xb5\x2f\xfd",
    "lz4": b"\x04\x22\x4d\x18",
    "xz": b"\xfd7zXZ\0",
    "bzip2": b"BZh",
}
_GZIP_BITS = 31  # zlib: 32 kB window, gzip header and trailer
_RECORD = struct.Struct("=IIII")
_SECONDS = 0xFFFFFFFF  # of a record's time; one that is forged may be anything

_log = logging.getLogger("agent.capture")


class CaptureFiles:
    """Captures, one after the other; `torn` counts those that broke off in the middle."""

    def __init__(self, paths: Sequence[str], *, standard_input: int = 0) -> None:
        """Raise CaptureError for a path that is not there, before anything is read."""
        self.torn = 0
        self._paths = paths
        self._standard_input = standard_input
        for path in paths:
            if path != STANDARD_INPUT:
                _require(path)

    def batches(self) -> Iterator[PacketBatch]:
        """Yield all packets in order; raise CaptureError for what is no capture.

        Of a capture that breaks off the packets before that are yielded, and a warning is logged.
        """
        for path in self._paths:
            try:
                yield from self._batches_of(path)
            except _Torn as torn:
                self.torn += 1
                _log.warning("%s: breaks off: %s; the packets before are used", path, torn)

    def _batches_of(self, path: str) -> Iterator[PacketBatch]:
        """Yield one capture's packets; raise _Torn where it breaks off."""
        if path == STANDARD_INPUT:
            yield from _read_stream(self._standard_input, path)
            return
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise _unreadable(path, error) from error
        try:
            is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
            if is_file:
                _require_readable(descriptor, path)
            if is_file and not _begins_with(descriptor, _GZIP_MAGIC):
                yield from _read_file(descriptor, path)
            else:
                yield from _read_stream(descriptor, path)
        finally:
            os.close(descriptor)


class _Torn(Exception):  # noqa: N818 - a state of the file rather than a fault
    """A capture that ends in the middle; the text is the reason."""


class _Source:
    """A stream's bytes, decompressed where they are gzip; `fault` says why they end too early."""

    def __init__(self, descriptor: int) -> None:
        self.fault = ""
        # A copy, because the feeding thread may still read when the caller closes the original.
        self._descriptor = os.dup(descriptor)

    def __iter__(self) -> Iterator[bytes]:
        """Yield chunks; end, rather than raise, at a fault."""
        try:
            yield from _decompressed(self._chunks())
        except (OSError, EOFError, zlib.error) as error:
            self.fault = str(error)
        finally:
            os.close(self._descriptor)

    def _chunks(self) -> Iterator[bytes]:
        while chunk := os.read(self._descriptor, CHUNK):
            yield chunk


def _read_file(descriptor: int, path: str) -> Iterator[PacketBatch]:
    """Yield a regular file's packets in full batches, and those before a tear one by one."""
    done = 0
    handle = _open(descriptor, path)
    try:
        link = handle.datalink()
        while True:
            data, meta = handle.next_batch(BATCH_MAX)
            if not meta:
                return
            done += len(meta) // _RECORD.size
            yield PacketBatch(link, data, meta, "")
    except pcapy.PcapError as error:
        _log.debug("%s: %s; reading the last packets again", path, reason_of(error))
    finally:
        handle.close()
    if _begins_with(descriptor, pcapng.MAGIC):
        yield from _read_mixed(descriptor, done)
        return
    handle = _open(descriptor, path)
    try:
        while done and (meta := handle.next_batch(min(done, BATCH_MAX))[1]):
            done -= len(meta) // _RECORD.size
        yield from _read_singly(handle)
    finally:
        handle.close()


def _read_mixed(descriptor: int, done: int) -> Iterator[PacketBatch]:
    """Yield the packets of a pcapng file but for the first `done`; raise _Torn where it breaks off.

    A batch holds packets of one link type, in the order of the file.
    """
    taken: list[pcapng.Packet] = []
    fault: pcapng.Torn | None = None
    with open(f"/dev/fd/{descriptor}", "rb") as file:  # noqa: PTH123 - a descriptor
        try:
            for packet in itertools.islice(pcapng.read(file), done, None):
                if taken and (packet.link != taken[0].link or len(taken) == BATCH_MAX):
                    yield _batch_of(taken)
                    taken = []
                taken.append(packet)
        except pcapng.Torn as torn:
            fault = torn
    if taken:
        yield _batch_of(taken)
    if fault is not None:
        raise _Torn(str(fault)) from fault


def _batch_of(packets: Sequence[pcapng.Packet]) -> PacketBatch:
    """Make one batch of packets of one link type."""
    records = []
    offset = 0
    for packet in packets:
        seconds, microseconds = divmod(packet.time_us, 1_000_000)
        size = len(packet.data)
        records.append(_RECORD.pack(seconds & _SECONDS, microseconds, offset, size))
        offset += size
    data = b"".join(packet.data for packet in packets)
    return PacketBatch(packets[0].link, data, b"".join(records), "")


def _read_stream(descriptor: int, path: str) -> Iterator[PacketBatch]:
    """Yield the packets of what can be read once only."""
    source = _Source(descriptor)
    chunks = iter(source)
    prefix = _readable_prefix(chunks, source, path)
    reading, writing = _pipe_with(prefix, path)
    try:
        handle = _open(reading, path)
    except CaptureError:
        os.close(writing)
        raise
    finally:
        os.close(reading)
    feeder = threading.Thread(
        target=_feed, args=(chunks, writing), name="capture-feeder", daemon=True
    )
    feeder.start()
    try:
        yield from _read_singly(handle)
    except _Torn as torn:
        reason = source.fault or str(torn)
        if prefix.startswith(pcapng.MAGIC) and not source.fault:
            reason += "; unpacked into a file it may be read on"
        raise _Torn(reason) from torn
    finally:
        handle.close()
    if source.fault:
        raise _Torn(source.fault)


def _readable_prefix(chunks: Iterator[bytes], source: _Source, path: str) -> bytes:
    """Take from `chunks` what libpcap needs to open the capture; raise CaptureError.

    libpcap opens with the interpreter lock held, so no thread can feed it meanwhile. Hence the
    trial: a pipe that ends after the prefix cannot block, and shows whether the prefix suffices.
    """
    prefix = b""
    while True:
        chunk = next(chunks, b"")
        prefix += chunk
        if chunk and len(prefix) < HEADER_MIN:
            continue
        reading, writing = _pipe_with(prefix, path)
        os.close(writing)
        try:
            _open(reading, path).close()
        except CaptureError as error:
            if not chunk and source.fault:
                raise CaptureError(f"{path}: cannot be read: {source.fault}") from error
            if not chunk or not any(words in str(error) for words in _UNFINISHED):
                raise
        else:
            return prefix
        finally:
            os.close(reading)


def _pipe_with(prefix: bytes, path: str) -> tuple[int, int]:
    """Return a pipe that holds `prefix`; raise CaptureError where that is too much for one."""
    reading, writing = os.pipe()
    try:
        if len(prefix) > CHUNK:
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, HEADER_MAX)
        os.set_blocking(writing, False)
        if os.write(writing, prefix) < len(prefix):
            raise OSError(f"no packet in the first {len(prefix)} bytes")
        os.set_blocking(writing, True)
    except OSError as error:
        os.close(reading)
        os.close(writing)
        raise CaptureError(f"{path}: cannot be read as a stream: {error}") from error
    return reading, writing


def _feed(chunks: Iterator[bytes], writing: int) -> None:
    """Write what is left of a stream, until its end or until nobody reads any more."""
    # An interrupt must reach the thread that reads, which waits without looking at Python.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        for chunk in chunks:
            _write(writing, chunk)
    except BrokenPipeError:
        _log.debug("the reader of a stream has stopped before its end")
    finally:
        os.close(writing)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _read_singly(handle: Any) -> Iterator[PacketBatch]:
    """Yield full batches, made packet by packet; raise _Torn after the last one of a torn file."""
    link = handle.datalink()
    packets: list[bytes] = []
    records: list[bytes] = []
    offset = 0
    fault = None
    while True:
        try:
            data, meta = handle.next_batch(1)
        except pcapy.PcapError as error:
            data, meta, fault = b"", b"", reason_of(error)
        if meta:
            seconds, microseconds, _, length = _RECORD.unpack(meta)
            packets.append(data)
            records.append(_RECORD.pack(seconds, microseconds, offset, length))
            offset += length
        if records and (len(records) == BATCH_MAX or not meta):
            yield PacketBatch(link, b"".join(packets), b"".join(records), "")
            packets, records, offset = [], [], 0
        if fault is not None:
            raise _Torn(fault)
        if not meta:
            return


def _decompressed(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Pass chunks on, or inflate them where the stream begins as gzip does."""
    first = b""
    while len(first) < len(_GZIP_MAGIC) and (chunk := next(chunks, b"")):
        first += chunk
    whole = itertools.chain([first] if first else [], chunks)
    return _inflated(whole) if first.startswith(_GZIP_MAGIC) else whole


def _inflated(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Inflate gzip members, a bounded piece at a time; raise EOFError or zlib.error."""
    inflater = zlib.decompressobj(_GZIP_BITS)
    for chunk in chunks:
        left = chunk
        while left:
            if inflater.eof:
                left = left.lstrip(b"\0")  # padding, as on tapes
                if not left:
                    break
                inflater = zlib.decompressobj(_GZIP_BITS)
            before = inflater.copy()
            try:
                data = inflater.decompress(left, CHUNK)
            except zlib.error:
                yield from _salvaged(before, left)
                raise
            if data:
                yield data
            left = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
    if not inflater.eof:
        if data := inflater.flush():
            yield data
        raise EOFError("the gzip stream is cut short")


def _salvaged(inflater: "zlib._Decompress", chunk: bytes) -> Iterator[bytes]:
    """Inflate the good beginning of a bad chunk: zlib throws away what it had of it."""
    for index in range(len(chunk)):
        try:
            data = inflater.decompress(chunk[index : index + 1])
        except zlib.error:
            return
        if data:
            yield data


def _open(descriptor: int, path: str) -> Any:
    """Return libpcap's handle on what `descriptor` reads; raise CaptureError.

    By descriptor, because a path may hold bytes that are no text, or be `-`.
    """
    try:
        return pcapy.open_offline(f"/dev/fd/{descriptor}")
    except pcapy.PcapError as error:
        raise CaptureError(
            f"{path}: is no capture that libpcap reads: {reason_of(error)}; "
            "expected pcap or pcapng, plain or gzip"
        ) from error


def _require(path: str) -> None:
    try:
        if stat.S_ISDIR(os.stat(path).st_mode):  # noqa: PTH116 - also bytes that are no text
            raise CaptureError(f"{path}: is a folder; name the captures in it, as in {path}/*.pcap")
    except OSError as error:
        raise _unreadable(path, error) from error


def _begins_with(descriptor: int, magic: bytes) -> bool:
    return os.pread(descriptor, len(magic), 0) == magic


def _require_readable(descriptor: int, path: str) -> None:
    """Raise CaptureError for what another program than gzip has compressed."""
    for program, magic in _COMPRESSED.items():
        if _begins_with(descriptor, magic):
            raise CaptureError(
                f"{path}: is compressed by {program}, which is not read; unpack it, as in "
                f"`{program} -dc {path} | maltrail-agent replay -`"
            )


def _unreadable(path: str, error: OSError) -> CaptureError:
    return CaptureError(f"{path}: cannot be read: {error.strerror}; name a capture, or - for input")
