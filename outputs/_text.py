"""Text from the wire made harmless for every format: one line, visible, valid and short."""

from agent.visible import visible

LIMIT = 4000
"""Characters of one value in any format: what CEF allows its longest fields."""

MARK = "[...]"
"""What stands where a value was cut."""

BAIT = "CEF:"
"""What receivers look for anywhere in a line: a URL that contains it replaces host and body of
the event in SC4S."""


def clean(text: str, limit: int = LIMIT) -> str:
    """Return `text` on one line, without hidden characters, cut with a mark beyond `limit`."""
    text = visible(text)
    # After the hidden characters are gone, or they could be used to split it.
    if BAIT in text:
        text = text.replace(BAIT, "CEF%3A")
    return text if len(text) <= limit else cut(text, limit)


def cut(text: str, limit: int) -> str:
    """Return at most `limit` characters of `text`, with a mark at the end where some are gone."""
    if len(text) <= limit:
        return text
    return text[: max(0, limit - len(MARK))] + MARK
