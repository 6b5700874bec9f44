"""Answer every input of a folder on the build that runs: `python -m tests.fuzz.answers TARGET DIR`.

Writes one JSON object to standard output: a digest of the answer by the input's file name.
"""

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from tests.fuzz import below, lists, wire


class Target(Protocol):
    """What is fuzzed."""

    def answer(self, data: bytes) -> object:
        """Return what an input comes to; raise where that cannot be."""


class Module(Protocol):
    """What a target's module offers."""

    def Target(self) -> Target:  # noqa: N802 - a class
        """Make the target."""

    def seeds(self) -> Iterator[bytes]:
        """Yield inputs to begin with."""


TARGETS: Mapping[str, Module] = {"wire": wire, "below": below, "lists": lists}


def target(name: str) -> Target:
    """Return a target by its name."""
    return TARGETS[name].Target()


def digest(answer: object) -> str:
    """Return what tells answers apart."""
    return hashlib.sha256(repr(answer).encode("utf-8", "backslashreplace")).hexdigest()


def main() -> None:
    """Answer all inputs."""
    asked, folder = target(sys.argv[1]), Path(sys.argv[2])
    said = {path.name: digest(asked.answer(path.read_bytes())) for path in sorted(folder.iterdir())}
    json.dump(said, sys.stdout)


if __name__ == "__main__":
    main()
