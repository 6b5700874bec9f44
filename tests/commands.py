"""Run commands of the agent in this process, as `maltrail-agent ARGUMENT...` would."""

import io
import json
import logging
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from typing import Any, NamedTuple

from agent.cli import main


class Said(NamedTuple):
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """Return the JSON documents on standard output, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def stats(self) -> dict[str, Any]:
        """Return the JSON document that --stats puts last on standard error."""
        found: dict[str, Any] = json.loads(self.err.splitlines()[-1])
        return found


def run(*arguments: object) -> Said:
    """Run one command; a refusal of its arguments is a status, too."""
    out, err = io.StringIO(), io.StringIO()
    level = logging.getLogger().level
    try:
        with redirect_stdout(out), redirect_stderr(err):
            status = main([str(argument) for argument in arguments])
    except SystemExit as ended:
        status = int(ended.code or 0)
    finally:
        logging.getLogger().setLevel(level)
    return Said(status, out.getvalue(), err.getvalue())


def told(event: Mapping[str, Any]) -> str:
    """Render an event as Maltrail's own tests do: nine columns with blanks between them."""
    columns = ("src_ip", "src_port", "dst_ip", "dst_port", "proto", "type", "trail", "info")
    return " ".join(str(event[column]) for column in (*columns, "reference"))
