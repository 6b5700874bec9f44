"""JSON for Logstash: documents as datagrams (`udp` input) or lines (`tcp` input, `json_lines`)."""

import time
from typing import Literal

from agent.model import Delivery
from outputs import _config, _formats, _transport


class Config(_config.Config, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of an output of type logstash."""

    format: Literal["maltrail", "ecs", "ocsf"] = "maltrail"

    def __post_init__(self) -> None:
        """Refuse a size into which no event fits."""
        super().__post_init__()
        _formats.check_size(self.format, self.max_bytes)


class Output(_transport.Sender):
    """One JSON document a line."""

    def __init__(self, config: Config, clock: _transport.Clock = time.monotonic) -> None:
        super().__init__(config, None, self._document, clock)
        self._format = _formats.make(config.format)

    def _document(self, delivery: Delivery) -> bytes:
        return self._format(delivery).encode()
