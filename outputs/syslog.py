"""Syslog over UDP (RFC 5426), TCP (RFC 6587) or TLS (RFC 5425), with any format as its message."""

import time

from agent.model import Delivery
from outputs import _config, _formats, _transport
from outputs._header import Facility, Style, header

PORT, TLS_PORT = 514, 6514


class Config(_config.Config, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of an output of type syslog."""

    format: _formats.Name = "cef"
    header: Style = "rfc5424"
    facility: Facility = "local0"

    def __post_init__(self) -> None:
        """Refuse a size into which no event fits."""
        super().__post_init__()
        _formats.check_size(self.format, self.max_bytes)


class Output(_transport.Sender):
    """One syslog message a line."""

    def __init__(self, config: Config, clock: _transport.Clock = time.monotonic) -> None:
        port = TLS_PORT if config.transport == "tls" else PORT
        super().__init__(config, port, self._message, clock)
        self._settings = config
        self._format = _formats.make(config.format)

    def _message(self, delivery: Delivery) -> bytes:
        start = header(delivery.event, self._settings.header, self._settings.facility)
        text = start + self._format(delivery)
        self.counts.format_errors = self._format.errors
        return text.encode()
