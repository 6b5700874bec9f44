"""`maltrail-agent update`: fetch lists and publish a set."""

import argparse
import logging
import sys
import time

import msgspec

from agent.commands._common import Commands, settings_of
from agent.commands._sets import counted, shadowed
from agent.identity import become_owner

_log = logging.getLogger("agent.cli")


def add(commands: Commands) -> None:
    """Add the command."""
    update = commands.add("update", run, "fetch lists and publish a new trail set")
    update.add_argument("--force", action="store_true", help="publish even a much smaller set")
    update.add_argument("--dry-run", action="store_true", help="fetch and judge, publish nothing")
    update.add_argument("only", nargs="*", metavar="LIST", help="only these lists")


def run(options: argparse.Namespace) -> int:
    """Update once; 3 where the gate refuses, 4 where it fails."""
    from feeds._update import FOLDER, update

    settings = settings_of(options)
    become_owner(options.state_dir / FOLDER)
    result = update(
        settings,
        options.state_dir,
        time.time(),
        force=options.force,
        dry_run=options.dry_run,
        only=tuple(options.only),
    )
    if options.json:
        print(msgspec.json.encode(result).decode())
        return result.exit_status
    print(result.status)
    for line in result.changes:
        print(line)
    for report in result.lists:
        _log.debug("%s", report)
    if result.status == "published" and not options.dry_run:
        _log_shadowed(options)
    if result.reason:
        print(f"maltrail-agent: update: {result.reason}", file=sys.stderr)
    return result.exit_status


def _log_shadowed(options: argparse.Namespace) -> None:
    """Tell what the allow-list silences in the set that was just published."""
    from agent.trails.publish import current_set

    path = current_set(options.state_dir)
    for entry, silenced in shadowed(options, path).items() if path else ():
        _log.info("allow-list entry %s silences %s", entry, counted(silenced))
