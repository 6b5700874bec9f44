"""pcapng files that libpcap gives up: every interface, section and kind of block, bounded."""

import io
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest

from agent import pcapng
from agent.capture_files import CaptureFiles
from tests import packets
from tests.scan.scanning import randomness

RAW_IN_FILES = 101
TIME_US = packets.START_US + 123_456
NANOSECONDS, BINARY = b"\x09", b"\xa0"
"""Resolutions: 10 to the power of -9, 2 to the power of -32."""


def section(order: str = "<", major: int = 1) -> bytes:
    """Build a section header."""
    return packets.pcapng_block(
        0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, major, 0, -1), order
    )


def interface(
    order: str = "<",
    link: int = packets.ETHERNET,
    snaplen: int = 65_535,
    options: Sequence[tuple[int, bytes]] = (),
) -> bytes:
    """Build an interface description."""
    body = struct.pack(f"{order}HHI", link, 0, snaplen)
    for code, value in options:
        body += struct.pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4)
    return packets.pcapng_block(1, body + bytes(4), order)


def packet(number: int, ticks: int, data: bytes, order: str = "<", kind: int = 6) -> bytes:
    """Build an enhanced (6) or an obsolete (2) packet block."""
    ends = (ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data))
    which = struct.pack(f"{order}I" if kind == 6 else f"{order}Hxx", number)
    return packets.pcapng_block(kind, which + struct.pack(f"{order}IIII", *ends) + data, order)


def read(data: bytes) -> list[pcapng.Packet]:
    """Read a whole file."""
    return list(pcapng.read(io.BytesIO(data)))


@pytest.mark.parametrize("order", ["<", ">"])
def test_packets_of_several_link_types_come_in_order(tmp_path: Path, order: str) -> None:
    """What a capture on two interfaces of different media writes; libpcap stops at the second."""
    path = tmp_path / "two.pcapng"
    path.write_bytes(
        section(order)
        + interface(order)
        + packet(0, TIME_US, b"one", order)
        + interface(order, RAW_IN_FILES, options=[(9, NANOSECONDS)])
        + packet(1, TIME_US * 1000 + 789, b"two", order)
        + packet(0, TIME_US + 2, b"three", order)
    )
    captures = CaptureFiles([str(path)])

    found = [(batch.datalink, *packets.packets_of(batch)) for batch in captures.batches()]

    assert found == [
        (packets.ETHERNET, (TIME_US, b"one")),
        (packets.RAW, (TIME_US, b"two")),
        (packets.ETHERNET, (TIME_US + 2, b"three")),
    ]
    assert captures.torn == 0


def test_sections_may_have_different_byte_orders(tmp_path: Path) -> None:
    """Files that were put together; each section has interfaces of its own."""
    path = tmp_path / "sections.pcapng"
    path.write_bytes(
        b"".join(
            section(order) + interface(order) + packet(0, TIME_US, order.encode(), order)
            for order in "<><"
        )
    )

    (batch,) = CaptureFiles([str(path)]).batches()

    assert [data for _, data in packets.packets_of(batch)] == [b"<", b">", b"<"]


@pytest.mark.parametrize(
    ("options", "ticks"),
    [
        ((), TIME_US),
        (((9, NANOSECONDS),), TIME_US * 1000 + 999),
        (((9, BINARY),), -(-(TIME_US << 32) // 1_000_000)),
        (((14, struct.pack("<q", 1_600_000_000)),), TIME_US - 1_600_000_000_000_000),
        (((2, b"eth0"), (9, NANOSECONDS)), TIME_US * 1000),
    ],
)
def test_times_are_right_to_the_microsecond(
    options: Sequence[tuple[int, bytes]], ticks: int
) -> None:
    """Whatever the interface counts in, and from when on."""
    (found,) = read(section() + interface(options=options) + packet(0, ticks, b"data"))

    assert found == (packets.ETHERNET, TIME_US, b"data")


def test_obsolete_and_simple_blocks_hold_packets() -> None:
    """A simple one has no time, is of the first interface and cut at its snap length."""
    simple = packets.pcapng_block(3, struct.pack("<I", 5) + b"12345")
    data = section() + interface(snaplen=4) + packet(0, TIME_US, b"abcd", kind=2) + simple

    assert read(data) == [(1, TIME_US, b"abcd"), (1, 0, b"1234")]


@pytest.mark.parametrize(
    ("rest", "why"),
    [
        (packet(1, TIME_US, b"data"), "a packet of interface 1, which nothing describes"),
        (section(major=2), "a section of version 2.0, expected 1"),
        (struct.pack("<II", 6, 1 << 30), "a block of 1073741824 bytes"),
        (struct.pack("<II", 6, 8), "a block of 8 bytes"),
        (packets.pcapng_block(6, bytes(8)), "a packet block is cut short"),
        (packets.pcapng_block(6, struct.pack("<IIIII", 0, 0, 0, 9, 9)), "a packet of 9 bytes in a"),
        (packets.pcapng_block(1, bytes(4)), "an interface description is cut short"),
        (b"\x0a\x0d\x0d\x0a" + bytes(24), "a section header without a byte order"),
    ],
)
def test_nonsense_breaks_a_file_off_with_its_reason(rest: bytes, why: str) -> None:
    """What stands before is read."""
    found = pcapng.read(io.BytesIO(section() + interface() + packet(0, TIME_US, b"data") + rest))

    assert next(found).data == b"data"
    with pytest.raises(pcapng.Torn, match=why):
        next(found)


def test_a_file_cut_anywhere_gives_the_packets_before() -> None:
    """At a block's border it is whole, elsewhere it is torn."""
    parts = [section(), interface(), packet(0, TIME_US, b"one"), packet(0, TIME_US, b"three")]
    whole = b"".join(parts)
    borders = {len(b"".join(parts[:number])) for number in range(len(parts) + 1)}
    for size in range(len(whole)):
        found = []
        torn = False
        try:
            for one in pcapng.read(io.BytesIO(whole[:size])):
                found.append(one.data)  # noqa: PERF401 - those before it breaks off
        except pcapng.Torn:
            torn = True

        assert torn == (size not in borders)
        assert found == [b"one"][: size >= len(b"".join(parts[:3]))]
    assert [one.data for one in read(whole)] == [b"one", b"three"]


def test_random_damage_is_survived() -> None:
    """Any byte may be anything: packets, or Torn, and nothing else."""
    draw = randomness(3)
    whole = bytearray(
        section(">")
        + interface(">", options=[(9, BINARY), (14, bytes(8))])
        + packet(0, TIME_US, b"one", ">")
        + packet(0, TIME_US, b"two", ">", kind=2)
        + packets.pcapng_block(3, struct.pack(">I", 3) + b"abc", ">")
    )
    torn = 0
    for _ in range(5000):
        data = bytearray(whole)
        for _ in range(draw.randrange(1, 4)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        try:
            read(bytes(data))
        except pcapng.Torn:
            torn += 1

    assert 1000 < torn < 5000
