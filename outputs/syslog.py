"""Syslog over UDP, with CEF or any other format as its message."""

from agent.model import Delivery
from outputs import _datagram, _formats
from outputs._header import Facility, Style, header

PORT = 514


class Config(_datagram.Config, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of an output of type syslog."""

    format: _formats.Name = "cef"
    header: Style = "rfc5424"
    facility: Facility = "local0"

    def __post_init__(self) -> None:
        """Refuse a size into which no event fits."""
        super().__post_init__()
        _formats.check_size(self.format, self.max_bytes)


class Output(_datagram.Datagrams):
    """One message a datagram (RFC 5426)."""

    def __init__(self, config: Config) -> None:
        super().__init__(config, PORT, self._message)
        self._config = config
        self._format = _formats.make(config.format)

    def _message(self, delivery: Delivery) -> bytes:
        start = header(delivery.event, self._config.header, self._config.facility)
        text = start + self._format(delivery)
        self.counts.format_errors = self._format.errors
        return text.encode()
