"""How the last reload of a process went, for its metrics."""

import time


class Reloads:
    """Whether the settings in force are those of the file, as far as the last reload tells."""

    def __init__(self) -> None:
        self.is_good = True
        self.last_good = time.time()
        """Seconds since 1970; the start counts as one."""

    def succeeded(self) -> None:
        """Note that other settings are in force."""
        self.is_good = True
        self.last_good = time.time()

    def failed(self) -> None:
        """Note that the file, or what it names, was refused and the old settings stay."""
        self.is_good = False
