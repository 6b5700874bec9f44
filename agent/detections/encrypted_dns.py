"""Encrypted DNS: a client asks a public resolver over TLS or HTTPS, past the site's own.

By the resolver's name in the hello (encrypted_resolvers.txt), and by the port of DNS over TLS. Told
once in `repeat` seconds for a client and a resolver. Errs on sites that want it so: switch it off.
Not seen: DNS over QUIC and HTTP/3, resolvers without a name in the hello on other ports.
"""

from agent.detections import Finding, Seen
from agent.detections._limits import Repeating
from agent.detections._text import lines
from agent.scan.wanted import Wanted

PORT = 853
"""Of DNS over TLS, RFC 7858 section 3.1."""
NAMES = lines("encrypted_resolvers.txt")


class Config(Repeating, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys under detections.encrypted_dns."""

    repeat: int = 86_400


class Detection:
    """Judges hellos to resolvers."""

    looks_at = "server"
    wanted = Wanted(servers=NAMES, server_port=PORT)

    def __init__(self, config: Config) -> None:
        self.repeat = config.repeat

    def examine(self, seen: Seen) -> Finding | None:
        """Return a finding for a resolver outside that is not allowed."""
        is_named = seen.name in NAMES
        if not (is_named or seen.destination.port == PORT):
            return None
        if not seen.leaves_home:
            return None
        return Finding(
            type="DNS",
            info="encrypted dns resolver (suspicious)",
            evidence={"server": seen.name, "transport": "tls" if not is_named else "https"},
            trail=seen.name,
            indicator=seen.name,
            where="tls.sni",
            observed=seen.name,
            about=seen.name,
        )
