"""Copy bytes out of a buffer; where modules are compiled, pieces.pxd stands in."""


def copied(data: memoryview, at: int, size: int) -> bytes:
    """Return data[at : at + size]; raise IndexError where that does not lie in `data`."""
    if at + size > len(data):
        raise IndexError(at)
    return bytes(data[at : at + size])
