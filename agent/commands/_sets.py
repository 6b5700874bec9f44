"""Sets that a command names: opened, and told to a person or a program."""

import argparse
import json
import time
from pathlib import Path

from agent.commands._common import DONE, UserError, settings_of


def open_set(path: Path):  # type: ignore[no-untyped-def]  # imported late
    from agent.trails.set import SetError, TrailSet

    try:
        opened = TrailSet.open(path)
        opened.verify()
    except SetError as error:
        raise UserError(str(error)) from error
    return opened


def shadowed(options: argparse.Namespace, path: Path) -> dict[str, object]:
    """Return what the allow-list of this host silences in a set, by entry."""
    from agent.allow import AllowList
    from agent.shadows import shadows

    allow = AllowList.load(settings_of(options).allow_list, time.time_ns() // 1000)
    return {
        f"{shadow.entry.text} ({shadow.entry.origin})": {
            "count": shadow.size,
            "samples": shadow.samples,
        }
        for shadow in shadows(open_set(path), allow)
    }


def tell_set(options: argparse.Namespace, info: dict[str, object]) -> int:
    if options.json:
        print(json.dumps(info))
        return DONE
    for key, value in info.items():
        if isinstance(value, dict):
            print(f"{key}:")
            for name, number in value.items():
                print(f"  {name}: {refused(number)}")
        else:
            print(f"{key}: {', '.join(value) if isinstance(value, (list, tuple)) else value}")
    return DONE


def refused(value: object) -> object:
    if isinstance(value, dict):
        return f"{value['count']} (such as {', '.join(value['samples'])})"
    return value
