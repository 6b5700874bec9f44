"""`maltrail-agent trails build`: list files into one set."""

import argparse
from pathlib import Path

import msgspec

from agent.commands._common import Commands, UserError
from agent.commands._sets import shadowed, tell_set


def add(commands: Commands) -> None:
    """Add the command."""
    build = commands.add("build", run, "build a set from list files")
    build.add_argument(
        "-o", "--output", type=Path, required=True, metavar="SET", help="where it goes"
    )
    build.add_argument("files", nargs="+", type=Path, metavar="FILE")


def run(options: argparse.Namespace) -> int:
    """Build the set, and put it in place whole or not at all."""
    from agent.trails import files
    from agent.trails.build import Builder

    builder = Builder()
    for path in options.files:
        found = files.find(path)
        if not found:
            raise UserError(f"{path}: there is no such file, or no .txt or .csv list in it")
        try:
            files.add_all(builder, found)
        except files.TrailFileError as error:
            raise UserError(str(error)) from error
    if not builder.count:
        raise UserError(f"{options.files[0]}: holds no usable trails; nothing was written")
    partial = options.output.with_name(f".{options.output.name}.new")
    try:
        info = builder.write(partial)
        partial.chmod(0o444)
        partial.replace(options.output)
    except OSError as error:
        raise UserError(f"{options.output}: cannot be written: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)
    told = msgspec.to_builtins(info)
    return tell_set(options, {**told, "shadowed": shadowed(options, options.output)})
