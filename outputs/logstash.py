"""JSON over UDP for Logstash's `udp` input with `codec => json`: one document a datagram."""

from typing import Literal

from agent.model import Delivery
from outputs import _datagram, _formats


class Config(_datagram.Config, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of an output of type logstash."""

    format: Literal["maltrail", "ecs"] = "maltrail"

    def __post_init__(self) -> None:
        """Refuse a size into which no event fits."""
        super().__post_init__()
        _formats.check_size(self.format, self.max_bytes)


class Output(_datagram.Datagrams):
    """One JSON document a datagram."""

    def __init__(self, config: Config) -> None:
        super().__init__(config, None, self._document)
        self._format = _formats.make(config.format)

    def _document(self, delivery: Delivery) -> bytes:
        return self._format(delivery).encode()
