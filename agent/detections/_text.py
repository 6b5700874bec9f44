"""Text for rules to look at: what was encoded is decoded, what only hides is taken away."""

import re
from pathlib import Path
from typing import Protocol, cast
from urllib.parse import unquote_to_bytes

import re2

MAX_TEXT = 4096
"""Characters that patterns look at, as many as agent.scan.gates decodes."""
_VERSION_COMMENT = re.compile(rb"/\*!\d*")
_COMMENT = re.compile(rb"/\*.*?\*/", re.DOTALL)
_BLANKS = re.compile(rb"[\x00-\x20]+")


class Match(Protocol):
    """What we use of RE2's matches."""

    def group(self) -> str:
        """Return the matched text."""

    def start(self) -> int:
        """Return where it begins."""

    def end(self) -> int:
        """Return where it ends."""


class Pattern(Protocol):
    """What we use of RE2's patterns, whose time grows only with the text."""

    def search(self, text: str) -> Match | None:
        """Find the leftmost match."""


def compiled(pattern: str) -> Pattern:
    """Compile a pattern of our own, for any case and with dots that match line ends."""
    options = re2.Options()
    options.case_sensitive = False
    options.dot_nl = True
    options.log_errors = False
    return cast(Pattern, re2.compile(pattern, options))


def plain(raw: bytes) -> str:
    """Return a target or body decoded twice, in lower case, blanks and comments as one space."""
    text = unquote_to_bytes(unquote_to_bytes(raw[:MAX_TEXT].replace(b"+", b" ")))
    text = _COMMENT.sub(b" ", _VERSION_COMMENT.sub(b" ", text)).replace(b"*/", b" ")
    text = text.replace(b"+", b" ")
    return _BLANKS.sub(b" ", text).decode("utf-8", "replace").lower()


def shown(path: str) -> str:
    """Return a path or body as Maltrail shows it: brackets and blanks encoded (rule H-15)."""
    for character, code in (("(", "%28"), (")", "%29"), (" ", "%20"), ("\r", "%0D"), ("\n", "%0A")):
        path = path.replace(character, code)
    return path


def words(text: str) -> tuple[str, ...]:
    """Return the words of a text; lists of words are easier to read as one."""
    return tuple(text.split())


def lines(name: str) -> tuple[str, ...]:
    """Return the lines of a data file beside the rules, without comments."""
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line.strip() and line[0] != "#")
