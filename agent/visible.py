"""Text from anywhere made harmless for whoever looks at it: one line, visible, valid."""

import re

_BREAKS = re.compile("\r\n|[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")
# Control characters end lines and steer terminals; bidirectional and invisible ones (Unicode:
# Default_Ignorable_Code_Point) make a reader see another name than the one that was there.
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")


def visible(text: str) -> str:
    """Return `text` on one line, without hidden characters; lone surrogates become escapes."""
    if text.isascii() and text.isprintable():
        return text
    text = _BREAKS.sub(" ", text)
    text = _HIDDEN.sub("", text)
    return _SURROGATE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    """Write a lone surrogate as the byte that it stands for, or as its number."""
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}"
