"""A budget: so much of something in each second of packet time, and what was refused."""

SECOND_US = 1_000_000


class Budget:
    """Grants `size` a second; belongs to one thread."""

    def __init__(self, size: int) -> None:
        self.refused = 0
        self._size = size
        self._left = size
        self._second = 0

    def take(self, amount: int, now_us: int) -> bool:
        """Tell whether `amount` is left of this second, and take it; one alone always is."""
        second = now_us // SECOND_US
        if second != self._second:
            self._second, self._left = second, self._size
        if amount > self._left and self._left < self._size:
            self.refused += 1
            return False
        self._left -= amount
        return True
