"""DNS exhaustion: very many names below one domain within a minute, by whoever asks (rule H-7).

Floods of random names keep a domain's servers busy ("water torture"). Counts different names, which
is an estimate from one in four, with an error of up to a tenth; those with fewer than four
characters in front of the domain do not count. Quiet below quiet_names.txt. Unlike Maltrail's,
names below such a domain are still matched against trails. Errs on services that put identifiers
into names.
"""

from agent.detections import Finding, Seen
from agent.detections._limits import Repeating, check
from agent.detections._names import bracketed, is_quiet, registered
from agent.scan.wanted import Wanted

ORDINARY = frozenset({"wpad", "autodiscover", "_ldap._tcp"})


class Config(Repeating, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys under detections.dns_exhaustion: alert from `names` within a minute on."""

    names: int = 1000

    def __post_init__(self) -> None:
        """Refuse thresholds that nothing or everything would reach."""
        check("names", self.names, 10, 2000)
        super().__post_init__()


class Detection:
    """Judges domains of which many names are asked for."""

    looks_at = "exhausting"

    def __init__(self, config: Config) -> None:
        self._config = config
        self.repeat = config.repeat
        self.wanted = Wanted(exhausting_names=config.names)

    def examine(self, seen: Seen) -> Finding | None:
        """Return a finding for as many names as the threshold."""
        front, domain = registered(seen.name)
        if seen.distinct < self._config.names or front in ORDINARY or is_quiet(seen.name):
            return None
        return Finding(
            type="DNS",
            info="potential dns exhaustion (suspicious)",
            evidence={"names": seen.distinct, "questions": seen.count, "window_seconds": 60},
            trail=bracketed(seen.name, domain.count(".") + 1),
            indicator=domain,
            where="dns.question",
            observed=seen.name,
            about=seen.name,
            for_all=True,
        )
