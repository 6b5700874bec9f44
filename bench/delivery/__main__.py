"""`python -m bench.delivery survive|backlog|capture`: figures under crashes and under load."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from bench.delivery.backlog import backlog
from bench.delivery.capture import capture
from bench.delivery.survive import survive


def main() -> int:
    """Run one load and print its figures as JSON; the status is 1 where events are missing."""
    parser = argparse.ArgumentParser(prog="python -m bench.delivery", description=__doc__)
    parser.add_argument("load", choices=("survive", "backlog", "capture"))
    parser.add_argument(
        "--transport",
        choices=("tcp", "tls", "hec", "kafka"),
        default="tcp",
        help="hec and kafka: survive only",
    )
    parser.add_argument("--format", default="maltrail")
    parser.add_argument("--type", choices=("syslog", "logstash"), default="", help="backlog only")
    parser.add_argument("--events", type=int)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--kills", type=int, default=20, help="of each side, survive only")
    parser.add_argument("--seconds", type=float, default=60.0, help="of a phase, capture only")
    parser.add_argument(
        "--stop-seconds", type=float, default=60.0, help="that deliver stands still, capture only"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="maltrail-delivery-") as folder:
        if options.load == "survive":
            figures = survive(
                Path(folder),
                options.transport,
                options.events or 200_000,
                options.rate or 5000.0,
                options.kills,
            )
        elif options.load == "capture":
            figures = capture(
                Path(folder), options.rate or 10_000.0, options.seconds, options.stop_seconds
            )
        else:
            figures = backlog(
                Path(folder),
                options.transport,
                options.format,
                options.events or 600_000,
                options.rate or 20_000.0,
                options.type,
            )
    print(json.dumps(figures, indent=1))
    return 1 if figures["missing"] else 0


if __name__ == "__main__":
    sys.exit(main())
