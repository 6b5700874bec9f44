"""Where sets are published and which one is current, for those that need not open it."""

from pathlib import Path

from agent.model import NO_SET

FOLDER = "sets"
CURRENT = "current"
ID_LENGTH = 12
"""Characters of a set's id that events tell."""


def current_id(state_dir: Path) -> str:
    """Return what events say of the current set: NO_SET where none is published."""
    try:
        return (state_dir / FOLDER / CURRENT).readlink().stem[:ID_LENGTH]
    except OSError:
        return NO_SET
