"""What is served over HTTP: path by path."""

from collections.abc import Callable
from http import HTTPStatus

from agent.deliver.http import Answer, Page

METRICS_KIND = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus' text format."""

Ailment = Callable[[], str]
"""Returns what is wrong, or nothing where all is well."""


def pages(metrics: Callable[[], bytes] | None, healthy: Ailment, ready: Ailment) -> dict[str, Page]:
    """Return the table of pages; without `metrics` these are switched off."""
    table = {"/healthz": _health(healthy), "/readyz": _health(ready)}
    if metrics is not None:
        table["/metrics"] = _metrics(metrics)
    return table


def _metrics(render: Callable[[], bytes]) -> Page:
    return Page(lambda: Answer(render(), METRICS_KIND))


def _health(ailment: Ailment) -> Page:
    def answer() -> Answer:
        what = ailment()
        status = HTTPStatus.SERVICE_UNAVAILABLE if what else HTTPStatus.OK
        return Answer(f"{what or 'ok'}\n".encode(), status=status)

    return Page(answer, is_open=True)
