"""NXDOMAIN flood: one client learns of many names below one domain that they do not exist (H-8).

Counts different names within an hour, also for clients in private networks. Names of elsewhere
that hosts try below the site's own domain (a search list) do not count. Quiet below
quiet_names.txt and for blocklists. Errs on inventories that try names.
"""

from agent.detections import Finding, Seen
from agent.detections._limits import Repeating, check
from agent.detections._names import is_quiet, registered
from agent.scan.wanted import Wanted

ORDINARY = frozenset({"wpad", "autodiscover", "_ldap"})
OCTETS = 4


class Config(Repeating, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys under detections.nxdomain_flood: alert above `names` within an hour."""

    names: int = 20

    def __post_init__(self) -> None:
        """Refuse thresholds that nothing or everything would reach."""
        check("names", self.names, 5, 2000)
        super().__post_init__()


class Detection:
    """Judges domains of which many names do not exist."""

    looks_at = "flooding"

    def __init__(self, config: Config) -> None:
        self._config = config
        self.repeat = config.repeat
        self.wanted = Wanted(absent_names=config.names)

    def examine(self, seen: Seen) -> Finding | None:
        """Return a finding for more names than the threshold."""
        _, domain = registered(seen.name)
        labels = seen.name.split(".")
        if seen.distinct <= self._config.names or labels[0] in ORDINARY or is_quiet(seen.name):
            return None
        if labels[-1].isdecimal() or _is_lookup_of_address(labels):
            return None
        return Finding(
            type="DNS",
            info="excessive no such domain (suspicious)",
            evidence={"names": seen.distinct, "answers": seen.count, "window_seconds": 3600},
            trail=f"(*).{domain}",
            indicator=domain,
            where="dns.answer",
            observed=seen.name,
            about=seen.name,
            unless_listed=True,
        )


def _is_lookup_of_address(labels: list[str]) -> bool:
    """Tell whether a name asks a blocklist for an IPv4 address."""
    first = labels[:OCTETS]
    return len(labels) > OCTETS and all(
        label.isdecimal() and len(label) <= 3 and int(label) < 256 for label in first
    )
