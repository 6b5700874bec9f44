"""Captures from files and streams: every format, every way to break off, always the packets."""

import gzip
import logging
import os
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.capture import BATCH_MAX, CaptureError
from agent.capture_files import HEADER_MAX, STANDARD_INPUT, CaptureFiles
from tests import packets
from tests.packets import Timed

NO_INTERFACES = "the capture file has no Interface Description Blocks"

REFUSED = {
    f"{folder}/test{number}.pcapng": NO_INTERFACES
    for number in ("002", "017")
    for folder in (
        "gopacket/pcapgo/tests/be",
        "gopacket/pcapgo/tests/le",
        "pcapng-test-generator/output_be/basic",
        "pcapng-test-generator/output_le/basic",
    )
}
"""What libpcap will not open of the shared captures: they name no interface, so no link type."""

CORPUS_SIZE, CORPUS_TORN = 1959, 2
"""Torn are two pcapng files with a section of a later version."""


def frames(count: int) -> list[Timed]:
    """Build packets that all differ."""
    made = (packets.syn_frame("192.0.2.1", 1024 + n, "192.0.2.2", 80) for n in range(count))
    return packets.timed(made, step_us=250_000)


def read(captures: CaptureFiles) -> list[Timed]:
    """Return all packets of all captures."""
    return [packet for batch in captures.batches() for packet in packets.packets_of(batch)]


def read_file(path: Path) -> list[Timed]:
    """Return all packets of one capture."""
    return read(CaptureFiles([str(path)]))


@pytest.fixture
def piped() -> Iterator[Callable[[bytes, int], int]]:
    """Give bytes and a step; get a descriptor from which they can be read, `step` at a time."""
    threads: list[threading.Thread] = []
    descriptors: list[int] = []

    def start(data: bytes, step: int) -> int:
        reading, writing = os.pipe()

        def write() -> None:
            with os.fdopen(writing, "wb", buffering=0) as pipe:
                for index in range(0, len(data), step):
                    pipe.write(data[index : index + step])

        threads.append(threading.Thread(target=write))
        threads[-1].start()
        descriptors.append(reading)
        return reading

    yield start
    for thread in threads:
        thread.join()
    for descriptor in descriptors:
        os.close(descriptor)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("write", [packets.pcap_bytes, packets.pcapng_bytes])
def test_reads_both_formats_in_both_byte_orders(
    tmp_path: Path, write: Callable[..., bytes], order: str
) -> None:
    """Times and bytes come back as they were written."""
    path = tmp_path / "capture"
    path.write_bytes(write(frames(3), order=order))

    assert frames(3) == read_file(path)


def test_scales_nanoseconds_to_microseconds(tmp_path: Path) -> None:
    """A capture with nanosecond times gives the same packets."""
    path = tmp_path / "capture.pcap"
    path.write_bytes(packets.pcap_bytes(frames(3), nanoseconds=True))

    assert frames(3) == read_file(path)


@pytest.mark.parametrize(
    "link",
    [packets.NULL, packets.ETHERNET, packets.PPP, packets.RAW, packets.LOOP, packets.SLL, 276],
)
def test_names_the_link_type(tmp_path: Path, link: int) -> None:
    """The link type of a batch is the file's, in libpcap's numbering."""
    path = packets.write_pcap(tmp_path / "capture.pcap", frames(1), link)

    assert [link] == [batch.datalink for batch in CaptureFiles([str(path)]).batches()]


def test_batches_are_full_until_the_last(tmp_path: Path) -> None:
    """A replay cuts at the same places each time, and names no interface."""
    path = packets.write_pcap(tmp_path / "capture.pcap", frames(2 * BATCH_MAX + 5))

    batches = list(CaptureFiles([str(path)]).batches())

    sizes = [len(batch.meta) // 16 for batch in batches]
    assert sizes == [BATCH_MAX, BATCH_MAX, 5]
    assert {""} == {batch.interface for batch in batches}


def test_streams_are_cut_into_the_same_batches_as_files(tmp_path: Path) -> None:
    """Compressing a capture changes nothing about its replay."""
    path = packets.write_pcap(tmp_path / "capture.pcap", frames(BATCH_MAX + 5))
    compressed = tmp_path / "capture.pcap.gz"
    compressed.write_bytes(gzip.compress(path.read_bytes()))

    plain = list(CaptureFiles([str(path)]).batches())

    assert plain == list(CaptureFiles([str(compressed)]).batches())


def test_reads_many_files_in_order(tmp_path: Path) -> None:
    """Files follow each other in the order given, of different formats if need be."""
    first = packets.write_pcap(tmp_path / "b.pcap", frames(2))
    second = packets.write_pcapng(tmp_path / "a.pcapng", frames(3))

    assert frames(2) + frames(3) == read(CaptureFiles([str(first), str(second)]))


def test_an_empty_capture_has_no_packets(tmp_path: Path) -> None:
    """A header alone is a capture, and no error."""
    path = packets.write_pcap(tmp_path / "capture.pcap", [])
    captures = CaptureFiles([str(path)])

    assert read(captures) == []
    assert captures.torn == 0


def test_gzip_is_known_by_its_content(tmp_path: Path) -> None:
    """A compressed capture may have any name, and several members with padding after them."""
    data = packets.pcap_bytes(frames(500))
    path = tmp_path / "capture.pcap"
    path.write_bytes(gzip.compress(data[:1000]) + gzip.compress(data[1000:]) + bytes(512))

    assert frames(500) == read_file(path)


def test_a_compressed_capture_is_never_whole_in_memory(tmp_path: Path) -> None:
    """200 MB of zeros behind 200 kB of gzip reach libpcap in pieces, which it refuses."""
    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb", compresslevel=1) as bomb:
        bomb.write(packets.pcap_bytes(frames(1)) + struct.pack("<IIII", 0, 0, 1 << 31, 1 << 31))
        for _ in range(200):
            bomb.write(bytes(1 << 20))
    before = _peak_kb()

    assert frames(1) == read_file(path)
    assert _peak_kb() - before < 20_000


def test_torn_gzip_gives_the_packets_before(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What could be decompressed is used, and one warning says that there should be more."""
    whole = packets.timed(packets.ethernet(packets.noise(60, bytes([n]))) for n in range(250))
    path = tmp_path / "capture.pcap.gz"
    path.write_bytes(gzip.compress(packets.pcap_bytes(whole))[:-2000])
    captures = CaptureFiles([str(path)])

    with caplog.at_level(logging.WARNING):
        found = read(captures)

    assert 200 < len(found) < 250
    assert whole[: len(found)] == found
    assert captures.torn == 1
    assert [
        f"{path}: breaks off: the gzip stream is cut short; the packets before are used"
    ] == caplog.messages


def test_damaged_gzip_gives_the_packets_before(tmp_path: Path) -> None:
    """Nothing that precedes the damage is lost, though zlib itself would throw it away."""
    whole = packets.timed(packets.ethernet(packets.noise(60, bytes([n]))) for n in range(250))
    data = bytearray(gzip.compress(packets.pcap_bytes(whole)))
    data[len(data) // 2] ^= 0xFF
    path = tmp_path / "capture.pcap.gz"
    path.write_bytes(data)
    captures = CaptureFiles([str(path)])

    found = read(captures)

    assert len(found) > 100
    assert whole[:100] == found[:100]


def test_gzip_with_a_wrong_checksum_is_torn(tmp_path: Path) -> None:
    """Damage that only the trailer shows is told, too."""
    data = bytearray(gzip.compress(packets.pcap_bytes(frames(3))))
    data[-8] ^= 1
    path = tmp_path / "capture.pcap.gz"
    path.write_bytes(data)
    captures = CaptureFiles([str(path)])

    assert frames(3) == read(captures)
    assert captures.torn == 1


@pytest.mark.parametrize("count", [1, 3, BATCH_MAX, BATCH_MAX + 7])
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_torn_capture_gives_the_packets_before(
    tmp_path: Path, count: int, compress: Callable[[bytes], bytes]
) -> None:
    """No packet is lost because the next one is incomplete, and the next file is read."""
    torn = tmp_path / "torn.pcap"
    torn.write_bytes(compress(packets.pcap_bytes(frames(count + 1))[:-1]))
    good = packets.write_pcap(tmp_path / "good.pcap", frames(2))
    captures = CaptureFiles([str(torn), str(good)])

    assert frames(count) + frames(2) == read(captures)
    assert captures.torn == 1


def test_nonsense_in_the_middle_ends_a_capture(tmp_path: Path) -> None:
    """A record of an impossible length is where reading stops, and the reason is libpcap's."""
    path = tmp_path / "capture.pcap"
    data = packets.pcap_bytes(frames(3))
    path.write_bytes(data + b"\xff" * 4096)
    captures = CaptureFiles([str(path)])

    assert frames(3) == read(captures)
    assert captures.torn == 1


@pytest.mark.parametrize("step", [1, 7, 1 << 20])
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
@pytest.mark.parametrize("write", [packets.pcap_bytes, packets.pcapng_bytes])
def test_standard_input_is_a_capture(
    piped: Callable[[bytes, int], int],
    write: Callable[..., bytes],
    compress: Callable[[bytes], bytes],
    step: int,
) -> None:
    """A stream in any format arrives whole, however small the pieces in which it comes."""
    descriptor = piped(compress(write(frames(40))), step)

    assert frames(40) == read(CaptureFiles([STANDARD_INPUT], standard_input=descriptor))


def test_standard_input_may_be_larger_than_a_pipe(piped: Callable[[bytes, int], int]) -> None:
    """The rest of a long stream is fed while it is read."""
    descriptor = piped(packets.pcap_bytes(frames(5000)), 1 << 20)

    assert frames(5000) == read(CaptureFiles([STANDARD_INPUT], standard_input=descriptor))


def test_a_named_pipe_is_a_capture(piped: Callable[[bytes, int], int]) -> None:
    """The shell's `<(zcat x)` works: it is a path that can be read once only."""
    descriptor = piped(packets.pcap_bytes(frames(3)), 1 << 20)

    assert frames(3) == read_file(Path(f"/dev/fd/{descriptor}"))


def test_a_stream_may_be_left_before_its_end(piped: Callable[[bytes, int], int]) -> None:
    """A reader that has seen enough stops the feeding, and leaves no descriptor open."""
    before = len(list(Path("/dev/fd").iterdir()))
    data = gzip.compress(packets.pcap_bytes(frames(4 * BATCH_MAX)))
    batches = CaptureFiles([STANDARD_INPUT], standard_input=piped(data, 1 << 20)).batches()

    next(batches)
    batches.close()  # type: ignore[attr-defined]
    for thread in threading.enumerate():
        if thread.name == "capture-feeder":
            thread.join()

    assert before + 1 == len(list(Path("/dev/fd").iterdir()))


def test_a_long_pcapng_header_can_be_streamed(piped: Callable[[bytes, int], int]) -> None:
    """Blocks before the first interface may be longer than a pipe is by default."""
    section, rest = _split_section(packets.pcapng_bytes(frames(2)))
    comment = packets.pcapng_block(0x0BAD, bytes(200_000))
    descriptor = piped(section + comment + rest, 4096)

    assert frames(2) == read(CaptureFiles([STANDARD_INPUT], standard_input=descriptor))


def test_an_endless_header_is_refused(tmp_path: Path) -> None:
    """A stream that never comes to its packets ends with an error, not with all the memory."""
    section, rest = _split_section(packets.pcapng_bytes(frames(2)))
    comment = packets.pcapng_block(0x0BAD, bytes(HEADER_MAX))
    path = tmp_path / "capture.gz"
    path.write_bytes(gzip.compress(section + comment + rest))

    with pytest.raises(CaptureError, match=r"capture\.gz: cannot be read as a stream"):
        read_file(path)


@pytest.mark.parametrize("content", [b"", b"\xa1", b"certainly no capture at all, but a text"])
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_what_is_no_capture_is_refused_by_name(
    tmp_path: Path, content: bytes, compress: Callable[[bytes], bytes]
) -> None:
    """The one line names the file, libpcap's reason, and what was expected."""
    path = tmp_path / "notes.txt"
    path.write_bytes(compress(content))

    with pytest.raises(CaptureError) as error:
        read_file(path)

    assert str(error.value).startswith(f"{path}: is no capture that libpcap reads: ")
    assert str(error.value).endswith("; expected pcap or pcapng, plain or gzip")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("program", "magic"),
    [
        ("zstd", b"\x28\xb5\x2f\xfd"),
        ("lz4", b"\x04\x22\x4d\x18"),
        ("xz", b"\xfd7zXZ\0"),
        ("bzip2", b"BZh9"),
    ],
)
def test_what_is_compressed_otherwise_says_how_to_unpack_it(
    tmp_path: Path, program: str, magic: bytes
) -> None:
    """Only gzip is read."""
    path = tmp_path / "capture.pcap"
    path.write_bytes(magic + bytes(100))

    with pytest.raises(CaptureError, match=rf"is compressed by {program}, .*`{program} -dc {path}"):
        read_file(path)


def test_stream_of_two_link_types_says_what_to_do(
    piped: Callable[[bytes, int], int], caplog: pytest.LogCaptureFixture
) -> None:
    """Libpcap reads a stream, and stops; a file is read on."""
    first = packets.pcapng_bytes(frames(2))
    other = packets.pcapng_bytes(frames(1), datalink=packets.RAW)
    descriptor = piped(first + other, 1 << 20)

    with caplog.at_level(logging.WARNING):
        found = read(CaptureFiles([STANDARD_INPUT], standard_input=descriptor))

    assert frames(2) == found
    assert "different from the type of the first interface" in caplog.text
    assert "unpacked into a file it may be read on" in caplog.text


def test_gzip_without_content_is_refused_with_its_own_reason(tmp_path: Path) -> None:
    """Where nothing could be decompressed, the gzip fault is told rather than libpcap's."""
    path = tmp_path / "capture.pcap.gz"
    path.write_bytes(gzip.compress(packets.pcap_bytes(frames(3)))[:12])

    with pytest.raises(CaptureError, match="cannot be read: the gzip stream is cut short"):
        read_file(path)


def test_missing_files_and_folders_are_refused_at_once(tmp_path: Path) -> None:
    """A typo in the last name is told before the first file is read."""
    good = str(packets.write_pcap(tmp_path / "good.pcap", frames(1)))

    with pytest.raises(CaptureError, match=r"missing\.pcap: cannot be read: No such file"):
        CaptureFiles([good, str(tmp_path / "missing.pcap")])
    with pytest.raises(CaptureError, match="is a folder"):
        CaptureFiles([good, str(tmp_path)])


def test_names_need_not_be_text(tmp_path: Path) -> None:
    """A file whose name is not UTF-8 can be replayed."""
    name = os.path.join(os.fsencode(tmp_path), b"caf\xe9.pcap")  # noqa: PTH118 - bytes
    path = Path(os.fsdecode(name))
    packets.write_pcap(path, frames(1))

    assert frames(1) == read_file(path)


def test_a_file_called_minus_is_reached_by_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`./-` is a file, only `-` is standard input."""
    packets.write_pcap(tmp_path / "-", frames(1))
    monkeypatch.chdir(tmp_path)

    assert frames(1) == read(CaptureFiles(["./-"]))


@pytest.mark.shared
def test_all_shared_captures_are_read_or_refused_by_name() -> None:
    """Of 1,959 real captures, many of them broken, libpcap refuses the known eight."""
    folder = Path(os.environ["MALTRAIL_SHARED"]) / "data/corpus"
    captures = [p for p in folder.rglob("*") if p.suffix not in (".json", ".csv") and p.is_file()]
    refused: dict[str, str] = {}
    torn = 0

    for path in captures:
        files = CaptureFiles([str(path)])
        try:
            for batch in files.batches():
                _assert_whole(batch.data, batch.meta)
        except CaptureError as error:
            refused[str(path.relative_to(folder))] = str(error)
        torn += files.torn

    assert len(captures) == CORPUS_SIZE
    assert REFUSED.keys() == refused.keys()
    assert all(reason in refused[name] for name, reason in REFUSED.items())
    assert torn == CORPUS_TORN


def _assert_whole(data: bytes, meta: bytes) -> None:
    """Assert that records lie end to end and cover the bytes."""
    end = 0
    for _, _, offset, length in struct.iter_unpack("=IIII", meta):
        assert end == offset
        end = offset + length
    assert len(data) == end


def _split_section(data: bytes) -> tuple[bytes, bytes]:
    """Split a pcapng file after its section header."""
    length = struct.unpack_from("<I", data, 4)[0]
    return data[:length], data[length:]


def _peak_kb() -> int:
    """Return the most memory that this process has had so far."""
    text = Path("/proc/self/status").read_text(encoding="ascii")
    return int(text.split("VmHWM:")[1].split()[0])
