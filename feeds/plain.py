"""Plain lists: one indicator a line, with comments."""

from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from agent.model import Trail
from feeds import Origin, Unused
from feeds._indicator import KINDS, indicator
from feeds._lines import lines


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`comments` start a line that says nothing; `inline`, after a blank, starts the rest of one.

    Where `separator` is given, the indicator is the field number `column`, from 0, between them;
    a blank separator means any run of blanks. `kind` forces a kind of trail.
    """

    comments: tuple[str, ...] = ("#", ";", "//", "!")
    inline: str = "#"
    separator: str = ""
    column: int = 0
    kind: str = ""

    def __post_init__(self) -> None:
        """Refuse a kind that does not exist."""
        if self.kind not in KINDS:
            known = ", ".join(sorted(KINDS - {""}))
            raise ValueError(f"kind: {self.kind!r} is none of {known}")


def parse(content: BinaryIO, config: Config, origin: Origin, unused: Unused) -> Iterator[Trail]:
    """Yield a trail for each line that holds an indicator."""
    for line in lines(content):
        text = line.strip()
        if not text or text.startswith(config.comments):
            continue
        try:
            key = indicator(_field(_without_comment(text, config.inline), config), config.kind)
        except ValueError as error:
            unused.reject(str(error), text)
            continue
        yield Trail(
            key=key,
            info=origin.info,
            reference=origin.reference,
            source=origin.source,
            kind=config.kind,
        )


def _without_comment(text: str, mark: str) -> str:
    """Cut at a mark that follows a blank: one inside a word is a URL's fragment."""
    if not mark or mark not in text:
        return text
    for blank in (" ", "\t"):
        text = text.split(blank + mark, 1)[0]
    return text.rstrip()


def _field(text: str, config: Config) -> str:
    """Return the configured field of a line; raise ValueError where it has fewer."""
    if not config.separator:
        return text
    fields = text.split(config.separator if config.separator.strip() else None)
    if config.column >= len(fields):
        raise ValueError("too few fields")
    return fields[config.column]
