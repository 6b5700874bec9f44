"""Proxy probe: somebody tries whether a web server would fetch for strangers (rule H-21).

A whole URL as target on port 80, with a word that such probes use. Errs on transparent proxies
whose clients speak to them as to a proxy.
"""

from agent.detections import Finding, Seen
from agent.detections._limits import Repeating
from agent.scan.wanted import Wanted

WORDS = ("probe", "proxy", "echo", "check")
PORT = 80


class Config(Repeating, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys under detections.proxy_probe: told once in `repeat` seconds for a client."""


class Detection:
    """Judges requests whose target is a whole URL."""

    looks_at = "request"
    wanted = Wanted(to_proxy=True)

    def __init__(self, config: Config) -> None:
        self.repeat = config.repeat

    def examine(self, seen: Seen) -> Finding | None:
        """Return a finding for a URL with one of the words."""
        target = seen.target.decode("utf-8", "backslashreplace").lower()
        if not target.startswith("http://") or seen.destination.port != PORT:
            return None
        if not any(word in target for word in WORDS):
            return None
        host, slash, rest = target.removeprefix("http://").partition("/")
        host = host.partition(":")[0].rstrip(".")
        return Finding(
            type="HTTP",
            info="potential proxy probe (suspicious)",
            evidence={"target": target[:200]},
            trail=f"http://{host}{slash}" + (f"({rest})" if rest else ""),
            indicator=host,
            where="proxy.target",
            observed=target,
            about=host,
        )
