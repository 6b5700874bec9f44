"""What a process needs of its host, as samples; prometheus_client tells of its own process only."""

import resource
from collections.abc import Iterator
from pathlib import Path

from agent.link import Sample

_SELF = Path("/proc/self")


def samples(prefix: str, started: float) -> Iterator[Sample]:
    """Yield start (seconds since 1970), processor time, memory and open files of this process."""
    yield Sample(f"{prefix}_start_time_seconds", started)
    used = resource.getrusage(resource.RUSAGE_SELF)
    yield Sample(f"{prefix}_cpu_seconds_total", used.ru_utime + used.ru_stime)
    resident, shared = _memory()
    yield Sample(f"{prefix}_resident_memory_bytes", resident)
    yield Sample(f"{prefix}_private_memory_bytes", resident - shared)
    yield Sample(f"{prefix}_open_fds", sum(1 for _ in (_SELF / "fd").iterdir()))


def _memory() -> tuple[int, int]:
    """Return resident and shared bytes (proc(5), statm); mapped sets and rings are shared."""
    fields = (_SELF / "statm").read_text(encoding="ascii").split()
    page = resource.getpagesize()
    return int(fields[1]) * page, int(fields[2]) * page
