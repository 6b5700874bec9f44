"""`maltrail-agent trails publish`: a bundle for a fleet."""

import argparse
import time
from pathlib import Path

import msgspec

from agent import config
from agent.commands._common import DONE, Commands, UserError


def add(commands: Commands) -> None:
    """Add the command."""
    publish = commands.add("publish", run, "write a bundle for a fleet")
    publish.add_argument(
        "--to", type=Path, required=True, metavar="DIR", help="a web server's folder"
    )
    publish.add_argument(
        "--key",
        type=Path,
        action="append",
        required=True,
        metavar="FILE",
        help="a private key of `trails keygen`; twice while keys are changed",
    )
    publish.add_argument(
        "--valid",
        type=config.duration,
        default=7 * 86400.0,
        metavar="TIME",
        help="how long agents may take it, for example 7d (the default)",
    )
    publish.add_argument(
        "set", type=Path, nargs="?", metavar="SET", help="default: the current set"
    )


def run(options: argparse.Namespace) -> int:
    """Write set, manifest and signatures for others to fetch."""
    from agent.trails.publish import current_set
    from agent.trails.set import SetError
    from feeds import _bundle, _signing

    path = options.set or current_set(options.state_dir)
    if path is None:
        raise UserError(
            f"{options.state_dir}: holds no set; run maltrail-agent update, or name one"
        )
    signers = [_signing.load_key(key) for key in options.key]
    try:
        manifest = _bundle.write(path, options.to, signers, options.valid, time.time())
    except SetError as error:
        raise UserError(str(error)) from error
    except OSError as error:
        raise UserError(f"{options.to}: cannot be written: {error.strerror}") from error
    if options.json:
        print(msgspec.json.encode(manifest).decode())
    else:
        until = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(manifest.expires))
        print(f"{options.to}: set {manifest.set_id[:12]}, serial {manifest.serial}, until {until}")
    return DONE
