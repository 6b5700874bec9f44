"""`maltrail-agent support-bundle`: one archive for whoever helps, without secrets."""

import argparse
import functools
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from agent import config
from agent.commands._common import DONE, Commands, UserError, named, settings_of
from agent.commands._findings import findings
from agent.config import ConfigError, Settings
from agent.support import Part
from agent.visible import visible


def add(commands: Commands) -> None:
    """Add the command."""
    bundle = commands.add(
        "support-bundle", run, "write one archive for whoever helps: no secrets, no traffic"
    )
    bundle.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="default: one named after host and time"
    )
    bundle.add_argument(
        "--since",
        type=config.duration,
        default=2 * 86400.0,
        metavar="TIME",
        help="how far back logs go (default: 2d)",
    )
    bundle.add_argument(
        "--seconds",
        type=config.duration,
        default=10.0,
        metavar="TIME",
        help="how long live traffic is counted for the coverage, 0s for not at all (default: 10s)",
    )
    bundle.add_argument(
        "--rejected", action="store_true", help="also events that receivers refused: from the wire"
    )


def run(options: argparse.Namespace) -> int:
    """Write the archive and tell what it holds."""
    from agent import support
    from agent.deliver.support import Scrubber

    now = time.time()
    path = options.output or Path(_name(now))
    scrub = Scrubber(Path(named(options)))
    made = [support.make(part, scrub) for part in _parts(options)]
    try:
        support.write(path, made, now)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}; name one with -o") from error
    if options.json:
        held = [
            {"name": m.name, "what": m.what, "bytes": len(m.data), "error": m.error} for m in made
        ]
        print(json.dumps({"file": str(path), "parts": held}))
        return DONE
    for line in support.manifest(made):
        print(visible(line))
    print(f"{path}: readable by its owner only; look through it before you send it")
    return DONE


def _name(now: float) -> str:
    host = "".join(one if one.isalnum() or one in ".-" else "-" for one in socket.gethostname())
    day = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
    return f"maltrail-agent-support-{host}-{day}.tar.gz"


def _parts(options: argparse.Namespace) -> Iterator[Part]:
    """Yield the parts; where the configuration cannot be read, those that need none."""
    from agent import support_host

    yield Part("versions.json", "versions of the agent and of this host", support_host.versions)
    yield Part("units.txt", "what systemd knows of the units", support_host.units)
    yield Part("interfaces.json", "state and counters of interfaces", support_host.interfaces)
    yield Part("logs.txt", "log of the units", functools.partial(support_host.logs, options.since))
    try:
        settings = settings_of(options)
    except ConfigError as error:
        yield Part(
            "config.txt", "why the configuration cannot be read", functools.partial(str, error)
        )
        return
    yield from _of_settings(options, settings)


def _of_settings(options: argparse.Namespace, settings: Settings) -> Iterator[Part]:
    from agent.deliver import support

    state = options.state_dir
    bound = functools.partial
    what = f"{named(options)} as it is in force, secrets hidden"
    yield Part("config.txt", what, bound(support.settings_text, settings))
    yield Part("check.json", "what check finds", bound(_checked, settings, state))
    yield Part("metrics.txt", "all counters", bound(support.page, settings.http, "/metrics"))
    yield Part("ready.txt", "whether it is ready", bound(support.page, settings.http, "/readyz"))
    yield Part("set.json", "the trail set in use", bound(_set, state))
    yield Part("lists.json", "how the last update did", bound(_lists, state))
    yield Part(
        "journals.json", "files and sizes of journals", bound(support.journals, state / "journal")
    )
    if options.seconds:
        coverage = bound(_coverage, settings, options.seconds)
        yield Part("coverage.json", "how much of the traffic is read", coverage)
    if options.rejected:
        rejected = bound(support.rejected, state / "journal")
        yield Part("rejected.jsonl", "refused events, FROM THE WIRE", rejected)


def _checked(settings: Settings, state_dir: Path) -> list[dict[str, str]]:
    return [found.document() for found in findings(settings, state_dir)]


def _set(state_dir: Path) -> object:
    from agent.trails.publish import current_set
    from agent.trails.set import TrailSet

    path = current_set(state_dir)
    if path is None:
        return "none is published"
    sizes = {file.name: file.stat().st_size for file in sorted(path.parent.glob("*.set"))}
    facts = {"file": path.name, "info": TrailSet.open(path).info, "files": sizes}
    return msgspec.to_builtins(facts)


def _lists(state_dir: Path) -> object:
    from agent import health

    return msgspec.to_builtins(health.read(state_dir / health.FILE))


def _coverage(settings: Settings, seconds: float) -> dict[str, object]:
    from agent import coverage, survey

    return coverage.document(survey.of_interfaces(settings.capture, seconds))
