"""What can be wrong with a new copy of a list: a word for programs, a line for people."""

from typing import Literal

Word = Literal[
    "",
    "certificate",
    "empty",
    "encoding",
    "fault",
    "file",
    "format",
    "html",
    "key",
    "redirect",
    "rejected",
    "shrunk",
    "status",
    "timeout",
    "too-large",
    "truncated",
    "unreachable",
]
"""Why a list's last good copy stands, as a closed set: what metrics and events tell apart."""


class Unfit(ValueError):  # noqa: N818 - a verdict on what came
    """A copy that must not replace the good one; the text is one line without secrets."""

    def __init__(self, why: Word, text: str) -> None:
        super().__init__(text)
        self.why: Word = why
