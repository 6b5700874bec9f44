"""How a process of ours runs until it is told to end, and reads its configuration again."""

import argparse
import logging
import signal
import threading
from collections.abc import Callable

from agent.commands._common import settings_of
from agent.config import ConfigError, Settings

_log = logging.getLogger("agent.cli")


def until_stopped(begin: Callable[[threading.Event], int], hup: Callable[[], None]) -> int:
    """Run `begin` until SIGTERM or SIGINT; SIGHUP calls `hup`."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    signal.signal(signal.SIGHUP, lambda *_: hup())
    return begin(stop)


def reloader(options: argparse.Namespace, use: Callable[[Settings], None]) -> Callable[[], None]:
    """Return what a SIGHUP does: read the file again, and keep the old settings if it is bad."""

    def reload() -> None:
        try:
            use(settings_of(options))
        except ConfigError as error:
            _log.error("reload refused, the old settings stay: %s", error)

    return reload
