"""`maltrail-agent check`: this host and its configuration."""

import argparse
import json

from agent.commands._common import DONE, FINDING, Commands, settings_of


def add(commands: Commands) -> None:
    """Add the command."""
    check = commands.add("check", run, "check the configuration and this host, with remedies")
    check.add_argument(
        "--connect", action="store_true", help="connect to every receiver too; sends no event"
    )


def run(options: argparse.Namespace) -> int:
    """Tell every finding; 1 where one is a failure."""
    from agent.deliver.preflight import check as check_outputs
    from agent.deliver.preflight import check_journals
    from agent.preflight import Finding, check
    from feeds._preflight import check as check_lists

    settings = settings_of(options)
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
