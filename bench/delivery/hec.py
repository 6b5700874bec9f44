"""`python -m bench.delivery.hec PORT CERT KEY LOG`: a Splunk collector that indexes twice a second.

What it took and did not index is lost when it ends, as are its acknowledgements.
"""

import json
import ssl
import sys
import threading
import time
from pathlib import Path
from typing import TextIO

from tests.outputs.hec_server import Collector, HecServer

EVERY = 0.5


def main() -> None:
    """Serve until killed."""
    port, cert, key, log = sys.argv[1:]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    collector = Collector()
    collector.is_indexing = False
    HecServer(collector, context, int(port))
    threading.Thread(target=_index, args=(collector, Path(log)), daemon=True).start()
    threading.Event().wait()


def _index(collector: Collector, log: Path) -> None:
    with log.open("a", encoding="ascii") as file:
        while True:
            time.sleep(EVERY)
            collector.index(lambda events: _store(file, events))


def _store(file: TextIO, events: list[dict[str, object]]) -> None:
    file.writelines(json.dumps(event["event"]) + "\n" for event in events)
    file.flush()


if __name__ == "__main__":
    main()
