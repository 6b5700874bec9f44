"""Identifiers of 128 bits, as hexadecimal text: random live, derived from the input in a replay."""

import secrets
from collections.abc import Callable
from hashlib import blake2b

Ids = Callable[[], str]
"""Returns another identifier at each call."""

BYTES = 16


def random_ids() -> Ids:
    """Return a source of identifiers that nobody can foretell."""
    return lambda: secrets.token_hex(BYTES)


def part_of(run_id: str, name: str) -> str:
    """Return the identifier of one named part of a run: the same for the same two."""
    return blake2b(name.encode(), digest_size=BYTES, key=bytes.fromhex(run_id)).hexdigest()


def derived_ids(seed: bytes) -> Ids:
    """Return a source that gives the same identifiers in the same order for the same seed."""
    keyed = blake2b(digest_size=BYTES, key=blake2b(seed, digest_size=32).digest())
    drawn = 0

    def draw() -> str:
        nonlocal drawn
        drawn += 1
        one = keyed.copy()
        one.update(drawn.to_bytes(8, "big"))
        return one.hexdigest()

    return draw
