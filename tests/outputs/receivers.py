"""Receivers for the tests of outputs: real UDP sockets, closed ports."""

import socket

WAIT = 10.0
"""Seconds after which something that should have come has not: for slow machines."""


class UdpReceiver:
    """A UDP socket on loopback that takes what is sent."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind((host, port))
        self.socket.settimeout(WAIT)
        self.port = int(self.socket.getsockname()[1])
        self.address = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    def next(self) -> bytes:
        """Return the next datagram; raise TimeoutError when none comes."""
        return self.socket.recv(1 << 16)

    def is_empty(self) -> bool:
        """Tell whether nothing has come that was not read."""
        self.socket.setblocking(False)
        try:
            self.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        finally:
            self.socket.settimeout(WAIT)
        return False

    def close(self) -> None:
        """Close the port."""
        self.socket.close()


def closed_port(host: str = "127.0.0.1") -> int:
    """Return a port where nobody listens."""
    receiver = UdpReceiver(host)
    receiver.close()
    return receiver.port
