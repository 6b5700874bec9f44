"""Ask for a cache line before it is needed; where modules are compiled, prefetch.pxd stands in.

A table that is larger than the near caches is asked for as soon as a key's place is known, and read
once the rest of the packet, or of its group, was looked at: what memory takes to answer passes
meanwhile. Nothing is read and nothing can fail.
"""


def word(words: memoryview, at: int) -> None:
    """Ask for the line of words[at]."""


def byte(data: memoryview, at: int) -> None:
    """Ask for the line of data[at]."""
