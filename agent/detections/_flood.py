"""What the flood behaviours have in common: their keys, and how many packets are too many."""

import msgspec

from agent.detections._limits import check


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Alert above `packets` a second at one host, for `seconds` in a row.

    And above `factor` times what the host had in the last minutes.
    """

    enabled: bool = True
    packets: int = 1000
    factor: int = 5
    seconds: int = 3

    def __post_init__(self) -> None:
        """Refuse thresholds that nothing or everything would reach."""
        check("packets", self.packets, 1, 100_000_000)
        check("factor", self.factor, 1, 1000)
        check("seconds", self.seconds, 1, 60)


class Flood:
    """How many packets are too many."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.seconds = config.seconds
        # What is normal matters only where so many times as much is beyond the threshold.
        self.level = max(1, config.packets // config.factor)

    def limit(self, normal: float) -> float:
        """Return beyond how many packets a second there are too many."""
        return max(self._config.packets, self._config.factor * normal)
