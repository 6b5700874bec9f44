"""Answers that lead to a sinkhole or a parking site, which lists name by address (rule H-11).

All addresses of an answer count, of both versions. Errs where a parking site's address also serves
others.
"""

import re

import msgspec

from agent.detections import Finding, Seen
from agent.detections._names import bracketed
from agent.scan.wanted import Wanted

NAMED = re.compile(r"sinkhole[ _-]+(?!\()(\S+)|(\S+)[ _-]+sinkhole", re.IGNORECASE)


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys under detections.dns_answer: which of the two are told."""

    enabled: bool = True
    sinkholes: bool = True
    parking: bool = True


class Detection:
    """Judges answers with listed addresses."""

    looks_at = "answer"
    wanted = Wanted()
    repeat = 0

    def __init__(self, config: Config) -> None:
        self._config = config

    def examine(self, seen: Seen) -> Finding | None:
        """Return a finding for the first address that lists call a sinkhole or a parking site."""
        for address, listed in seen.listed:
            if self._config.sinkholes and "sinkhole" in listed:
                named = NAMED.search(listed)
                owner = (named[1] or named[2]) if named else "unknown"
                return _finding(f"sinkholed by {owner} (malware)", address, listed, seen)
            if self._config.parking and "parking" in listed:
                return _finding("parked site (suspicious)", address, listed, seen)
        return None


def _finding(info: str, address: str, listed: str, seen: Seen) -> Finding:
    return Finding(
        type="DNS",
        info=info,
        evidence={"address": address, "listed": listed},
        trail=bracketed(seen.name, 1),
        indicator=seen.name,
        where="dns.answer",
        observed=seen.name,
    )
