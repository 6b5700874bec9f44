"""Objects made of what was kept; where modules are compiled, pieces.pxd stands in."""

from agent.model import Endpoint


def copied(data: memoryview, at: int, size: int) -> bytes:
    """Return data[at : at + size]; raise IndexError where that does not lie in `data`."""
    if at + size > len(data):
        raise IndexError(at)
    return bytes(data[at : at + size])


def pair(kind: type[Endpoint], address: str, port: int | None) -> Endpoint:
    """Return an endpoint as its constructor does, without it."""
    return tuple.__new__(kind, (address, port))
