"""Domain names as the wire spells them: lower case, IDN in ASCII, plain dots, no dot at the end."""

import unicodedata

DOTS = str.maketrans("\u3002\uff0e\uff61", "...")
"""Full stops that mean a dot in a name: RFC 3490, section 3.1."""
_KEPT = frozenset("\u00df\u03c2\u200c\u200d")
"""Letters that IDNA 2003 maps away and every browser keeps (UTS 46, non-transitional)."""


def ascii_name(text: str) -> str:
    """Return the ASCII form of a name; raise ValueError for a label that has none."""
    lowered = text.translate(DOTS).strip().lower()
    if lowered.endswith(".") and not lowered.endswith(".."):
        lowered = lowered[:-1]
    if lowered.isascii():
        return lowered
    return ".".join(map(_ascii_label, lowered.split(".")))


def ascii_glob(text: str) -> str:
    """Return a name with stars in its ASCII form; what has no such form stays as it is."""
    lowered = text.translate(DOTS).lower()
    labels = []
    for label in lowered.split("."):
        try:
            labels.append(label if "*" in label else _ascii_label(label))
        except ValueError:
            labels.append(label)
    return ".".join(labels)


def _ascii_label(label: str) -> str:
    if label.isascii():
        return label
    if not _KEPT.isdisjoint(label):
        folded = unicodedata.normalize("NFKC", label).lower()
        return f"xn--{folded.encode('punycode').decode('ascii')}"
    try:
        return label.encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise ValueError(f"label {label!r} has no ASCII form") from error
