"""Answer every input of a folder on the build that runs: `python -m tests.fuzz.answers TARGET DIR`.

Writes one JSON object to standard output: a digest of the answer by the input's file name.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Protocol

from tests.fuzz import lists, wire


class Target(Protocol):
    """What is fuzzed."""

    def answer(self, data: bytes) -> object:
        """Return what an input comes to; raise where that cannot be."""


def target(name: str) -> Target:
    """Return a target by its name."""
    return wire.Target() if name == "wire" else lists.Target()


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
