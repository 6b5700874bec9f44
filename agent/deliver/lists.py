"""Lists in metrics and events: deliver reads what update left behind, and tells lasting trouble."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from agent import health
from agent.deliver.metrics_prefix import PREFIX
from agent.health import ListHealth, UpdateHealth
from agent.model import Event, Evidence
from agent.notices import AgentNotices

MAX_LISTS = 500
"""Lists shown and told: all known ones and a site's own are some dozens."""

_LABEL = re.compile(r"[a-z0-9_-]{1,64}")

_log = logging.getLogger("deliver.lists")


class Lists:
    """The health of lists as last written; time is an argument."""

    def __init__(self, state_dir: Path, notices: AgentNotices) -> None:
        """Take the state folder; before the first update there is nothing to tell."""
        self._path = state_dir / health.FILE
        self._notices = notices
        self._version = 0
        self._read: UpdateHealth | None = None
        self._told: dict[str, str] = {}

    @property
    def health(self) -> UpdateHealth | None:
        """What update last wrote, or None before its first run."""
        return self._read

    def refresh(self) -> None:
        """Read the file where it was replaced; what cannot be used is logged once."""
        try:
            version = self._path.stat().st_mtime_ns
            if version == self._version:
                return
            self._version = version
            self._read = health.read(self._path)
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            _log.warning("%s: %s", self._path, error)

    def tell(self, now_us: int) -> Iterator[Event]:
        """Yield one event where a list's trouble has lasted too long, and one where it ended."""
        now = now_us / 1_000_000
        entries = {entry.name: entry for entry in self._entries()}
        troubled = {
            name: entry
            for name, entry in entries.items()
            if entry.failing and now - entry.failing >= entry.limit
        }
        for name in sorted(self._told.keys() - troubled.keys()):
            del self._told[name]
            # A list that is gone was turned off, which is no recovery.
            if name in entries or name == health.TRAIL_SET:
                yield self._notices.feed(now_us, name, "is good again")
        for name, entry in troubled.items():
            if self._told.get(name) == entry.why:
                continue
            self._told[name] = entry.why
            evidence: Evidence = {"why": entry.why, "last_success": int(entry.last_success)}
            yield self._notices.feed(now_us, name, entry.error or "fails", evidence)

    def metrics(self) -> Iterator[Metric]:
        """Yield what Prometheus is told; nothing before the first update."""
        found = self._read
        if found is None:
            return
        yield _gauge("update_last_run_timestamp_seconds", "When update last ended.", found.time)
        yield _gauge(
            "update_last_success_timestamp_seconds",
            "When update last published, or found nothing to publish; 0 for never.",
            found.last_good,
        )
        yield _gauge("update_duration_seconds", "What the last update took.", found.seconds)
        result = GaugeMetricFamily(
            PREFIX + "update_result", "How the last update ended.", labels=["status", "why"]
        )
        result.add_metric([_word(found.status), _word(found.why)], 1)
        yield result
        yield _gauge("update_signed", "Whether sets come signed from a publisher.", found.signed)
        if found.expires:
            text = "When the set in use expires at its publisher."
            yield _gauge("bundle_expires_timestamp_seconds", text, found.expires)
        yield from self._about_lists()

    def _about_lists(self) -> Iterator[Metric]:
        entries = tuple(self._entries())
        for name, text, value in (
            ("list_up", "Whether the list's last try went well.", lambda e: not e.failing),
            ("list_last_success_timestamp_seconds", "0 for never.", lambda e: e.last_success),
            ("list_trails", "Rows that went into the set.", lambda e: e.trails),
            ("list_rejected_rows", "Rows that could not be read.", lambda e: e.rejected),
            ("list_size_bytes", "Size of the last copy.", lambda e: e.size),
            ("list_duration_seconds", "What the last try took.", lambda e: e.seconds),
        ):
            family = GaugeMetricFamily(PREFIX + name, text, labels=["list"])
            for entry in entries:
                family.add_metric([entry.name], float(value(entry)))
            yield family
        failing = GaugeMetricFamily(
            PREFIX + "list_failing", "Why lists do not go well, while so.", labels=["list", "why"]
        )
        for entry in entries:
            if entry.failing:
                failing.add_metric([entry.name, _word(entry.why)], 1)
        yield failing

    def _entries(self) -> Iterator[ListHealth]:
        lists = self._read.lists if self._read else ()
        return (entry for entry in lists[:MAX_LISTS] if _LABEL.fullmatch(entry.name))


def _word(text: str) -> str:
    """Return one of update's words, nothing for anything else."""
    return text if _LABEL.fullmatch(text) else ""


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, text, value=float(value))
