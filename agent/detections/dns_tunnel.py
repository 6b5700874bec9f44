"""DNS tunnelling: one client asks for many long names below one domain, as data leaves in them.

Counts different names with at least 16 characters in front of the domain within a minute. Most of
what they carry must look like data: long names on average, or records that carry data back (TXT,
NULL). Quiet below quiet_names.txt. Errs on reputation look-ups by hash that are not listed there;
blind to slow tunnels and to names of other bytes than letters, digits, hyphens and underscores.
"""

from agent.detections import Finding, Seen
from agent.detections._limits import Repeating, check
from agent.detections._names import is_quiet, registered
from agent.detections.random_name import entropy
from agent.scan.wanted import Wanted

DATA_SHARE = 0.5
"""Of questions for records that carry data, from which on shorter names tell enough."""


class Config(Repeating, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys under detections.dns_tunnel: alert above `names` within a minute.

    Of names that have `length` characters in front of the domain on average and `entropy` bits a
    character.
    """

    names: int = 60
    length: int = 30
    entropy: float = 3.0
    repeat: int = 600

    def __post_init__(self) -> None:
        """Refuse thresholds that nothing or everything would reach."""
        check("names", self.names, 10, 2000)
        check("length", self.length, 16, 240)
        super().__post_init__()
        if not 1 <= self.entropy <= 6:
            raise ValueError(f"entropy: expected 1 to 6 bits, found {self.entropy}")


class Detection:
    """Judges domains of which one client asks for many long names."""

    looks_at = "tunnelling"

    def __init__(self, config: Config) -> None:
        self._config = config
        self.repeat = config.repeat
        self.wanted = Wanted(tunnel_names=config.names)

    def examine(self, seen: Seen) -> Finding | None:
        """Return a finding for more such names than the threshold."""
        front, domain = registered(seen.name)
        if seen.distinct <= self._config.names or is_quiet(seen.name):
            return None
        length = seen.amount / max(1, seen.count)
        share = seen.marked / max(1, seen.count)
        bits = entropy(front)
        if (length < self._config.length and share < DATA_SHARE) or bits < self._config.entropy:
            return None
        return Finding(
            type="DNS",
            info="potential dns tunnelling (suspicious)",
            evidence={
                "names": seen.distinct,
                "questions": seen.count,
                "characters": seen.amount,
                "average_length": round(length, 1),
                "data_records": seen.marked,
                "entropy": round(bits, 2),
                "window_seconds": 60,
            },
            trail=f"(*).{domain}",
            indicator=domain,
            where="dns.question",
            observed=seen.name,
            about=seen.name,
        )
