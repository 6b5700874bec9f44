"""How the last update and its lists did: what update tells deliver, in one small file.

update replaces `state/update/health.json` at the end of each run; its group may read it. deliver
shows it as metrics and tells lasting trouble in events.
"""

from pathlib import Path

import msgspec

FILE = Path("state", "update", "health.json")
"""Below the state folder."""

TRAIL_SET = "trail-set"
"""The name of the set itself among the lists, there while it is in trouble that no list has."""

MAX_BYTES = 1 << 20
"""Some hundred bytes a list: a thousand lists fit."""


class ListHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One list, or a finished set's publisher. Times are seconds since 1970, 0 for never.

    `failing` is since when it has not answered well, 0 while it does; trouble that lasts longer
    than `limit` seconds is told. `why` is a word that stays the same while the trouble does.
    """

    name: str
    last_success: float = 0.0
    failing: float = 0.0
    limit: float = 0.0
    why: str = ""
    error: str = ""
    trails: int = 0
    rejected: int = 0
    size: int = 0
    seconds: float = 0.0


class UpdateHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One run of update: `status` and `why` are words of closed sets, `reason` is for people."""

    time: float
    seconds: float
    last_good: float
    status: str
    why: str
    reason: str
    set_id: str = ""
    keys: int = 0
    signed: bool = False
    expires: float = 0.0
    lists: tuple[ListHealth, ...] = ()


def read(path: Path) -> UpdateHealth:
    """Read the file; raise OSError, or ValueError where it is not ours."""
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError("is longer than update ever writes")
    try:
        return msgspec.json.decode(data, type=UpdateHealth)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"is not what update writes: {error}") from error
