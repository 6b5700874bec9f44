"""UDP flood: far more datagrams at one host than normal that it does not answer.

From one source or many. Errs on one-way streams that begin, such as telemetry or video.
"""

from agent.detections import Rate, _flood


class Config(_flood.Config, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys under detections.udp_flood."""

    packets: int = 5000


class Detection(_flood.Flood):
    """Judges packets a second at one host."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.rate = Rate("udp", self.level)

    def info(self, service: int) -> str:  # noqa: ARG002 - the shelf's signature
        """Return the info text."""
        return "potential udp flooding"
