"""Long name: one whose first label is longer than people choose, asked for or visited (rule H-10).

In DNS questions, HTTP hosts, proxy targets and TLS hellos; names that trails explain are left to
them. Told once in `repeat` seconds for a client and a registered domain. Quiet below content
delivery, clouds and blocklists (quiet_names.txt), for names of services, and for labels with a
hyphen. Errs on services that put identifiers into names.
"""

import re

from agent.detections import Finding, Seen
from agent.detections._limits import Repeating
from agent.detections._names import bracketed, is_quiet, registered
from agent.scan.wanted import Wanted

NAME = re.compile(r"[a-z0-9._-]*\.[a-z0-9-]+")
"""Rule T-5.4; what a client writes as host may be anything."""


class Config(Repeating, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys under detections.long_name: alert above `length` characters."""

    length: int = 24

    def __post_init__(self) -> None:
        """Refuse lengths that no or every label has."""
        if not 8 <= self.length <= 62:
            raise ValueError(f"length: expected 8 to 62, found {self.length}")
        super().__post_init__()


class Detection:
    """Judges names with a long first label."""

    looks_at = "long"

    def __init__(self, config: Config) -> None:
        self._length = config.length
        self.repeat = config.repeat
        self.wanted = Wanted(long_label=config.length)

    def examine(self, seen: Seen) -> Finding | None:
        """Return a finding for a long label where none is ordinary."""
        label = seen.name.partition(".")[0]
        if len(label) <= self._length or "-" in label or is_quiet(seen.name):
            return None
        if not NAME.fullmatch(seen.name):
            return None
        _, domain = registered(seen.name)
        return Finding(
            type="DNS",
            info="long domain (suspicious)",
            evidence={"label_length": len(label)},
            trail=bracketed(seen.name, 1 if domain == seen.name else domain.count(".") + 1),
            indicator=domain,
            where=seen.where,
            observed=seen.name,
            about=seen.name,
            unless_listed=True,
        )
