"""Wait for what another thread or process does, with a deadline instead of a guess."""

import threading
import time
from collections.abc import Callable

DEADLINE = 20.0
STEP = 0.005


def until(condition: Callable[[], object], what: str, seconds: float = DEADLINE) -> None:
    """Return when the condition holds; raise AssertionError when it does not in time."""
    end = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < end, f"never: {what}"
        pause.wait(STEP)
