"""Names: the part that somebody registered, and names below which odd labels are ordinary."""

from agent.detections._text import lines

MAX_SUFFIX_LABEL = 3
"""The second label from the end in co.uk, com.br, gov.au; rule H-7 has the same bound."""
QUIET = frozenset(lines("quiet_names.txt"))


def registered(name: str) -> tuple[str, str]:
    """Split a name into what stands before, and the domain that somebody registered."""
    labels = name.split(".")
    count = 3 if len(labels) > 2 and len(labels[-2]) <= MAX_SUFFIX_LABEL else 2
    return ".".join(labels[:-count]), ".".join(labels[-count:])


def is_quiet(name: str) -> bool:
    """Tell whether long and random-looking names are ordinary there: CDN, cloud, blocklists.

    Names of services (RFC 8552, labels with an underscore) and zones that call themselves
    blocklists are so anywhere.
    """
    labels = name.split(".")
    if any(label.startswith("_") or label.endswith("bl") for label in labels):
        return True
    return any(".".join(labels[at:]) in QUIET for at in range(len(labels) - 1))


def bracketed(name: str, size: int) -> str:
    """Return a name with all but its last `size` labels in brackets (rule E-4)."""
    labels = name.split(".")
    size = min(size, len(labels) - 1)
    if not size:
        return name
    return f"({'.'.join(labels[:-size])}).{'.'.join(labels[-size:])}"
