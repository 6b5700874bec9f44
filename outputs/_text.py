"""Text from the wire made harmless for every format: one line, visible, valid and short."""

import re

LIMIT = 4000
"""Characters of one value in any format: what CEF allows its longest fields."""

MARK = "[...]"
"""What stands where a value was cut."""

BAIT = "CEF:"
"""What receivers look for anywhere in a line: a URL that contains it replaces host and body of
the event in SC4S."""

_BREAKS = re.compile("\r\n|[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")
# Control characters end lines and steer terminals; bidirectional and invisible ones (Unicode:
# Default_Ignorable_Code_Point) make a reader see another name than the one that was there.
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")


def clean(text: str, limit: int = LIMIT) -> str:
    """Return `text` on one line, without hidden characters, cut with a mark beyond `limit`."""
    if not (text.isascii() and text.isprintable()):
        text = _BREAKS.sub(" ", text)
        text = _HIDDEN.sub("", text)
        text = _SURROGATE.sub(_escape, text)
    # After the hidden characters are gone, or they could be used to split it.
    if BAIT in text:
        text = text.replace(BAIT, "CEF%3A")
    return text if len(text) <= limit else cut(text, limit)


def cut(text: str, limit: int) -> str:
    """Return at most `limit` characters of `text`, with a mark at the end where some are gone."""
    if len(text) <= limit:
        return text
    return text[: max(0, limit - len(MARK))] + MARK


def _escape(match: re.Match[str]) -> str:
    """Write a lone surrogate as the byte that it stands for, or as its number."""
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}"
