"""The command `maltrail-agent`: arguments in, exit status out.

0 done, 1 a finding, 2 usage, configuration or input, 3 update refused, 4 update failed,
130 interrupted. Errors are one line on standard error.
"""

import argparse
import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from agent import __version__, config
from agent.config import ConfigError, Settings
from agent.identity import become_owner

if TYPE_CHECKING:
    from agent.explain import LeftOut
    from agent.watching import Seen

DONE, FINDING, USAGE, REFUSED, FAILED, INTERRUPTED = 0, 1, 2, 3, 4, 130
FORMATS = ("maltrail", "maltrail-line", "ecs", "cef", "leef", "ocsf", "csv")

_log = logging.getLogger("agent.cli")


class UserError(Exception):
    """What a user did or gave that cannot work; the text is the one line to print."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=getattr(logging, (options.log_level or "info").upper()),
        format="%(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    try:
        return int(options.run(options))
    except (ConfigError, UserError) as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has enough; keep the interpreter from telling so at its end.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


def _fail(text: str, status: int = USAGE) -> int:
    print(f"maltrail-agent: {text}", file=sys.stderr)
    return status


def _settings(options: argparse.Namespace) -> Settings:
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


def _named(options: argparse.Namespace) -> str:
    return str(options.config or config.DEFAULT_PATH)


# Processes


def _until_stopped(begin: Callable[[threading.Event], int], hup: Callable[[], None]) -> int:
    """Run `begin` until SIGTERM or SIGINT; SIGHUP calls `hup`."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    signal.signal(signal.SIGHUP, lambda *_: hup())
    return begin(stop)


def _reloader(options: argparse.Namespace, use: Callable[[Settings], None]) -> Callable[[], None]:
    """Return what a SIGHUP does: read the file again, and keep the old settings if it is bad."""

    def reload() -> None:
        try:
            use(_settings(options))
        except ConfigError as error:
            _log.error("reload refused, the old settings stay: %s", error)

    return reload


def _sense(options: argparse.Namespace) -> int:
    from agent.capture import CaptureError
    from agent.sense import Sense

    settings = _settings(options)
    try:
        sense = Sense(settings, options.state_dir, options.run_dir)
        return _until_stopped(sense.run, _reloader(options, sense.reload))
    except CaptureError as error:
        raise UserError(str(error)) from error


def _deliver(options: argparse.Namespace) -> int:
    from agent.deliver.main import Deliver

    settings = _settings(options)
    try:
        deliver = Deliver(settings, options.run_dir, options.state_dir)
        deliver.start()
    except ConfigError as error:
        raise UserError(f"{_named(options)}: {error}") from error
    try:
        return _until_stopped(deliver.run, _reloader(options, deliver.reload))
    finally:
        deliver.close()


def _run(options: argparse.Namespace) -> int:
    """Run sense and deliver as two processes in the foreground; either's end ends both."""
    _settings(options)
    options.run_dir.mkdir(parents=True, exist_ok=True)
    base = [sys.executable, "-m", "agent"]
    tail = ["--state-dir", str(options.state_dir), "--run-dir", str(options.run_dir)]
    if options.config:
        tail += ["-c", str(options.config)]
    if options.log_level:
        tail += ["--log-level", options.log_level]
    # In sessions of their own, so that Ctrl-C ends them in our order rather than all at once.
    processes = [
        subprocess.Popen([*base, name, *tail], start_new_session=True)  # noqa: S603
        for name in ("deliver", "sense")
    ]
    stop = threading.Event()

    def reload(*_: object) -> None:
        for process in processes:
            process.send_signal(signal.SIGHUP)

    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    signal.signal(signal.SIGHUP, reload)
    while not stop.wait(0.2) and all(process.poll() is None for process in processes):
        pass
    return _end_both(processes)


def _end_both(processes: list["subprocess.Popen[bytes]"]) -> int:
    """End sense first, so that deliver takes its last events; return the worse status."""
    statuses = []
    for process in reversed(processes):
        if process.poll() is None:
            process.terminate()
        statuses.append(process.wait(30))
    return max(max(status, 0) for status in statuses)


# Replay


def _replay(options: argparse.Namespace) -> int:
    from agent.capture import CaptureError
    from agent.replay import Options, Replay
    from agent.trails.set import SetError
    from outputs import _formats

    logging.getLogger().setLevel((options.log_level or "warning").upper())
    asked = Options(
        captures=tuple(options.captures),
        trails=tuple(options.trails),
        workers=options.workers,
        fold=not options.no_condense,
        allow_list=not options.no_allow_list,
        explain=options.explain,
    )
    form = _formats.make(options.format)
    expected = _expected(options.expect)
    try:
        replay = Replay(_settings(options), options.state_dir, asked)
        for told in replay.inert() if options.trails else ():
            print(f"maltrail-agent: {told}", file=sys.stderr)
        for delivery in replay.deliveries():
            line = form(delivery)
            expected = [text for text in expected if text not in line]
            print(line)
    except (CaptureError, SetError) as error:
        raise UserError(str(error)) from error
    sys.stdout.flush()
    if options.explain:
        _tell_seen(options, replay.explanations())
    if options.stats:
        print(json.dumps(replay.statistics()), file=sys.stderr)
    for text in expected:
        print(f"maltrail-agent: --expect: no event holds {text!r}", file=sys.stderr)
    return FINDING if expected else DONE


def _tell_seen(options: argparse.Namespace, seen: "list[Seen]") -> None:
    """Explain on standard error what every value came to; the events keep standard output."""
    from agent.watching import table

    for line in [json_line(row) for row in seen] if options.json else table(seen):
        print(line, file=sys.stderr)


def json_line(value: msgspec.Struct) -> str:
    """Return a document as one line that any terminal and any reader takes."""
    return json.dumps(msgspec.to_builtins(value))


def _expected(path: Path | None) -> list[str]:
    """Return the lines of --expect FILE that are no comments."""
    if path is None:
        return []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UserError(f"--expect {path}: cannot be read: {error.strerror}") from error
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


# Trails


def _trails_build(options: argparse.Namespace) -> int:
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
    return _tell_set(options, {**told, "shadowed": _shadowed(options, options.output)})


def _shadowed(options: argparse.Namespace, path: Path) -> dict[str, object]:
    """Return what the allow-list of this host silences in a set, by entry."""
    from agent.allow import AllowList
    from agent.shadows import shadows

    allow = AllowList.load(_settings(options).allow_list, time.time_ns() // 1000)
    return {
        f"{shadow.entry.text} ({shadow.entry.origin})": {
            "count": shadow.size,
            "samples": shadow.samples,
        }
        for shadow in shadows(_open_set(path), allow)
    }


def _trails_info(options: argparse.Namespace) -> int:
    from agent.scan import layout

    opened = _open_set(options.set)
    if not options.quarantined:
        told = msgspec.to_builtins(opened.info)
        return _tell_set(options, {**told, "shadowed": _shadowed(options, options.set)})
    for line in opened.lines(layout.SECTION_QUARANTINED):
        print(line)
    return DONE


def _tell_set(options: argparse.Namespace, info: dict[str, object]) -> int:
    if options.json:
        print(json.dumps(info))
        return DONE
    for key, value in info.items():
        if isinstance(value, dict):
            print(f"{key}:")
            for name, number in value.items():
                print(f"  {name}: {_refused(number)}")
        else:
            print(f"{key}: {', '.join(value) if isinstance(value, (list, tuple)) else value}")
    return DONE


def _refused(value: object) -> object:
    if isinstance(value, dict):
        return f"{value['count']} (such as {', '.join(value['samples'])})"
    return value


def _trails_lookup(options: argparse.Namespace) -> int:
    from agent.allow import AllowList
    from agent.explain import Explainer
    from agent.sets import empty_set
    from agent.trails.find import Trails

    opened = _open_set(options.set)
    explainer = Explainer(Trails(empty_set(opened.seed), opened), AllowList((), 0))
    found = [explainer.explain(value) for value in options.values]
    if options.json:
        print(json.dumps(msgspec.to_builtins(found)))
    for told in () if options.json else found:
        names = ", ".join(source.name for source in told.sources)
        shown = f"{told.key}: {told.info} {told.reference} [{names}]"
        print(f"{told.value}: {shown if told.is_told else 'not found'}")
    return DONE if all(told.is_told for told in found) else FINDING


def _trails_diff(options: argparse.Namespace) -> int:
    from agent.trails.diff import changes, diff

    tell = diff if options.keys else changes
    for line in tell(_open_set(options.old), _open_set(options.new)):
        print(line)
    return DONE


def _open_set(path: Path):  # type: ignore[no-untyped-def]  # imported late
    from agent.trails.set import SetError, TrailSet

    try:
        opened = TrailSet.open(path)
        opened.verify()
    except SetError as error:
        raise UserError(str(error)) from error
    return opened


def _trails_keygen(options: argparse.Namespace) -> int:
    from feeds import _signing

    try:
        print(_signing.make_key(options.output))
    except OSError as error:
        raise UserError(f"{options.output}: cannot be written: {error.strerror}") from error
    return DONE


def _trails_publish(options: argparse.Namespace) -> int:
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


def _trails_use(options: argparse.Namespace) -> int:
    from agent.published import FOLDER
    from agent.trails.publish import publish
    from agent.trails.set import SetError

    opened = _open_set(options.set)
    become_owner(options.state_dir / FOLDER)
    try:
        path = publish(options.set, options.state_dir)
    except SetError as error:
        raise UserError(str(error)) from error  # the owner of the sets may read less than root
    except OSError as error:
        raise UserError(f"{options.state_dir}: cannot be written: {error.strerror}") from error
    print(f"{path}: {opened.set_id} is current")
    return DONE


def _trails_rollback(options: argparse.Namespace) -> int:
    from agent.published import FOLDER
    from agent.trails.publish import rollback

    become_owner(options.state_dir / FOLDER)
    try:
        print(f"{rollback(options.state_dir)} is current")
    except OSError as error:
        raise UserError(f"{options.state_dir}: {error}") from error
    return DONE


def _explain(options: argparse.Namespace) -> int:
    from agent.allow import AllowList
    from agent.explain import Explainer, lines
    from agent.sets import open_sets
    from agent.suppress import in_force
    from agent.trails.find import Trails
    from agent.trails.set import SetError

    settings = _settings(options)
    try:
        own, published = open_sets(settings, options.state_dir, options.trails)
    except SetError as error:
        raise UserError(str(error)) from error
    allow = AllowList.load(settings.allow_list, time.time_ns() // 1000)
    held = in_force(settings.suppress, time.time_ns() // 1000)
    explainer = Explainer(Trails(own, published), allow, _left_out(options, settings), held)
    told = [explainer.explain(value) for value in options.values]
    if options.json:
        print(json.dumps(msgspec.to_builtins(told)))
    else:
        for explanation in told:
            for line in lines(explanation):
                print(line.encode("utf-8", "backslashreplace").decode())
    return DONE if all(explanation.is_told for explanation in told) else FINDING


def _left_out(options: argparse.Namespace, settings: Settings) -> "LeftOut":
    """Return what tells which lists and own files name keys that no set holds."""
    from agent.trails import files
    from feeds._absence import absences

    def asked(wanted: Collection[str]) -> Iterator[tuple[str, str]]:
        named = options.trails or [Path(path) for path in settings.trails.custom]
        own = [file for path in named for file in files.find(path) if file.suffix != ".set"]
        for path, reason in files.inert(own, wanted):
            yield str(path), f"inert: {reason}"
        if options.trails:
            return  # they stand for the lists
        try:
            yield from absences(settings, options.state_dir, wanted, time.time())
        except (OSError, ValueError) as error:
            _log.warning("the lists' copies cannot be asked: %s", error)

    return asked


# Update, check, version


def _update(options: argparse.Namespace) -> int:
    from feeds._update import FOLDER, update

    settings = _settings(options)
    become_owner(options.state_dir / FOLDER)
    result = update(
        settings,
        options.state_dir,
        time.time(),
        force=options.force,
        dry_run=options.dry_run,
        only=tuple(options.only),
    )
    if options.json:
        print(msgspec.json.encode(result).decode())
        return result.exit_status
    print(result.status)
    for line in result.changes:
        print(line)
    for report in result.lists:
        _log.debug("%s", report)
    if result.status == "published" and not options.dry_run:
        _log_shadowed(options)
    if result.reason:
        print(f"maltrail-agent: update: {result.reason}", file=sys.stderr)
    return result.exit_status


def _log_shadowed(options: argparse.Namespace) -> None:
    """Tell what the allow-list silences in the set that was just published."""
    from agent.trails.publish import current_set

    path = current_set(options.state_dir)
    for entry, silenced in _shadowed(options, path).items() if path else ():
        _log.info("allow-list entry %s silences %s", entry, _refused(silenced))


def _verify(options: argparse.Namespace) -> int:
    from agent.verify.report import Report, lines_of

    report = Report()
    for path in options.files:
        try:
            report.take(lines_of(path))
        except (OSError, EOFError) as error:
            raise UserError(f"{path}: cannot be read: {error}") from error
    if not report.runs.runs:
        raise UserError(
            f"{', '.join(options.files)}: no event of maltrail-agent with a number in "
            f"{report.lines} lines; every format but maltrail-line carries one"
        )
    if options.json:
        print(json.dumps(report.document()))
    else:
        for line in report.text():
            print(line)
    return DONE if report.is_clean else FINDING


def _coverage(options: argparse.Namespace) -> int:
    """Report what of captures, or of live traffic, is read; 1 where most of it is not."""
    from agent import coverage, survey
    from agent.capture import CaptureError

    if bool(options.captures) == options.live:
        raise UserError("coverage: expected captures or --live; name one of both")
    try:
        if options.live:
            counted = survey.of_interfaces(_settings(options).capture, options.seconds)
        else:
            counted = survey.of_files(options.captures)
    except CaptureError as error:
        raise UserError(str(error)) from error
    if options.json:
        print(json.dumps(coverage.document(counted)))
    else:
        for line in coverage.text(counted):
            print(line)
    return FINDING if any(coverage.troubles(counted.counters)) else DONE


def _feeds(options: argparse.Namespace) -> int:
    from feeds._health import health, table

    rows = health(_settings(options), options.state_dir, time.time())
    if options.json:
        print(msgspec.json.encode(rows).decode())
    else:
        for line in table(rows):
            print(line)
    return DONE


def _check(options: argparse.Namespace) -> int:
    from agent.deliver.preflight import check as check_outputs
    from agent.deliver.preflight import check_journals
    from agent.preflight import Finding, check
    from feeds._preflight import check as check_lists

    settings = _settings(options)
    findings = [*check(settings, options.state_dir)]
    findings += [Finding(*found) for found in check_lists(settings)]
    findings += [Finding(*found) for found in check_outputs(settings, options.connect)]
    journals = options.state_dir / "journal"
    findings += [Finding(*found) for found in check_journals(settings, journals)]
    if options.json:
        print(json.dumps([finding._asdict() for finding in findings]))
    else:
        marks = {"ok": "[o]", "warning": "[!]", "failure": "[x]"}
        for finding in findings:
            print(f"{marks[finding.level]} {finding.text}")
    return FINDING if any(finding.level == "failure" for finding in findings) else DONE


def _test_outputs(options: argparse.Namespace) -> int:
    """Send one event through each output, as deliver's user, so that files stay its own.

    With --json standard output is the report's alone: an output of type stdout has the other.
    """
    from agent.deliver.main import notices
    from agent.deliver.preflight import USER
    from agent.deliver.trial import attempt

    settings = _settings(options)
    known = [output.name for output in settings.outputs]
    unknown = sorted(set(options.names) - set(known))
    if unknown or not known:
        said = f"no output is named {', '.join(unknown)}" if unknown else "outputs: none"
        raise UserError(f"{_named(options)}: {said}; known: {', '.join(known) or 'none'}")
    become_owner(options.state_dir / "journal", USER)
    tell = notices(settings)
    trials = []
    for output in settings.outputs:
        if not options.names or output.name in options.names:
            evidence = {"output": output.name, "version": __version__}
            event = tell.trial(time.time_ns() // 1000, output.name, evidence)
            with contextlib.redirect_stdout(sys.stderr if options.json else sys.stdout):
                trials.append(attempt(output, event))
    if options.json:
        print(msgspec.json.encode(trials).decode())
    else:
        for trial in trials:
            where = f" to {trial.address}" if trial.address else ""
            mark = "[o]" if trial.ok else "[x]"
            print(f"{mark} {trial.name}: {trial.type}{where}, {trial.bytes} bytes: {trial.text}")
    return DONE if all(trial.ok for trial in trials) else FINDING


def _version(options: argparse.Namespace) -> int:
    from agent.scan import is_compiled

    facts = {
        "version": __version__,
        "build": "compiled" if is_compiled() else "plain",
        "python": sys.version.split()[0],
    }
    if options.json:
        print(json.dumps(facts))
    else:
        print(f"maltrail-agent {__version__}, {facts['build']} scanner, Python {facts['python']}")
    return DONE


# Arguments


def _parser() -> argparse.ArgumentParser:
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
    common.add_argument("--log-level", choices=("error", "warning", "info", "debug"))
    common.add_argument("--json", action="store_true", help="for programs: JSON on standard output")
    parser = argparse.ArgumentParser(
        prog="maltrail-agent",
        description="A network sensor that forwards detections to the SIEM you already have.",
        epilog="Start with: maltrail-agent replay --trails LIST.csv CAPTURE.pcap "
        "(no privileges needed), then: maltrail-agent check. "
        "Exit status: 0 done, 1 a finding, 2 usage or configuration, 3 update refused, "
        "4 update failed, 130 interrupted.",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[argparse.Namespace], int], text: str
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(name, parents=[common], help=text, description=text)
        made.set_defaults(run=run)
        return made

    command("run", _run, "capture and deliver in the foreground, as two processes")
    command("sense", _sense, "capture and detect; events go to deliver's socket")
    command("deliver", _deliver, "send what sense reports to the configured outputs")
    _add_replay(command("replay", _replay, "print the events of captures; touches nothing"))
    check = command("check", _check, "check the configuration and this host, with remedies")
    check.add_argument(
        "--connect", action="store_true", help="connect to every receiver too; sends no event"
    )
    test = command("test-outputs", _test_outputs, "send one event through each output")
    test.add_argument("names", nargs="*", metavar="NAME", help="only these outputs")
    verify = command("verify", _verify, "tell which events of received lines are missing")
    verify.add_argument(
        "files", nargs="+", metavar="FILE", help="received lines, plain or gzip; - for stdin"
    )
    coverage = command("coverage", _coverage, "tell what of captures or live traffic is not read")
    coverage.add_argument("--live", action="store_true", help="the configured interfaces, now")
    coverage.add_argument(
        "--seconds",
        type=config.duration,
        default=30.0,
        metavar="TIME",
        help="how long to look at live traffic, for example 5m (default: 30s)",
    )
    coverage.add_argument("captures", nargs="*", metavar="CAPTURE", help="pcap, pcapng, .gz, or -")
    update = command("update", _update, "fetch lists and publish a new trail set")
    update.add_argument("--force", action="store_true", help="publish even a much smaller set")
    update.add_argument("--dry-run", action="store_true", help="fetch and judge, publish nothing")
    update.add_argument("only", nargs="*", metavar="LIST", help="only these lists")
    command("feeds", _feeds, "list the known lists and their health")
    _add_trails(commands.add_parser("trails", help="build, inspect and publish trail sets"), common)
    explain = command("explain", _explain, "tell what matches a value and why, or why nothing does")
    explain.add_argument("--trails", type=Path, action="append", default=[], metavar="FILE")
    explain.add_argument(
        "values", nargs="+", metavar="VALUE", help="a name, address, URL, ua:AGENT or hash"
    )
    command("version", _version, "print the version and which build runs")
    return parser


def _add_replay(replay: argparse.ArgumentParser) -> None:
    replay.add_argument(
        "--trails",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a .set, .csv (trail,info,reference) or .txt; several list files are merged",
    )
    replay.add_argument("--format", choices=FORMATS, default="maltrail")
    replay.add_argument("--workers", type=_positive, default=1, metavar="N")
    replay.add_argument("--no-condense", action="store_true", help="one event for every hit")
    replay.add_argument("--no-allow-list", action="store_true", help="report what is allowed, too")
    replay.add_argument(
        "--explain",
        action="store_true",
        help="what every value came to and why, on standard error; a table, or --json lines",
    )
    replay.add_argument("--expect", type=Path, metavar="FILE", help="texts that events must hold")
    replay.add_argument("--stats", action="store_true", help="counters as JSON on standard error")
    replay.add_argument("captures", nargs="+", metavar="CAPTURE", help="pcap, pcapng, .gz, or -")


def _positive(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 64:
        raise argparse.ArgumentTypeError(f"expected 1 to 64, found {value}")
    return value


def _add_trails(trails: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    commands = trails.add_subparsers(title="commands", required=True, metavar="COMMAND")
    build = commands.add_parser("build", parents=[common], help="build a set from list files")
    build.add_argument("-o", "--output", type=Path, required=True, metavar="SET")
    build.add_argument("files", nargs="+", type=Path, metavar="FILE")
    build.set_defaults(run=_trails_build)
    info = commands.add_parser("info", parents=[common], help="what a set holds, and what not")
    info.add_argument("set", type=Path, metavar="SET")
    info.add_argument("--quarantined", action="store_true", help="list what was kept out, and why")
    info.set_defaults(run=_trails_info)
    lookup = commands.add_parser("lookup", parents=[common], help="look values up in a set")
    lookup.add_argument("set", type=Path, metavar="SET")
    lookup.add_argument("values", nargs="+", metavar="VALUE")
    lookup.set_defaults(run=_trails_lookup)
    diff = commands.add_parser(
        "diff", parents=[common], help="count what a new set adds and removes"
    )
    diff.add_argument("old", type=Path, metavar="OLD")
    diff.add_argument("new", type=Path, metavar="NEW")
    diff.add_argument("--keys", action="store_true", help="every key rather than counts")
    diff.set_defaults(run=_trails_diff)
    use = commands.add_parser("use", parents=[common], help="make a set the current one here")
    use.add_argument("set", type=Path, metavar="SET")
    use.set_defaults(run=_trails_use)
    _add_publish(
        commands.add_parser("publish", parents=[common], help="write a bundle for a fleet")
    )
    keygen = commands.add_parser("keygen", parents=[common], help="make a key that signs bundles")
    keygen.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    keygen.set_defaults(run=_trails_keygen)
    rollback = commands.add_parser("rollback", parents=[common], help="go back one set")
    rollback.set_defaults(run=_trails_rollback)


def _add_publish(publish: argparse.ArgumentParser) -> None:
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
    publish.set_defaults(run=_trails_publish)
