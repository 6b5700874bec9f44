"""Until when certificates run that deliver reads: those of outputs and of its own HTTP server."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from agent.config import HttpTls
from agent.deliver.lane import Lane
from agent.deliver.metrics_prefix import PREFIX
from outputs import _certificate

_log = logging.getLogger("deliver.metrics")

_Version = tuple[int, int]
"""Time of the last change and size of a file."""


class Certificates:
    """The first end of the certificates in some files, read again where a file has changed."""

    def __init__(self) -> None:
        self._read: dict[Path, tuple[_Version, float | None]] = {}

    def metrics(self, lanes: Sequence[Lane], tls: HttpTls | None) -> Iterator[Metric]:
        """Yield a series for each output that has certificates, and one for HTTP."""
        of_outputs = GaugeMetricFamily(
            PREFIX + "output_certificate_expires_timestamp_seconds",
            "When the first of the certificates that an output reads expires.",
            labels=["output"],
        )
        for lane in lanes:
            end = self._first_end(lane.files)
            if end is not None:
                of_outputs.add_metric([lane.name], end)
        yield of_outputs
        named = (tls.certificate, tls.client_ca) if tls else ()
        end = self._first_end(Path(name) for name in named if name)
        if end is not None:
            text = "When the first of the certificates of our own HTTP server expires."
            yield GaugeMetricFamily(
                PREFIX + "http_certificate_expires_timestamp_seconds", text, value=end
            )

    def _first_end(self, files: Iterable[Path]) -> float | None:
        """Return the earliest end in seconds since 1970, None where there is no certificate."""
        ends = [end for file in files if (end := self._end_in(file)) is not None]
        return min(ends, default=None)

    def _end_in(self, file: Path) -> float | None:
        try:
            status = file.stat()
            version = status.st_mtime_ns, status.st_size
            known = self._read.get(file)
            if known and known[0] == version:
                return known[1]
            ends = [end.timestamp() for end in _certificate.ends(file)]
        except (OSError, ValueError) as error:
            _log.debug("%s: until when it runs cannot be told: %s", file, error)
            return None
        end = min(ends, default=None)
        self._read[file] = version, end
        return end
