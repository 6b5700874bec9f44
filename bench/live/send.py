"""tcpreplay: a capture on the wire at a rate."""

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from bench.live.place import FAR, Place

MAX_SECONDS = 60.0
"""After which a load is ended, whatever it has sent."""
_SENT = re.compile(r"^Actual: (\d+) packets \(\d+ bytes\) sent in ([\d.]+) seconds", re.MULTILINE)
_RATE = re.compile(r"^Rated: .*?([\d.]+) pps", re.MULTILINE)
_FAILED = re.compile(r"^\s*Failed packets:\s+(\d+)", re.MULTILINE)


class Sent(NamedTuple):
    """What tcpreplay says it did."""

    packets: int
    rate: float


def send(place: Place, capture: Path, rate: float, loops: int = 1) -> Sent:
    """Send a capture `loops` times at `rate` packets a second; raise SubprocessError, OSError."""
    options = ["--preload-pcap", f"--pps={rate:.0f}", f"--loop={loops}", f"--intf1={FAR}"]
    command = place.outside.command("tcpreplay", *options, str(capture))
    said = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=MAX_SECONDS
    ).stdout.decode()
    sent, rated, failed = _SENT.search(said), _RATE.search(said), _FAILED.search(said)
    if not sent or not rated or not failed or int(failed[1]):
        raise OSError(f"tcpreplay did not send everything: {said.strip()}")
    return Sent(int(sent[1]), float(rated[1]))
