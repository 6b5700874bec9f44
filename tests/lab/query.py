"""Ask a name server for names, as a program on this host would: python query.py SERVER RATE NAME...

RATE is queries a second; `{n}` in a name counts from 1 until SIGTERM. Prints each time and name.
Standard library only: it runs wherever the lab has a Python.
"""

import itertools
import socket
import struct
import sys
import time


def question(name: str) -> bytes:
    """Return a query for the A record of a name."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack(">6H", 4711, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", 1, 1)


def main(server: str, rate: str, *names: str) -> None:
    """Send the queries, each from a port of its own; nobody needs to answer."""
    rounds = itertools.count(1) if any("{n}" in name for name in names) else (1,)
    begin, sent = time.monotonic(), 0
    for number in rounds:
        for name in names:
            asked = name.replace("{n}", str(number))
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.sendto(question(asked), (server, 53))
            sys.stdout.write(f"{time.time():.3f} {asked}\n")
            sys.stdout.flush()
            sent += 1
            time.sleep(max(0.0, begin + sent / float(rate) - time.monotonic()))


if __name__ == "__main__":
    main(*sys.argv[1:])
