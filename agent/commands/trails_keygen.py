"""`maltrail-agent trails keygen`: a key that signs bundles."""

import argparse
from pathlib import Path

from agent.commands._common import DONE, Commands, UserError


def add(commands: Commands) -> None:
    """Add the command."""
    keygen = commands.add("keygen", run, "make a key that signs bundles")
    keygen.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="where the key goes"
    )


def run(options: argparse.Namespace) -> int:
    """Write the private key, print the public one."""
    from feeds import _signing

    try:
        print(_signing.make_key(options.output))
    except OSError as error:
        raise UserError(f"{options.output}: cannot be written: {error.strerror}") from error
    return DONE
