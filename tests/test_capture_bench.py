"""The benchmark captures hold what their names promise, the same for the same seed."""

import struct
from pathlib import Path

import pytest

from agent.capture_files import CaptureFiles
from bench.captures import KINDS, LISTED, write
from tests import packets

COUNT = 4000


def frames(path: Path) -> list[bytes]:
    """Return the frames of a capture."""
    batches = CaptureFiles([str(path)]).batches()
    return [frame for batch in batches for _, frame in packets.packets_of(batch)]


def question(frame: bytes) -> bytes:
    """Return the name that a DNS query over IPv4 asks for, as labels."""
    return frame[54 : frame.index(b"\0", 54)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_gives_one_capture(tmp_path: Path, kind: str) -> None:
    """Two runs write the same bytes; another seed writes others."""
    first = write(tmp_path, kind, count=200).read_bytes()

    assert write(tmp_path, kind, count=200).read_bytes() == first
    assert write(tmp_path, kind, count=200, seed=2).read_bytes() != first


@pytest.mark.parametrize("kind", KINDS)
def test_lengths_are_right(tmp_path: Path, kind: str) -> None:
    """The IPv4 total length of each frame is that of the frame."""
    made = frames(write(tmp_path, kind, count=COUNT))

    assert len(made) == COUNT
    for frame in made:
        if frame[12:14] == b"\x08\x00":
            assert struct.unpack_from("!H", frame, 16)[0] == len(frame) - 14


def test_the_mix_has_its_shares_and_size(tmp_path: Path) -> None:
    """About 866 bytes a packet, of which three fifths are bulk."""
    made = frames(write(tmp_path, "mix", count=5 * COUNT))

    assert 850 < sum(map(len, made)) / len(made) < 882
    assert 0.58 < sum(f[34:36] == b"\x01\xbb" for f in made) / len(made) < 0.62
    assert 0.14 < sum(f[23] == 6 and f[47] == 2 for f in made) / len(made) < 0.16
    assert 0.09 < sum(b"\r\nHost: " in f for f in made) / len(made) < 0.11


def test_new_names_are_new_and_repeated_ones_a_pool(tmp_path: Path) -> None:
    """Caches are defeated by the one capture and work for the other."""
    new = [question(frame) for frame in frames(write(tmp_path, "dns-new", count=COUNT))]
    repeated = [question(frame) for frame in frames(write(tmp_path, "dns-repeat", count=COUNT))]

    assert len(set(new)) == COUNT
    assert 900 < len(set(repeated)) <= 1000


def test_hellos_carry_different_names(tmp_path: Path) -> None:
    """Every packet is a whole ClientHello; names come from a large pool."""
    made = frames(write(tmp_path, "tls", count=COUNT))

    assert all(frame[54:57] == b"\x16\x03\x01" and frame[59] == 1 for frame in made)
    assert len({frame[54 + 76 :] for frame in made}) > COUNT // 2


def test_all_listed_packets_go_to_the_address(tmp_path: Path) -> None:
    """SYNs and datagrams of a thousand clients reach the one address."""
    made = frames(write(tmp_path, "listed", count=5 * COUNT, address="198.51.100.7"))

    assert {frame[30:34] for frame in made} == {bytes([198, 51, 100, 7])}
    assert {frame[23] for frame in made} == {packets.TCP, packets.UDP}
    assert len({frame[26:30] for frame in made}) == 1000
    assert LISTED != "198.51.100.7"
