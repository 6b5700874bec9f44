"""Labels and days that a row gives a trail."""

import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime

MAX_LABEL = 128
"""A label from a row is cut here: it becomes part of every event of the trail."""

_PLACE = re.compile(r"\{([^{}]*)\}")
_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_DAY_FIRST = re.compile(r"(\d\d)[-./](\d\d)[-./](\d{4})", re.ASCII)
_SECONDS = re.compile(r"\d{9,10}", re.ASCII)


class Label:
    """The `info` of a list: each `{place}` in it is replaced by what a row says there.

    A row's text is lower-cased, without the words of `drop_words`; where that leaves nothing,
    `unnamed` stands in. Where a format has places of its own, `known` names them, and another
    raises ValueError.
    """

    def __init__(
        self,
        info: str,
        drop_words: Collection[str] = (),
        unnamed: str = "malware",
        known: Collection[str] | None = None,
    ) -> None:
        self._info = info
        self._drop = [word.lower() for word in drop_words]
        self._unnamed = unnamed
        self.places = frozenset(_PLACE.findall(info))
        if known is not None and (strange := self.places - set(known)):
            raise ValueError(
                f"info: the format has no {{{min(strange)}}}; it has {', '.join(sorted(known))}"
            )

    def fill(self, text_at: Callable[[str], str]) -> str:
        """Return the label of a row; `text_at` tells what it says at a place."""
        if not self.places:
            return self._info
        return _PLACE.sub(lambda place: self._of(text_at(place[1])), self._info)

    def _of(self, text: str) -> str:
        label = clean(text).lower()
        for word in self._drop:
            label = label.replace(word, "")
        return " ".join(label.split()) or self._unnamed


def clean(text: str) -> str:
    """Return text of a row as part of an event: short, nothing hidden in it."""
    return shown(text[:MAX_LABEL]).replace("\ufffd", " ").strip()


def shown(text: str) -> str:
    """Return text with blanks for what a terminal could obey and for what hides or turns text."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else " " for character in text)


def day(text: str) -> str:
    """Return the day of a date or of seconds since 1970 as ISO text, empty where there is none."""
    if match := _DAY.match(text):
        return match[0]
    if match := _DAY_FIRST.match(text):
        return f"{match[3]}-{match[2]}-{match[1]}"
    if _SECONDS.fullmatch(text):
        return datetime.fromtimestamp(int(text), UTC).date().isoformat()
    return ""
