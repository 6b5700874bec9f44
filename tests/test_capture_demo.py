"""The demo's capture is what its script makes, small, and full of reserved names only."""

import csv
import ipaddress

from agent.capture_files import CaptureFiles
from demo import make_capture
from tests import packets

DOCUMENTATION = [
    ipaddress.ip_network(text)
    for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "192.168.0.0/16")
]


def test_the_committed_capture_is_what_the_script_makes() -> None:
    """Whoever changes the script writes the capture again."""
    batches = CaptureFiles([str(make_capture.CAPTURE)]).batches()

    read = [packet for batch in batches for packet in packets.packets_of(batch)]

    assert read == make_capture.make()


def test_the_capture_is_small_and_lasts_half_a_minute() -> None:
    """It is replayed in a moment and does not weigh on a clone."""
    made = make_capture.make()

    assert make_capture.CAPTURE.stat().st_size < 100_000
    assert 20 < (made[-1][0] - made[0][0]) / make_capture.SECOND < 30


def test_the_sample_trails_are_those_of_the_script() -> None:
    """Each listed thing has a row with info and reference."""
    with make_capture.TRAILS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))

    assert [row[0] for row in rows] == list(make_capture.LISTED.values())
    assert all(len(row) == 3 and all(row) for row in rows)


def test_no_real_address_appears() -> None:
    """Addresses are private or reserved for documentation."""
    found = {
        ipaddress.ip_address(address)
        for _, frame in make_capture.make()
        if frame[12:14] == b"\x08\x00"
        for address in (frame[26:30], frame[30:34])
    }

    assert all(any(address in network for network in DOCUMENTATION) for address in found)
