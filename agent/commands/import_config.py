"""`maltrail-agent import-config`: from a maltrail.conf to a config.yaml."""

import argparse
import grp
import json
import os
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from agent import config
from agent.commands._common import DONE, FINDING, Commands, UserError
from agent.importing import conf_file, importer, writing
from agent.importing.draft import Around, Draft, Outcome, Verdict
from agent.terminal import Cell, Text, Tone, terminal_of

MODE = 0o640
"""A webhook's URL is a secret; the installed configuration has the same mode."""
GROUP = "maltrail-agent"
"""Who reads the configuration on a host where the agent is installed."""

_TONES: Mapping[Verdict, Tone] = {
    "taken": Tone.GOOD,
    "not applicable": Tone.DIM,
    "in part": Tone.WARNING,
    "absent": Tone.NOTE,
    "unknown": Tone.BAD,
    "unusable": Tone.BAD,
}


def add(commands: Commands) -> None:
    """Add the command."""
    made = commands.add(
        "import-config", run, "turn a maltrail.conf into a config.yaml, and tell of every option"
    )
    made.add_argument("conf", type=Path, metavar="MALTRAIL.CONF", help="what Maltrail reads")
    made.add_argument(
        "--to",
        type=Path,
        default=config.DEFAULT_PATH.parent,
        metavar="DIR",
        help="where config.yaml, trails/ and allow/ are written (default: %(default)s)",
    )
    made.add_argument(
        "--root",
        type=Path,
        metavar="DIR",
        help="Maltrail's own folder, for relative paths (default: that of the file)",
    )
    made.add_argument("--force", action="store_true", help="replace files that are there")
    made.add_argument("--dry-run", action="store_true", help="report only; write nothing")


def run(options: argparse.Namespace) -> int:
    """Write the files and the report; 1 where something of the file is not accounted for."""
    folder = options.to.absolute()
    around = Around(
        root=(options.root or options.conf.absolute().parent).absolute(),
        host=socket.getfqdn(),
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        cpus=os.cpu_count() or 1,
    )
    try:
        text = conf_file.text_of(options.conf)
        imported = importer.take_all(text, around, accept)
    except conf_file.NotReadable as error:
        raise UserError(str(error)) from error
    draft, outcomes = imported
    _name_folders(draft, folder)
    files = {"config.yaml": writing.render(draft, outcomes, str(options.conf)), **draft.files}
    if not options.dry_run:
        _write(folder, files, force=options.force)
    _tell(options, folder, files, outcomes)
    return DONE if imported.is_whole else FINDING


def accept(document: Mapping[str, Any]) -> None:
    """Make everything that settings alone decide, as `check` does; raise ConfigError."""
    from agent.allow import AllowList
    from agent.behaviours import load
    from agent.capture import CaptureError, check_filter
    from agent.deliver.build import build
    from agent.severity import SeverityTable
    from feeds._update import lists_of

    settings = config.parse(yaml.safe_dump(document), "config.yaml")
    load(settings.detections)
    SeverityTable(settings.severity.rules)
    AllowList.load(msgspec.structs.replace(settings.allow_list, files=()), time.time_ns() // 1000)
    for output in settings.outputs:
        build(output)
    lists_of(settings)
    if settings.capture.filter:
        try:
            check_filter(settings.capture.filter)
        except CaptureError as error:
            raise config.ConfigError(str(error)) from error


def _name_folders(draft: Draft, folder: Path) -> None:
    """Name the folders of own lists where they are not the default ones."""
    draft.origin = f"files that were written to {folder}"
    if folder == config.DEFAULT_PATH.parent:
        return
    if any(name.startswith("trails/") for name in draft.files):
        draft.set("trails.custom", [str(folder / "trails")])
    if any(name.startswith("allow/") for name in draft.files):
        draft.set("allow_list.files", [str(folder / "allow")])


def _write(folder: Path, files: Mapping[str, str], *, force: bool) -> None:
    """Write all files or none; raise UserError."""
    there = [name for name in files if os.path.lexists(folder / name)]
    if there and not force:
        raise UserError(
            f"{folder}: has {', '.join(there[:3])} already; nothing was written: "
            "name another folder with --to, or --force to replace"
        )
    written: list[tuple[Path, Path]] = []
    gid = _group()
    try:
        for name, text in files.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_name(f".{target.name}.new")
            written.append((partial, target))
            with open(partial, "w", encoding="utf-8", opener=_opener) as file:
                if gid is not None:
                    os.fchown(file.fileno(), -1, gid)
                file.write(text)
        for partial, target in written:
            partial.replace(target)
    except OSError as error:
        for partial, _ in written:
            partial.unlink(missing_ok=True)
        at = error.filename or folder
        raise UserError(f"{at}: cannot be written: {error.strerror}") from error


def _group() -> int | None:
    """Return the group that has to read the files; None where nobody else does, or by others."""
    try:
        return grp.getgrnam(GROUP).gr_gid if os.geteuid() == 0 else None
    except KeyError:
        return None


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, MODE)


def _tell(
    options: argparse.Namespace,
    folder: Path,
    files: Mapping[str, str],
    outcomes: tuple[Outcome, ...],
) -> None:
    """Report on standard error, or as JSON on standard output."""
    names = [] if options.dry_run else [str(folder / name) for name in files]
    if options.json:
        print(json.dumps({"files": names, "options": msgspec.to_builtins(outcomes)}))
        return
    terminal = terminal_of(sys.stderr)
    for line in terminal.notes(_rows(outcomes)):
        print(line, file=sys.stderr)
    shown = terminal_of(sys.stdout)
    for name in names:
        print(shown.safe(name))


def _rows(outcomes: tuple[Outcome, ...]) -> Iterator[tuple[Cell, ...]]:
    """Yield line, option, verdict and reason of each option, and what of it was left."""
    for one in outcomes:
        verdict = Text(one.verdict, _TONES[one.verdict])
        yield (f"{one.line or '-'}", one.option, verdict, one.told)
        for text in one.left:
            yield ("", "", Text("left out", Tone.WARNING), text)
    counts = Counter(one.verdict for one in outcomes)
    summed = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    yield ("", Text("all", Tone.STRONG), "", f"{len(outcomes)} options: {summed}")
