"""Options about capturing."""

import re

from agent.importing.draft import Asked, Draft, NotApplicable

SHIPPED_FILTER = (
    "udp or icmp or (tcp and (tcp[tcpflags] == tcp-syn or port 80 or port 1080 or port 3128 or "
    "port 8000 or port 8080 or port 8118 or (port 443 and tcp[((tcp[12]&0xf0)>>2)] = 0x16)))"
)
"""The filter of the distributed file (L-4)."""

_INTERFACE = re.compile(r"[A-Za-z0-9_.:@-]{1,15}")
_SIZE = re.compile(r"(\d{1,15})\s*(%|[kmg]?b)?", re.IGNORECASE)
_UNITS = {"": 1, "b": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30}


def interfaces(asked: Asked, draft: Draft) -> str:
    """Take MONITOR_INTERFACE; `any` is what we call auto, without its losses."""
    names = asked.option.words
    for name in names:
        if not _INTERFACE.fullmatch(name):
            raise ValueError(f"{name!r} is no interface's name")
    if not names:
        raise ValueError("expected names of interfaces")
    if "any" in names:
        return draft.set("capture.interfaces", ["auto"])
    return draft.set("capture.interfaces", names)


def capture_filter(asked: Asked, draft: Draft) -> str:
    """Take CAPTURE_FILTER, unless it is the distributed one, which hides most of TCP."""
    text = " ".join(asked.option.value.split())
    if not text:
        raise NotApplicable("no filter is the default here, too")
    if text == SHIPPED_FILTER:
        raise NotApplicable(
            "the distributed filter hides all but a few ports; whole traffic costs little here"
        )
    return draft.set("capture.filter", text)


def buffer(asked: Asked, draft: Draft) -> str:
    """Take CAPTURE_BUFFER as Maltrail's sensor does: between 64 and 256 MiB for a worker."""
    if asked.has("CAPTURE_BUFFER_SIZE"):
        raise NotApplicable("CAPTURE_BUFFER_SIZE decides")
    size = _bytes(asked)
    return draft.set("capture.buffer_mb", max(64, min(256, size >> 20)))


def buffer_size(asked: Asked, draft: Draft) -> str:
    """Take CAPTURE_BUFFER_SIZE: the ring of each worker, 4 MiB to 1 GiB."""
    return draft.set("capture.buffer_mb", max(4, min(1024, _bytes(asked) >> 20)))


def _bytes(asked: Asked) -> int:
    found = _SIZE.fullmatch(asked.option.value)
    if not found:
        raise ValueError("expected bytes, a size such as 64MB, or a share of memory such as 10%")
    number, unit = int(found[1]), (found[2] or "").lower()
    return number * asked.around.memory // 100 if unit == "%" else number * _UNITS[unit]


def snaplen(asked: Asked, draft: Draft) -> str:
    """Take CAPTURE_SNAPLEN."""
    return draft.set("capture.snaplen", asked.option.number(68, 262_144))


def workers(asked: Asked, draft: Draft) -> str:
    """Take CAPTURE_WORKERS; `auto` is a worker for each CPU of this host."""
    if asked.option.value.lower() == "auto":
        return draft.set("capture.workers", min(64, asked.around.cpus))
    return draft.set("capture.workers", asked.option.number(1, 64))


def fanout(asked: Asked, draft: Draft) -> str:
    """Take CAPTURE_FANOUT, which says how many workers there are where nothing else does."""
    if asked.has("CAPTURE_WORKERS"):
        raise NotApplicable("CAPTURE_WORKERS decides")
    word = asked.option.value.lower()
    if word in ("true", "auto", "yes", "on"):
        return draft.set("capture.workers", min(64, asked.around.cpus))
    if word in ("false", "no", "off", "", "0"):
        raise NotApplicable("one worker is the default here, too")
    return draft.set("capture.workers", asked.option.number(1, 64))
