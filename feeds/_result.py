"""What an update comes to: one word, one line of why, and how each list did."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from feeds._unused import Rejected

Status = Literal["published", "unchanged", "refused", "failed"]
Outcome = Literal["new", "unchanged", "not due", "kept", "missing"]

Why = Literal[
    "",
    "busy",
    "disk",
    "empty",
    "expired",
    "format",
    "grown",
    "hash",
    "no-list",
    "popular",
    "replayed",
    "set",
    "shrunk",
    "signature",
    "unreachable",
]
"""Why the old set stands, as a closed set of words: what metrics and events tell apart."""

EXIT: Mapping[Status, int] = {"published": 0, "unchanged": 0, "refused": 3, "failed": 4}


class ListReport(msgspec.Struct, frozen=True, kw_only=True):
    """One list after an update.

    `outcome`: a new copy, the same as before, not asked, `kept` (failed, the last good copy
    serves) or `missing` (failed, and there is none); `why` in a word, `error` in a line. `age` is
    that of the copy in seconds; `rejected` of its rows were not understood, for `reasons` with
    samples, `skipped` ones are nothing to look for. `held_back` rows lacked other lists' voices,
    `quarantined` ones name what no public list may, `left_out` rows are counted by reason.
    """

    name: str
    outcome: Outcome
    rows: int = 0
    rejected: int = 0
    skipped: int = 0
    reasons: Mapping[str, Rejected] = {}
    age: float | None = None
    why: str = ""
    error: str = ""
    added: int = 0
    held_back: int = 0
    quarantined: int = 0
    left_out: Mapping[str, int] = {}


class UpdateResult(msgspec.Struct, frozen=True, kw_only=True):
    """What an update came to; `reason` is one line for people, `why` one word for programs.

    `dry_run` changed nothing and tells in `changes` what would come and go by list and kind.
    """

    status: Status
    reason: str
    why: Why = ""
    lists: tuple[ListReport, ...] = ()
    set_id: str = ""
    keys: int = 0
    dry_run: bool = False
    changes: tuple[str, ...] = ()

    @property
    def exit_status(self) -> int:
        """Return the status that the command exits with."""
        return EXIT[self.status]
