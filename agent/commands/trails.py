"""`maltrail-agent trails ...`: build, inspect and publish trail sets."""

from agent.commands import (
    trails_build,
    trails_diff,
    trails_info,
    trails_keygen,
    trails_lookup,
    trails_publish,
    trails_rollback,
    trails_use,
)
from agent.commands._common import Commands


def add(commands: Commands) -> None:
    """Add the commands below `trails`."""
    group = commands.group("trails", "build, inspect and publish trail sets")
    trails_build.add(group)
    trails_info.add(group)
    trails_lookup.add(group)
    trails_diff.add(group)
    trails_use.add(group)
    trails_publish.add(group)
    trails_keygen.add(group)
    trails_rollback.add(group)
