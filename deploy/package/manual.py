"""The manual page and the completions, made from the tree of commands when a release is packed.

    python -m deploy.package.manual FOLDER    writes maltrail-agent.8 and the completions there

The page is written here, for argparse's own help words and wraps differ between versions of Python;
the completions are made by shtab.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from agent.cli import parser as make_parser

PAGE, BASH, ZSH = "maltrail-agent.8", "maltrail-agent.bash", "_maltrail-agent"

SHELLS = {BASH: "bash", ZSH: "zsh"}

PATHS = {
    **dict.fromkeys(("FILE", "CAPTURE", "SET", "OLD", "NEW", "MALTRAIL.CONF"), "FILE"),
    "DIR": "DIRECTORY",
}
"""What of a path is completed, by the word that stands for it."""

FILES = (
    ("/etc/maltrail-agent/config.yaml", "the configuration; the sample tells every key"),
    ("/etc/maltrail-agent/trails", "own lists: *.txt, a key a line, and *.csv"),
    ("/etc/maltrail-agent/allow", "what is never reported: *.txt, a domain or network a line"),
    ("/etc/maltrail-agent/secrets", "tokens, keys and certificates, each readable by its one user"),
    ("/var/lib/maltrail-agent", "trail sets, fetched lists, the journal of events that wait"),
    ("/run/maltrail-agent", "the socket between sense and deliver"),
)

Command = tuple[str, argparse.ArgumentParser]


def page(root: argparse.ArgumentParser) -> str:
    """Return the manual page (man(7)) of a parser and of everything below it."""
    known = list(commands(root))
    shared = _shared(known)
    lines = [
        '.\\" Made by deploy/package/manual.py from the tree of commands.',
        f'.TH {_text(root.prog).upper()} 8 "" {_text(root.prog)} "System administration"',
        ".SH NAME",
        f"{_text(root.prog)} \\- {_text(_lowered(root.description or ''))}",
        ".SH SYNOPSIS",
        f".B {_text(root.prog)}",
        ".I COMMAND",
        "[\\fIOPTION\\fR ...]",
        ".SH DESCRIPTION",
        _text(root.description or ""),
        ".PP",
        _text(root.epilog or ""),
        ".SH OPTIONS OF EVERY COMMAND",
        *(line for action in shared for line in _option(action)),
        ".SH COMMANDS",
        *(line for command in known for line in _command(root.prog, command, shared)),
        ".SH FILES",
        *(line for path, text in FILES for line in (".TP", f".I {_text(path)}", _text(text))),
        ".SH SEE ALSO",
        ".BR systemctl (1),",
        ".BR journalctl (1),",
        ".BR rsyslogd (8)",
    ]
    return "\n".join(lines) + "\n"


def completion(shell: str) -> str:
    """Return the script that completes the command in `shell`: bash or zsh."""
    import shtab

    root = make_parser()
    for _, parser in commands(root):
        for action in options(parser):
            kind = PATHS.get(action.metavar) if isinstance(action.metavar, str) else None
            if kind:
                action.complete = getattr(shtab, kind)  # type: ignore[attr-defined]
    return str(shtab.complete(root, shell))


def files() -> dict[str, str]:
    """Return everything that is made, by the name of its file."""
    made = {PAGE: page(make_parser())}
    return made | {name: completion(shell) for name, shell in SHELLS.items()}


def commands(root: argparse.ArgumentParser, prefix: str = "") -> Iterator[Command]:
    """Yield the commands that can be run, in the order of `--help`."""
    below = [action for action in root._actions if isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001 - argparse has no other way to walk its tree
    if not below and prefix:
        yield prefix, root
    for action in below:
        for name, parser in action.choices.items():
            yield from commands(parser, f"{prefix} {name}".strip())


def options(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield what a command takes, but for --help."""
    for action in parser._actions:  # noqa: SLF001 - as above
        if action.help != argparse.SUPPRESS and not isinstance(action, argparse._HelpAction):  # noqa: SLF001
            yield action


def _shared(known: list[Command]) -> list[argparse.Action]:
    """Return the options of the first command that all others have too."""
    common = set.intersection(
        *({_name(action) for action in options(parser)} for _, parser in known)
    )
    return [action for action in options(known[0][1]) if _name(action) in common]


def _name(action: argparse.Action) -> str:
    return " ".join(action.option_strings) or action.dest


def _command(program: str, command: Command, shared: list[argparse.Action]) -> Iterator[str]:
    name, parser = command
    known = {_name(action) for action in shared}
    own = [action for action in options(parser) if _name(action) not in known]
    operands = "".join(f" {_operand(action)}" for action in own if not action.option_strings)
    yield f".SS {_text(program)} {_text(name)}{operands}"
    yield _text(parser.description or "")
    for action in own:
        yield from _option(action)


def _operand(action: argparse.Action) -> str:
    value = _value(action)
    if action.nargs in ("+", "*"):
        value += " ..."
    return f"[{value}]" if action.nargs in ("?", "*") else value


def _option(action: argparse.Action) -> Iterator[str]:
    yield ".TP"
    if action.option_strings:
        value = "" if action.nargs == 0 else f" {_value(action)}"
        names = ", ".join(f"\\fB{_text(option)}\\fR" for option in action.option_strings)
        yield names + value
    else:
        yield _value(action)
    yield _text((action.help or "") % {**vars(action), "prog": ""})


def _value(action: argparse.Action) -> str:
    if action.metavar is None and action.choices:
        return _text("|".join(map(str, action.choices)))
    name = action.metavar or action.dest.upper()
    return f"\\fI{_text(name if isinstance(name, str) else ' '.join(name))}\\fR"


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:].rstrip(".")


def _text(text: str) -> str:
    """Return a text as roff takes it: a dot at its begin is no request, a hyphen is a minus."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("\n", " ")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def main(folder: str) -> None:
    """Write the files."""
    for name, text in files().items():
        (Path(folder) / name).write_text(text)


if __name__ == "__main__":
    main(sys.argv[1])
