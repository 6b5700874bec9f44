"""The command `maltrail-agent`: arguments in, exit status out.

0 done, 1 a finding, 2 usage, configuration or input, 3 update refused, 4 update failed,
130 interrupted. Errors are one line on standard error.
"""

import argparse
import contextlib
import logging
import os
import sys
from collections.abc import Sequence

from agent.commands import (
    check,
    coverage,
    deliver,
    explain,
    feeds,
    import_config,
    replay,
    run,
    sense,
    support_bundle,
    test_outputs,
    trails,
    update,
    verify,
    version,
)
from agent.commands._common import DONE, INTERRUPTED, USAGE, Commands, UserError
from agent.config import ConfigError
from agent.visible import visible

COMMANDS = (
    *(run, sense, deliver, replay, check, test_outputs, verify, coverage, update, feeds, trails),
    *(explain, import_config, support_bundle, version),
)
"""In the order of `--help`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status."""
    options = parser().parse_args(arguments)
    logging.basicConfig(
        level=getattr(logging, (options.log_level or "info").upper()),
        format="%(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    try:
        return int(options.run(options))
    except (ConfigError, UserError) as error:
        print(f"maltrail-agent: {visible(str(error))}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has enough; keep the interpreter from telling so at its end.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    made = argparse.ArgumentParser(
        prog="maltrail-agent",
        description="A network sensor that forwards detections to the SIEM you already have.",
        epilog="Start with: maltrail-agent replay --trails LIST.csv CAPTURE.pcap "
        "(no privileges needed), then: maltrail-agent check. "
        "Exit status: 0 done, 1 a finding, 2 usage or configuration, 3 update refused, "
        "4 update failed, 130 interrupted.",
    )
    commands = Commands(made)
    for command in COMMANDS:
        command.add(commands)
    return made
