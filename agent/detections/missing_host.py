"""Missing Host: a request of HTTP/1.1 without the header that it needs (H-13, RFC 9112 3.2).

Errs on home-made clients; older versions of HTTP and heads that are cut off do not count.
"""

from agent.detections import Finding, Seen
from agent.detections._limits import Repeating
from agent.detections._text import shown
from agent.scan.wanted import Wanted


class Config(Repeating, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys under detections.missing_host: told once in `repeat` seconds for a client."""


class Detection:
    """Judges whole requests without a Host."""

    looks_at = "request"
    wanted = Wanted(without_host=True)

    def __init__(self, config: Config) -> None:
        self.repeat = config.repeat

    def examine(self, seen: Seen) -> Finding | None:
        """Return a finding for a whole head of HTTP/1.1 that names no host."""
        head, end, _ = seen.packet.partition(b"\r\n\r\n")
        line = head.partition(b"\r\n")[0]
        if seen.has_host or not end or not line.endswith(b" HTTP/1.1") or seen.target[:1] != b"/":
            return None
        address = seen.destination.address
        return Finding(
            type="HTTP",
            info="missing host header (suspicious)",
            evidence={"method": seen.method},
            trail=f"{address}{shown(seen.path)}",
            indicator=address,
            where="http.url",
            observed=address + seen.path,
        )
