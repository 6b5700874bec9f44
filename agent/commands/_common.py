"""What commands share: exit statuses, the error that becomes one line, the configuration named."""

import argparse
import json
import logging
from collections.abc import Callable
from pathlib import Path

import msgspec

from agent import config
from agent.config import Settings

DONE, FINDING, USAGE, REFUSED, FAILED, INTERRUPTED = 0, 1, 2, 3, 4, 130
"""Exit statuses; 3 and 4 are those of an update."""

Run = Callable[[argparse.Namespace], int]
"""What a command does: its options in, its exit status out."""


class UserError(Exception):
    """What a user did or gave that cannot work; the text is the one line to print."""


class Commands:
    """A parser's commands: each gets the options that all share, and the function that runs it."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._made = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def add(self, name: str, run: Run, text: str) -> argparse.ArgumentParser:
        """Add a command; return its parser, for the options of its own."""
        made = self._made.add_parser(name, parents=[_options()], help=text, description=text)
        made.set_defaults(run=run)
        return made

    def group(self, name: str, text: str) -> "Commands":
        """Add a word that has commands below it."""
        return Commands(self._made.add_parser(name, help=text, description=text))


def _options() -> argparse.ArgumentParser:
    """Return the options of every command."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("-c", "--config", type=Path, metavar="FILE", help="configuration file")
    common.add_argument(
        "--state-dir",
        type=Path,
        default=config.DEFAULT_STATE_DIR,
        metavar="DIR",
        help="trail sets and lists (default: %(default)s)",
    )
    common.add_argument(
        "--run-dir",
        type=Path,
        default=config.DEFAULT_RUN_DIR,
        metavar="DIR",
        help="the socket between sense and deliver (default: %(default)s)",
    )
    common.add_argument(
        "--log-level",
        choices=("error", "warning", "info", "debug"),
        help="what is logged (default: log.level of the configuration)",
    )
    common.add_argument("--json", action="store_true", help="for programs: JSON on standard output")
    return common


def settings_of(options: argparse.Namespace) -> Settings:
    """Load -c FILE; without one, the default file where it exists, else the defaults."""
    path = options.config
    if path is None:
        if not config.DEFAULT_PATH.exists():
            return Settings()
        path = config.DEFAULT_PATH
    settings = config.load(path)
    if options.log_level is None:
        logging.getLogger().setLevel(settings.log.level.upper())
    return settings


def named(options: argparse.Namespace) -> str:
    return str(options.config or config.DEFAULT_PATH)


def json_line(value: msgspec.Struct) -> str:
    """Return a document as one line that any terminal and any reader takes."""
    return json.dumps(msgspec.to_builtins(value))
