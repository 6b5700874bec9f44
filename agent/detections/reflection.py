"""Reflection: answers of a misused service reach a host that did not ask for them.

DNS, NTP, SSDP, memcached, CLDAP, SNMP, chargen and others by their ports. Errs where only the
answers pass the sensor, as on one half of a redundant link.
"""

from types import MappingProxyType

from agent.detections import Rate, _flood

SERVICES = MappingProxyType(
    {
        17: "qotd",
        19: "chargen",
        53: "dns",
        111: "portmap",
        123: "ntp",
        137: "netbios",
        161: "snmp",
        389: "cldap",
        520: "rip",
        1900: "ssdp",
        3283: "ard",
        3702: "ws-discovery",
        5353: "mdns",
        10001: "ubiquiti",
        11211: "memcached",
        27015: "steam",
    }
)


class Config(_flood.Config, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys under detections.reflection."""

    packets: int = 200


class Detection(_flood.Flood):
    """Judges answers a second that nobody asked for, of one service at one host."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.rate = Rate("reflected", self.level)

    def info(self, service: int) -> str:
        """Return the info text, with the service."""
        return f"potential reflection attack ({SERVICES.get(service, service)})"
