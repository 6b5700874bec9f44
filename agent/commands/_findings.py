"""Everything that `check` finds, over all rooms."""

from collections.abc import Iterator
from pathlib import Path

from agent.config import Settings
from agent.finding import Finding


def findings(settings: Settings, state_dir: Path, *, connect: bool = False) -> Iterator[Finding]:
    """Yield every finding; speak to receivers only where `connect`."""
    from agent.deliver.preflight import check as check_outputs
    from agent.deliver.preflight import check_journals
    from agent.deliver.preflight_http import check_http
    from agent.preflight import check
    from feeds._preflight import check as check_lists

    yield from check(settings, state_dir)
    for found in (
        *check_lists(settings),
        *check_outputs(settings, connect),
        *check_journals(settings, state_dir / "journal"),
        *check_http(settings.http),
    ):
        yield Finding(*found)
