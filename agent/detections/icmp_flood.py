"""ICMP flood: far more ICMP messages at one host than it normally has, from one source or many.

Errs on measurements that flood on purpose.
"""

from agent.detections import Rate, _flood


class Config(_flood.Config, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys under detections.icmp_flood."""

    packets: int = 500


class Detection(_flood.Flood):
    """Judges packets a second at one host."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.rate = Rate("icmp", self.level)

    def info(self, service: int) -> str:  # noqa: ARG002 - the shelf's signature
        """Return the info text."""
        return "potential icmp flooding"
