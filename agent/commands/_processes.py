"""How a process of ours runs until it is told to end, and reads its configuration again."""

import argparse
import logging
import signal
import threading
from collections.abc import Callable
from typing import Protocol

from agent.commands._common import settings_of
from agent.config import ConfigError, Settings
from agent.reloads import Reloads

_log = logging.getLogger("agent.cli")


def until_stopped(begin: Callable[[threading.Event], int], hup: Callable[[], None]) -> int:
    """Run `begin` until SIGTERM or SIGINT; SIGHUP calls `hup`."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    signal.signal(signal.SIGHUP, lambda *_: hup())
    return begin(stop)


class Reloadable(Protocol):
    """A process of ours that takes over other settings while it runs."""

    reloads: Reloads

    def reload(self, settings: Settings) -> None:
        """Take them over, or raise ConfigError and keep the old ones."""


def reloader(options: argparse.Namespace, process: Reloadable) -> Callable[[], None]:
    """Return what a SIGHUP does: read the file again, and keep the old settings if it is bad.

    `log.level` is in force at once, unless --log-level was given.
    """

    def reload() -> None:
        try:
            process.reload(settings_of(options))
        except ConfigError as error:
            process.reloads.failed()
            _log.error("reload refused, the old settings stay: %s", error)

    return reload
