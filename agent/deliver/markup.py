"""HTML that cannot be broken by what stands in it: text is escaped unless it was built here."""

from collections.abc import Iterable
from html import escape


class Markup(str):
    """HTML that is finished; every other string is text."""

    __slots__ = ()


def element(name: str, *content: str, **attributes: str) -> Markup:
    """Return an element; `content` is text or Markup, `class_` stands for `class`."""
    named = (
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
    )
    return Markup(f"<{name}{''.join(named)}>{joined(content)}</{name}>")


def joined(parts: Iterable[str]) -> Markup:
    """Return the parts one behind the other, texts escaped."""
    return Markup("".join(part if isinstance(part, Markup) else escape(part) for part in parts))
