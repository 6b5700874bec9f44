"""SYN flood: far more connection attempts at one host than it normally has.

From one source or many. Errs at the start of the agent on hosts that always have so many, and on
a fast scan of one host.
"""

from agent.detections import Rate, _flood


class Config(_flood.Config, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys under detections.syn_flood."""

    packets: int = 1000


class Detection(_flood.Flood):
    """Judges packets a second at one host."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.rate = Rate("syn", self.level)

    def info(self, service: int) -> str:  # noqa: ARG002 - the shelf's signature
        """Return the info text."""
        return "potential syn flooding"
